"""`outcry spec export`: the wire format for other programs, or as the reference page."""

import json
from collections.abc import Sequence
from pathlib import Path

from openoutcry.cli.usage import UsageError
from openoutcry.cli.vocabulary import vocabulary
from openoutcry.moves import described
from openoutcry.wire.pages import messages_page
from openoutcry.wire.spec import specification


def run_spec_export(out: Path | None, as_page: bool, plugins: Sequence[str] = ()) -> None:
    """Write the specification to a file, or print it. Raises UsageError where the file cannot be written."""
    words = vocabulary(plugins)
    spec = specification(words.messages, words.records)
    if as_page:
        text = messages_page(spec)
    else:
        text = json.dumps({**spec, "machines": [described(machine) for machine in words.machines]}, indent=1) + "\n"
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from error
