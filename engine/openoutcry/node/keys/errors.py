"""What can go wrong with keys. Each text is one line that names the file and says what to do; none holds a secret."""

import os
import shlex


class KeysError(Exception):
    """Something about keys; the subclasses say what."""


class Missing(KeysError):
    """A file, socket or credential that is not there."""


class NotAKeystore(KeysError):
    """A file that is something else."""


class NewerFormat(KeysError):
    """Written by a later version of the program."""


class Damaged(KeysError):
    """A keystore that is no longer what was written."""


class WrongPermissions(KeysError):
    """Others could read it."""


class WrongPassphrase(KeysError):
    """The keystore does not open with it."""


class BadUnlock(KeysError):
    """A source of the passphrase that does not exist, is empty, or cannot be used here."""


class BadStatement(KeysError):
    """A statement about keys that cannot be believed, or does not go with the others."""


class Revoked(KeysError):
    """The identity has been given up."""


class NotChanged(KeysError):
    """What was asked cannot be done to this keystore; nothing was changed."""


class ServiceFault(KeysError):
    """The key service does not answer, or does not have what is asked."""


class SystemRefuses(KeysError):
    """What the operating system did not allow."""


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as it stands in a text of one line.

    >>> shown("a b"), shown("two\\nlines")
    ('a b', "'two\\\\nlines'")
    """
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def quoted(path: str | os.PathLike[str]) -> str:
    """Return a path as it is typed in a command.

    >>> quoted("a b")
    "'a b'"
    """
    return shlex.quote(shown(path))
