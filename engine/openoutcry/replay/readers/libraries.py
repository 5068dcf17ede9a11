"""Libraries that a reader needs and that not everybody installs."""

from importlib import import_module
from typing import Any

from openoutcry.replay.error import MissingLibrary


def library(module: str, reader: str, distribution: str, extra: str) -> Any:
    """Import a module, or raise MissingLibrary naming the extra that brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingLibrary(f"the reader {reader}", distribution, extra) from error
