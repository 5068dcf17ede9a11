"""`outcry order`, `cancel`, `orders`, `watch`, and `outcry venue`: their options."""

from typing import Annotated, Final

import typer

from openoutcry.cli import ruling_commands
from openoutcry.cli.venue_options import PROFILE_DEFAULT, Account, Detail, Json, MemberKey, PairName, Profile

venue_app: Final = typer.Typer(help="Operate a venue: members, pairs, halts.", no_args_is_help=True)
member_app: Final = typer.Typer(help="Who trades there, and how much.", no_args_is_help=True)
venue_app.add_typer(member_app, name="member")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (order, cancel, orders, watch):
        app.command()(command)
    app.add_typer(venue_app, name="venue")


ruling_commands.add_to(venue_app)


def order(
    side: Annotated[str, typer.Argument(metavar="buy|sell")],
    pair: PairName,
    qty: Annotated[str, typer.Argument(metavar="QTY", help="How much, as in 2.5.")],
    at: Annotated[
        list[str] | None, typer.Argument(metavar="@ PRICE", help="At which price; a market order else.")
    ] = None,
    venue: Profile = PROFILE_DEFAULT,
    account: Account = None,
    id: Annotated[int | None, typer.Option("--id", metavar="N", help="Client id; else one that is free.")] = None,
    type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="limit, market, market-to-limit, stop, stop-limit, iceberg, post-only, post-only-slide or hidden.",
        ),
    ] = None,
    tif: Annotated[str, typer.Option("--tif", metavar="TIF", help="gtc, day, ioc, fok, at-open or at-close.")] = "gtc",
    display: Annotated[
        str | None, typer.Option("--display", metavar="QTY", help="Peak of an iceberg; of others the minimum.")
    ] = None,
    trigger: Annotated[str | None, typer.Option("--trigger", metavar="PRICE", help="Trigger of a stop.")] = None,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Only towards a net position of zero.")] = False,
    json: Json = False,
) -> int:
    """Place an order, and say what became of it: `outcry order buy EURUSD 10 @ 1.0850`."""
    from openoutcry.cli.order import Wanted, run_order

    wanted = Wanted(side, pair, qty, tuple(at or ()), account, id, type, tif, display, trigger, reduce_only)
    return run_order(venue, wanted, json)


def cancel(
    pair: Annotated[
        str | None, typer.Argument(metavar="[PAIR", help="Name or number of a pair; all pairs else.")
    ] = None,
    id: Annotated[int | None, typer.Argument(metavar="[ID]]", help="Client id; all orders of the pair else.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every order of every account.")] = False,
    venue: Profile = PROFILE_DEFAULT,
    account: Account = None,
    json: Json = False,
) -> int:
    """Cancel one order, all of a pair, or with --all every one."""
    from openoutcry.cli.order import run_cancel

    return run_cancel(venue, pair, id, all, account, json)


def orders(venue: Profile = PROFILE_DEFAULT, json: Json = False) -> int:
    """Show own orders that are live."""
    from openoutcry.cli.order import run_orders

    return run_orders(venue, json)


def watch(
    pair: PairName,
    venue: Profile = PROFILE_DEFAULT,
    levels: Annotated[int, typer.Option("--levels", metavar="N", min=1, max=100, help="Levels of each side.")] = 10,
    trades: Annotated[int, typer.Option("--trades", metavar="N", min=0, max=100, help="Trades that are shown.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Show the book as it is, and stop.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line for each change.")] = False,
) -> int:
    """Show the book and the trades of a pair as they change, until stopped."""
    from openoutcry.cli.watch import run_watch

    return run_watch(venue, pair, levels, trades, once, json)


@member_app.command("add")
def member_add(
    key: MemberKey,
    accounts: Annotated[int, typer.Option("--accounts", metavar="N", min=1, max=256)] = 1,
    rate: Annotated[int, typer.Option("--rate", metavar="N", min=1, help="Commands a second.")] = 1_000,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the venue calls it.")] = "",
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Let a key trade."""
    from openoutcry.cli.venue import run_member_add

    return run_member_add(venue, key, accounts, rate, name, json)


@member_app.command("suspend")
def member_suspend(
    key: MemberKey,
    again: Annotated[bool, typer.Option("--again", help="The contrary: let it trade again.")] = False,
    keep: Annotated[bool, typer.Option("--keep-orders", help="Leave its orders in the books.")] = False,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Let a member trade no more, and cancel its orders."""
    from openoutcry.cli.venue import run_member_suspend

    return run_member_suspend(venue, key, again, keep, json)


@member_app.command("limits")
def member_limits(
    key: MemberKey,
    limits: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="As in order_lots_max=1000 collar_ticks=50.")
    ] = None,
    account: Annotated[
        int | None, typer.Option("--account", metavar="N", help="Of one account; else of all of the member.")
    ] = None,
    rate: Annotated[int | None, typer.Option("--rate", metavar="N", min=1, help="Commands a second.")] = None,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Set what a member may do."""
    from openoutcry.cli.venue import run_member_limits

    return run_member_limits(venue, key, limits or [], account, rate, json)


@venue_app.command("list")
def list_pair(
    pair: Annotated[int | None, typer.Argument(metavar="[NUMBER", min=0, help="Of a new pair; none shows all.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME]", help="Of the new pair.")] = None,
    base: Annotated[str, typer.Option("--base", metavar="HASH", help="Hash of the instrument's certificate.")] = "",
    quote: Annotated[
        str, typer.Option("--quote", metavar="HASH", help="Hash of the certificate it is priced in.")
    ] = "",
    tick_units: Annotated[
        int, typer.Option("--tick-units", min=1, help="Units of quote that a lot costs at one tick.")
    ] = 1,
    price_ticks_max: Annotated[int, typer.Option("--price-ticks-max", min=1)] = 65_535,
    auction: Annotated[bool, typer.Option("--auction", help="It begins with an auction.")] = False,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """List a new pair, or show what the venue trades."""
    from openoutcry.cli.venue import run_list, run_pairs

    if pair is None:
        return run_pairs(venue, json)
    return run_list(venue, pair, name or "", base, quote, tick_units, price_ticks_max, auction, json)


@venue_app.command()
def halt(pair: PairName, why: Detail = "", venue: Profile = PROFILE_DEFAULT, json: Json = False) -> int:
    """Halt a pair: only cancellations and reductions from now on."""
    from openoutcry.cli.venue import run_phase

    return run_phase(venue, pair, "halted", why, json)


@venue_app.command()
def resume(
    pair: PairName,
    auction: Annotated[bool, typer.Option("--auction", help="By an auction in place of continuous trading.")] = False,
    why: Detail = "",
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Trade a pair again."""
    from openoutcry.cli.venue import run_phase

    return run_phase(venue, pair, "auction" if auction else "continuous", why, json)


@venue_app.command("cancel")
def cancel_for(
    member: Annotated[str, typer.Option("--for", metavar="KEY", help="Whose orders, 64 hexadecimal digits.")],
    pair: Annotated[str | None, typer.Option("--pair", metavar="PAIR", help="In this pair; else in all.")] = None,
    venue: Profile = PROFILE_DEFAULT,
    json: Json = False,
) -> int:
    """Cancel the orders of a member."""
    from openoutcry.cli.venue import run_cancel_for

    return run_cancel_for(venue, member, pair, json)
