"""`outcry collar explain`: what the collar lets pass."""

from typing import Annotated

import typer

from openoutcry_collar.rule import DISTANCE_PPM_MAX, PRICE_TICKS_MAX, CollarSettings, bounds

app = typer.Typer(help="The price collar.", no_args_is_help=True)


@app.callback()
def collar() -> None:
    """Answer questions about the price collar."""


@app.command()
def explain(
    last: Annotated[int, typer.Option("--last", min=1, max=PRICE_TICKS_MAX, help="The last price, in ticks.")],
    price: Annotated[
        int | None, typer.Option("--price", min=1, max=PRICE_TICKS_MAX, help="The price of an order, in ticks.")
    ] = None,
    distance_ppm: Annotated[
        int, typer.Option("--distance-ppm", min=1, max=DISTANCE_PPM_MAX, help="The setting of this name.")
    ] = CollarSettings().distance_ppm,
    ticks_min: Annotated[
        int, typer.Option("--ticks-min", min=1, max=PRICE_TICKS_MAX, help="The setting of this name.")
    ] = CollarSettings().ticks_min,
) -> None:
    """Say which prices pass, and whether a price does."""
    low, high = bounds(last, CollarSettings(distance_ppm, ticks_min))
    typer.echo(f"prices from {low} to {high} pass")
    if price is not None:
        typer.echo(f"{price} {'passes' if low <= price <= high else 'is refused: COLLAR_LIMIT'}")
