"""`outcry tap`: what captured traffic, or one frame, holds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openoutcry.cli.usage import UsageError
from openoutcry.cli.vocabulary import vocabulary
from openoutcry.wire.capture import read_capture
from openoutcry.wire.faults import WireFault
from openoutcry.wire.tap import Tap, text


def run_tap(path: Path, as_json: bool, plugins: Sequence[str] = ()) -> None:
    """Print each frame of a file, one JSON object a line or as text. Raises UsageError where it cannot be read."""
    words = vocabulary(plugins)
    tap = Tap(words.messages, words.records)
    try:
        with path.open("rb") as source:
            for number, frame in enumerate(read_capture(source), 1):
                if isinstance(frame, WireFault):
                    raise UsageError(f"{path}: frame {number}: {frame}")
                _print(number, tap.show(frame), as_json)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _print(number: int, shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"frame": number, **shown}))
    else:
        print("\n".join([f"frame {number}", *text(shown, 1)]))
