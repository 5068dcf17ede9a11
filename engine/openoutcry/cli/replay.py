"""`outcry replay`: one recording, one mode."""

import json
from decimal import Decimal
from pathlib import Path

from openoutcry.cli.running import check_mode, check_outputs, plugin_readers, run, write
from openoutcry.replay.readers.options import Options
from openoutcry.replay.source import Source
from openoutcry.replay.table import AUTO, NO_MORE, read, reader


def run_replay(
    path: Path,
    reader_name: str,
    mode: str,
    symbols: tuple[str, ...],
    tick: Decimal | None,
    out: Path,
    as_json: bool,
    plain: bool,
    plugins: tuple[str, ...] = (),
) -> None:
    """Replay a recording, print its summary and write its files. Raises ReplayError, and UsageError for a plugin.

    plugins: whose readers can be used too; they are imported into this process.
    """
    check_mode(mode)
    more = plugin_readers(plugins) if plugins else NO_MORE
    if reader_name != AUTO:
        reader(reader_name, more)
    source = Source(path)
    check_outputs(out)
    options = Options(symbols, tick)
    replayed = run(lambda: read(source, reader_name, options, more), mode, plain, as_json)
    written = write(replayed, out)
    if as_json:
        print(json.dumps({**replayed.summary, "files": [str(file) for file in written]}))
        return
    from rich.console import Console

    from openoutcry.cli.show import show

    console = Console()
    show(replayed.summary, console)
    console.print(f"Written: {', '.join(str(file) for file in written)}", highlight=False, soft_wrap=True)
