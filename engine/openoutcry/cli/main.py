"""`outcry`: the commands and their options, and how errors are told.

Only typer is imported here. `outcry --help` takes 0.2 s; with numpy, numba and the books it would take a second.
"""

import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from openoutcry import __version__
from openoutcry.cli import (
    compact_command,
    key_commands,
    node_commands,
    plugin_commands,
    simulate_command,
    statement_command,
    trade_commands,
    verify_command,
)
from openoutcry.cli.plugin_group import WithPlugins
from openoutcry.cli.usage import UsageError

USAGE_EXIT: Final = 2
"""Exit code for what the user can put right: options, names, files, missing libraries."""

INTERRUPTED_EXIT: Final = 130

app: Final = typer.Typer(
    name="outcry",
    cls=WithPlugins,
    help="Open Outcry: order books at memory speed, nodes that lose nothing, and replay of real order flow.",
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

spec_app: Final = typer.Typer(help="The wire format, for other programs.", no_args_is_help=True)
app.add_typer(spec_app, name="spec")
key_commands.add_to(app)
node_commands.add_to(app)
compact_command.add_to(app)
plugin_commands.add_to(app)
simulate_command.add_to(app)
trade_commands.add_to(app)
statement_command.add_to(app)
verify_command.add_to(app)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the tables and the picture.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Plain = Annotated[bool, typer.Option("--plain", help="Use the plain Python books: slower, the same events.")]

PluginNames = Annotated[
    list[str] | None, typer.Option("--plugin", metavar="NAME", help="Also the words of this plugin; may be repeated.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; what is wrong with it is one line on standard error."""
    from openoutcry.replay.error import ReplayError

    command = typer.main.get_command(app)
    try:
        code = command.main(list(sys.argv[1:] if arguments is None else arguments), "outcry", standalone_mode=False)
    except UsageError as error:
        message = _explain(error)
        if message:
            _tell(message)
        return USAGE_EXIT
    except ReplayError as error:
        _tell(str(error))
        return USAGE_EXIT
    except (typer.Abort, KeyboardInterrupt):
        _tell("interrupted")
        return INTERRUPTED_EXIT
    return code if isinstance(code, int) else 0


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"openoutcry {__version__}")
        raise typer.Exit


@app.callback()
def _outcry(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(True)


@app.command()
def replay(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file, a folder, or a .zip or .whl archive.")],
    reader: Annotated[
        str, typer.Option("--reader", metavar="NAME", help="auto, bitstamp, lobster, itch, dbn or csv.")
    ] = "auto",
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            metavar="MODE",
            help="rebuild: apply what the venue says, and check it. rematch: let our book decide who trades.",
        ),
    ] = "rebuild",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="NAME", help="Only this symbol; may be repeated.")
    ] = None,
    tick: Annotated[
        str | None, typer.Option("--tick", metavar="PRICE", help="Price of one tick; else the recording decides.")
    ] = None,
    out: Out = Path("out"),
    json: Json = False,
    plain: Plain = False,
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", metavar="NAME", help="Also the readers of this plugin.")
    ] = None,
) -> None:
    """Replay recorded order flow through our books and show what happened."""
    from openoutcry.cli.replay import run_replay

    run_replay(source, reader, mode, tuple(symbol or ()), _decimal(tick), out, json, plain, tuple(plugin or ()))


@app.command()
def demo(
    sample: Annotated[
        Path | None, typer.Option("--sample", metavar="FILE", help="The recording to play, of any format.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="No venue: replay it through books in this process, both ways.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only the first tenth of it.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="Print lines, and do not draw on the terminal.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write a picture of the screen and of the proof.")
    ] = None,
    out: Out = Path("out"),
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Play half an hour of real order flow on a venue over the network, kill it, and prove that nothing is lost.

    The recording is --sample, else the file or folder that OUTCRY_SAMPLE names, else the one that `make demo` fetched;
    where there is none, order flow is generated.
    """
    from openoutcry.cli import demo as demonstration

    if replay:
        if quick or lines or svg:
            raise typer.BadParameter("--quick, --lines and --svg are for the market: leave them out, or --replay")
        demonstration.run_demo(sample, out, json, plain)
        return 0
    return demonstration.run_market(sample, out, as_json=json, plain=plain, quick=quick, lines=lines, svg=svg)


@app.command()
def tap(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Captured traffic, or one frame.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    plugin: PluginNames = None,
) -> None:
    """Show what frames hold, also those that a node would refuse."""
    from openoutcry.cli.tap import run_tap

    run_tap(file, json, tuple(plugin or ()))


@spec_app.command("export")
def spec_export(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.")] = None,
    page: Annotated[bool, typer.Option("--page", help="The reference page in place of JSON.")] = False,
    plugin: PluginNames = None,
) -> None:
    """Write messages, records, enums, codes, bounds and transition tables as JSON."""
    from openoutcry.cli.spec import run_spec_export

    run_spec_export(out, page, tuple(plugin or ()))


def _decimal(text: str | None) -> Decimal | None:
    from openoutcry.replay.error import ReplayError

    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number <= 0:
        raise ReplayError(f"--tick {text}: expected a price above 0, such as 0.01")
    return number


def _explain(error: Exception) -> str:
    """Say in one line what is wrong with a command line."""
    shown: Any = error
    option = getattr(error, "option_name", None)
    known = getattr(getattr(error, "ctx", None), "command", None)
    if option and type(error).__name__ == "NoSuchOption":
        names = [name for parameter in getattr(known, "params", []) for name in parameter.opts]
        close = get_close_matches(option, [*names, "--help"], n=1)
        hint = f"did you mean {close[0]}?" if close else "see --help"
        return f"no option {option}: {hint}"
    return " ".join(str(shown.format_message()).split())


def _tell(message: str) -> None:
    typer.echo(f"outcry: {message}", err=True)


if __name__ == "__main__":
    sys.exit(main())
