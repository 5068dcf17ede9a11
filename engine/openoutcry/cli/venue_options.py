"""Options that several commands about a venue share."""

from pathlib import Path
from typing import Annotated, Final

import typer

PROFILE_DEFAULT: Final = Path("venue.toml")

Profile = Annotated[
    Path, typer.Option("--venue", metavar="FILE", help="How the venue is reached, and with which keys.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Account = Annotated[int | None, typer.Option("--account", metavar="N", help="Which account; else the profile's.")]
PairName = Annotated[str, typer.Argument(metavar="PAIR", help="Name or number of a pair.")]
MemberKey = Annotated[str, typer.Argument(metavar="KEY", help="The member's identity, 64 hexadecimal digits.")]
Detail = Annotated[str, typer.Option("--why", metavar="TEXT", help="What the market is told.")]
