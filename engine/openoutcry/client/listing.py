"""What a venue trades, and the edge at which decimal prices and quantities become ticks and lots, and back.

Inside are integers only. A venue says what a lot costs at one tick in units of the quote instrument; how a trader
writes that is the trader's own: `Scale` says what one tick and one lot are worth in the numbers that people use.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Final, TypeAlias

import msgspec

from openoutcry.client.errors import NotRepresentable, UnknownPair
from openoutcry.venue.messages import PairListed, Pairs

Number: TypeAlias = Decimal | int | str
"""A number at the edge: no floats, since 0.1 is none of them."""

ONE: Final = Decimal(1)

DIGITS_MAX: Final = 64
"""Digits and exponent of a number at the edge: more is no price."""


class Scale(msgspec.Struct, frozen=True):
    """What one tick and one lot of a pair are, as people write them.

    >>> euro = Scale(Decimal("0.0001"), Decimal("1000"))
    >>> euro.ticks("1.0850"), euro.lots(25_000), euro.price(10_850), euro.qty(25)
    (10850, 25, Decimal('1.0850'), Decimal('25000'))
    """

    tick: Decimal = ONE
    lot: Decimal = ONE

    def ticks(self, price: Number) -> int:
        """Return a price in ticks. Raises NotRepresentable where that is no whole number."""
        return _whole(price, self.tick, "price", "tick")

    def lots(self, qty: Number) -> int:
        """Return a quantity in lots. Raises NotRepresentable where that is no whole number."""
        return _whole(qty, self.lot, "quantity", "lot")

    def price(self, ticks: int) -> Decimal:
        """Return ticks as a price."""
        return ticks * self.tick

    def qty(self, lots: int) -> Decimal:
        """Return lots as a quantity."""
        return lots * self.lot


class Listed:
    """One pair of a venue: what the venue says of it, and how this client writes its numbers."""

    __slots__ = ("number", "said", "scale")

    def __init__(self, said: PairListed, scale: Scale) -> None:
        self.number = said.pair
        self.said = said
        self.scale = scale

    @property
    def name(self) -> str:
        """Its name, or its number where the venue gives none."""
        return self.said.name or str(self.number)

    def __repr__(self) -> str:
        return f"Listed({self.number}, {self.name!r})"


PairLike: TypeAlias = int | str | Listed
"""A pair by number, by name, or as listed."""


class Listing:
    """The pairs of one venue, as it has last said."""

    def __init__(self, scales: Mapping[str, Scale] | None = None) -> None:
        """scales: by name of a pair or by its number as text; others count in ticks and lots."""
        self._scales = dict(scales or {})
        self._pairs: dict[int, Listed] = {}
        self._names: dict[str, Listed] = {}
        self.is_complete = False

    def take(self, page: Pairs) -> int | None:
        """Take a page of the venue's answer; return the number to ask from next, None where it was the last."""
        for said in page.pairs:
            scale = self._scales.get(said.name) or self._scales.get(str(said.pair)) or Scale()
            listed = Listed(said, scale)
            self._pairs[said.pair] = self._names[said.name] = listed
        if page.more and page.pairs:
            return page.pairs[-1].pair + 1
        self.is_complete = True
        return None

    def __getitem__(self, pair: PairLike) -> Listed:
        """Return a pair. Raises UnknownPair, with a suggestion."""
        if isinstance(pair, Listed):
            return pair
        found = self._pairs.get(pair) if isinstance(pair, int) else self._names.get(pair)
        if found is None and isinstance(pair, str) and pair.isascii() and pair.isdigit() and len(pair) < 10:
            found = self._pairs.get(int(pair))
        if found is None:
            close = get_close_matches(str(pair), self._names, n=1)
            known = ", ".join(self._names) or "none"
            hint = f"did you mean {close[0]}?" if close else f"it lists {known[:100]}"
            raise UnknownPair(f"the venue lists no pair {str(pair)[:40]}: {hint}")
        return found

    def __iter__(self) -> Iterator[Listed]:
        """Yield pairs in order of number."""
        return iter([self._pairs[number] for number in sorted(self._pairs)])

    def __len__(self) -> int:
        return len(self._pairs)


def decimal_of(number: Number, what: str) -> Decimal:
    """Return a number as it was written. Raises NotRepresentable for what is none, a float among them."""
    if isinstance(number, float):
        raise NotRepresentable(f"{what} {number} is a float: give it as text or Decimal, so that it is exact")
    try:
        value = Decimal(number)
    except (InvalidOperation, TypeError, ValueError):
        value = Decimal("nan")
    if not value.is_finite():
        raise NotRepresentable(f"{what} {str(number)[:40]!r} is no number: write it as in 1.0850")
    _, digits, exponent = value.as_tuple()
    if len(digits) > DIGITS_MAX or abs(int(exponent)) > DIGITS_MAX:
        raise NotRepresentable(f"{what} has more than {DIGITS_MAX} digits")
    return value


def scales_of(table: Mapping[str, Mapping[str, Number]]) -> dict[str, Scale]:
    """Return scales from plain numbers. Raises NotRepresentable for one that is not above 0."""
    scales = {}
    for name, values in table.items():
        numbers = {what: decimal_of(number, f"{what} of {name}") for what, number in values.items()}
        for what, value in numbers.items():
            if value <= 0:
                raise NotRepresentable(f"{what} of {name} is {value}: expected a number above 0")
        scales[name] = Scale(**numbers)
    return scales


def _whole(number: Number, unit: Decimal, what: str, unit_name: str) -> int:
    value = decimal_of(number, what)
    count, rest = divmod(value, unit)
    if rest:
        below = count * unit
        raise NotRepresentable(
            f"{what} {value} is no whole number of {unit_name}s of {unit}: the nearest are {below} and {below + unit}"
        )
    return int(count)
