"""What can go wrong between a trader's program and a venue. Each text is one line that says what to do about it."""

from openoutcry.domain import RejectCode


class ClientError(Exception):
    """Something about a venue; the subclasses say what."""


class NotConnected(ClientError):
    """There is no link to the venue, or it does not open a session."""


class NoAnswer(ClientError, TimeoutError):
    """The venue has not answered in time. A command that was sent is still tried: `sequence` names it, 0 for none."""

    def __init__(self, text: str, sequence: int = 0) -> None:
        super().__init__(text)
        self.sequence = sequence


class Closed(ClientError):
    """This client was closed; what was not settled by then is named by `sequence`, 0 for none."""

    def __init__(self, text: str = "this client is closed: make another one", sequence: int = 0) -> None:
        super().__init__(text)
        self.sequence = sequence


class Full(ClientError):
    """More commands wait for the venue than a client keeps."""


class Refused(ClientError):
    """The venue has taken nothing of a frame.

    reason: the name of an `EntryFault`. index: of the command in the frame. code: of an order check, 0 for none.
    """

    def __init__(self, text: str, reason: str, index: int = 0, code: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.index = index
        self.code = code


class Rejected(ClientError):
    """The book has refused a command. code: a `RejectCode`, or the number of one that this version does not know."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = RejectCode(code) if code in RejectCode._value2member_map_ else code


class NotRepresentable(ClientError, ValueError):
    """A price that is no whole number of ticks, or a quantity that is no whole number of lots."""


class UnknownPair(ClientError, LookupError):
    """The venue lists no such pair."""


class UnknownOrder(ClientError, LookupError):
    """The client knows no live order of this id."""


class DuplicateId(ClientError, ValueError):
    """A live order of another account has this client id: the venue's answers would not say which one is meant."""


class OperatorRefused(ClientError):
    """The venue did not do what an operator asked. code: a `RejectCode`, or another number of the venue's."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class OutcomeUnknown(ClientError):
    """The venue took an operator's command, but its answer was lost with the link: look before asking again."""


class VenueFault(ClientError):
    """The venue says what cannot be: it has lost what it had acknowledged, or speaks another language."""


class HandlerFailed(ClientError):
    """A function that was given to be called has raised; what it raised is the cause."""
