"""`outcry plugins` and `outcry plugin`: their options."""

from pathlib import Path
from typing import Annotated, Final

import typer

plugin_app: Final = typer.Typer(help="Write a plugin, and try it.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(plugins)
    app.add_typer(plugin_app, name="plugin")


def plugins(json: Json = False) -> None:
    """List the plugins that are installed, where they come from and what they bring."""
    from openoutcry.cli.plugins import run_plugins

    run_plugins(json)


@plugin_app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: small letters, digits and _.")],
    hook: Annotated[
        str,
        typer.Option("--hook", metavar="HOOK", help="check_orders, roles, scenarios, replay_readers or commands."),
    ],
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where its folder goes; else here.")
    ] = None,
) -> None:
    """Write a plugin that works: a distribution with one hook and a test that passes."""
    from openoutcry.cli.plugin_new import run_plugin_new

    run_plugin_new(name, hook, Path() if directory is None else directory)


@plugin_app.command("try")
def try_(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Folder of a plugin, or the name of an installed one.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Recorded order flow, of any reader's format or the plugin's own."),
    ] = None,
    reader: Annotated[
        str, typer.Option("--reader", metavar="NAME", help="auto, a reader of the engine or one of the plugin.")
    ] = "auto",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="NAME", help="Only this symbol; may be repeated.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the plugin, as in TOML; may be repeated."),
    ] = None,
    deadline_ms: Annotated[
        int | None, typer.Option("--deadline-ms", min=1, max=60_000, help="For one question; as in a node otherwise.")
    ] = None,
    trusted: Annotated[bool, typer.Option("--trusted", help="Ask the check in this process: for a debugger.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Use the plain Python books: slower.")] = False,
    json: Json = False,
) -> None:
    """Run a plugin against recorded flow and show the difference that it makes."""
    from openoutcry.cli.plugin_try import Asked, run_plugin_try

    settings = tuple(setting or ())
    run_plugin_try(
        Asked(path, data, reader, tuple(symbol or ()), settings, deadline_ms, trusted, plain, json),
    )
