"""What went wrong with a replay, said in one line that a user can act on."""


class ReplayError(ValueError):
    """Input that cannot be replayed, or a library that a reader lacks. `str()` of it is one line, meant for a user."""


class DamagedInput(ReplayError):
    """One field of one record is not what its format says.

    file: as the user named it. record: counted from 1; in a file with a header line the first line after it is
    record 1. field: its name in the format. expected, found: plain words.

    >>> print(DamagedInput("orders.csv", 12, "price", "a decimal number", "'abc'"))
    orders.csv: record 12, field price: expected a decimal number, found 'abc'
    """

    def __init__(self, file: str, record: int, field: str, expected: str, found: str) -> None:
        super().__init__(f"{file}: record {record}, field {field}: expected {expected}, found {found}")
        self.file = file
        self.record = record
        self.field = field
        self.expected = expected
        self.found = found


class MissingLibrary(ReplayError):
    """A reader or an output needs a library that is not installed."""

    def __init__(self, what: str, library: str, extra: str) -> None:
        super().__init__(f'{what} needs {library}: pip install "openoutcry[{extra}]"')
        self.extra = extra
