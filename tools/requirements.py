"""Print the requirements of one extra of pyproject.toml, one a line: what the Makefile installs one by one."""

import sys
import tomllib
from pathlib import Path


def main(extra: str) -> None:
    """Print the requirements of `extra`. Raises KeyError where there is no such extra."""
    pyproject = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    print("\n".join(tomllib.loads(pyproject)["project"]["optional-dependencies"][extra]))


if __name__ == "__main__":
    main(sys.argv[1])
