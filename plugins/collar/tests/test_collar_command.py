"""`outcry collar explain`, called as the command line does."""

import typer.testing

from openoutcry_collar.commands import app


def run(*arguments: str) -> str:
    """Return what it prints."""
    result = typer.testing.CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_which_prices_pass() -> None:
    """The bounds of a collar of 5 %, and a price on either side of one end."""
    options = ("explain", "--last", "1000", "--distance-ppm", "50000")
    assert run(*options) == "prices from 950 to 1050 pass\n"
    assert run(*options, "--price", "1050").splitlines()[1] == "1050 passes"
    assert run(*options, "--price", "1051").splitlines()[1] == "1051 is refused: COLLAR_LIMIT"


def test_a_price_that_is_none_is_refused() -> None:
    """A last price of 0."""
    assert typer.testing.CliRunner().invoke(app, ["explain", "--last", "0"]).exit_code == 2
