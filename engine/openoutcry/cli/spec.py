"""`outcry spec export`: the wire format for other programs, or as the reference page."""

import json
from pathlib import Path

from openoutcry.cli.usage import UsageError
from openoutcry.wire.frames import KINDS
from openoutcry.wire.pages import messages_page
from openoutcry.wire.spec import specification
from openoutcry.wire.table import MESSAGES


def run_spec_export(out: Path | None, as_page: bool) -> None:
    """Write the specification to a file, or print it. Raises UsageError where the file cannot be written."""
    spec = specification(MESSAGES, KINDS)
    text = messages_page(spec) if as_page else json.dumps(spec, indent=1) + "\n"
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from error
