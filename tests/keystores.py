"""Keystores for tests: made with the least work that argon2id allows."""

import os
from pathlib import Path
from typing import Final

from openoutcry.node.keys.keystore import create
from openoutcry.node.keys.layout import CHEAPEST, Public

PASSPHRASE: Final = b"correct horse battery staple"
NOW_NS: Final = 1_764_000_000_000_000_000


def make(path: Path, passphrase: bytes = PASSPHRASE) -> Public:
    """Make a cheap keystore."""
    return create(path, passphrase, CHEAPEST)


def passphrase_file(folder: Path, passphrase: bytes = PASSPHRASE, name: str = "passphrase") -> Path:
    """Write a passphrase where only its owner can read it."""
    path = folder / name
    path.write_bytes(passphrase + b"\n")
    path.chmod(0o600)
    return path


def is_one_line(error: BaseException) -> bool:
    """Tell whether the text of an error is one line that ends in what to do, and not in a dot."""
    text = str(error)
    return text.isprintable() and bool(text) and not text.endswith(".") and len(text) < 400


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder, hidden files too."""
    return sorted(os.listdir(folder))
