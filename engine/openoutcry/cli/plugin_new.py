"""`outcry plugin new`: writes a plugin that works, to be changed into what it is meant to be."""

import re
import zlib
from collections.abc import Mapping
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Final

from openoutcry import __version__
from openoutcry.cli.usage import UsageError
from openoutcry.replay.table import unknown
from openoutcry.wire.limits import EXTENSION_TAG_MIN, TAG_MAX

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_CHARS_MAX: Final = 24
"""What a plugin can be called: part of the name of a package and of a role, which has at most 32 characters."""

ROLE: Final = {"messages.py": "messages.py", "role.py": "role.py"}

FILES: Final[Mapping[str, Mapping[str, str]]] = {
    "check_orders": {"plugin.py": "check_orders.py"},
    "roles": {"plugin.py": "roles.py", **ROLE},
    "scenarios": {"plugin.py": "scenarios.py", **ROLE, "client.py": "client.py", "scenario.py": "scenario.py"},
    "replay_readers": {"plugin.py": "replay_readers.py"},
    "commands": {"commands.py": "commands.py"},
}
"""Hook to the files of the package, each with its template. `commands` is no hook, but found in the same way."""

TRY_LINES: Final = {
    "check_orders": "outcry plugin try . --data FILE   # what it would have refused",
    "roles": "outcry plugin try .",
    "scenarios": "outcry plugin try .     # runs the scenario\noutcry simulate $name",
    "replay_readers": "outcry plugin try . --data FILE\noutcry replay FILE --plugin $name",
    "commands": "outcry $command notional 12 5",
}

CONFIGURATION: Final = {
    "check_orders": "In a node's configuration:\n\n```toml\n[plugins.$name]\ndeadline_ms = 100\n"
    "required = false     # true: no answer refuses orders\n\n[plugins.$name.settings]\nlots_max = 1_000\n```\n",
    "roles": "A role runs in the node itself, so its plugin has to be trusted:\n\n"
    "```toml\n[plugins.$name]\ntrusted = true\n```\n",
}
CONFIGURATION_ELSE: Final = "A node's configuration does not name it: it is used on the command line.\n"


def run_plugin_new(name: str, hook: str, folder: Path) -> None:
    """Write the distribution into `folder`/NAME and say what to do next. Raises UsageError."""
    if NAME.fullmatch(name) is None or len(name) > NAME_CHARS_MAX or iskeyword(name):
        raise UsageError(
            f"no plugin can be called {name}: expected small letters, digits and _ between them, "
            f"at most {NAME_CHARS_MAX}, such as price_collar"
        )
    if hook not in FILES:
        raise UsageError(unknown("hook", hook, list(FILES)))
    target = folder / name
    if target.exists():
        raise UsageError(f"{target} is there already")
    written = write_plugin(name, hook, target)
    for path in written:
        print(path)
    print(f"Next: cd {target}, pip install -e .[dev], pytest, outcry plugins")


def write_plugin(name: str, hook: str, target: Path) -> list[Path]:
    """Write every file and return their paths. Raises UsageError for a folder that cannot be written."""
    words = _words(name, hook)
    package, tests = target / f"openoutcry_{name}", target / "tests"
    contents = {
        target / "pyproject.toml": _filled("pyproject.toml", words),
        target / "README.md": _filled("README.md", words),
        package / "__init__.py": _filled("package.py", words),
        **{package / file: _filled(template, words) for file, template in FILES[hook].items()},
        tests / f"test_{name}_plugin.py": _filled(f"{hook}_test.py", words),
    }
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror}") from error
    return list(contents)


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = files("openoutcry.host").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _words(name: str, hook: str) -> dict[str, str]:
    """Return what stands for each place of a template."""
    major, minor, *_ = __version__.split(".")
    camel = "".join(part.capitalize() for part in name.split("_") if part)
    group = (
        '[project.entry-points."openoutcry.commands"]' if hook == "commands" else "[project.entry-points.openoutcry]"
    )
    value = {"commands": "commands:app", "check_orders": f"plugin:{camel}"}.get(hook, "plugin")
    command = name.replace("_", "-")
    room = (TAG_MAX - EXTENSION_TAG_MIN) // 2 - 1  # two tags, apart from those of most others
    tag = EXTENSION_TAG_MIN + 2 * (zlib.crc32(name.encode()) % room)
    words = {
        "name": name,
        "NAME": name.upper(),
        "Class": camel,
        "command": command,
        "dashed": command,
        "pin": f">={major}.{minor},<{major}.{int(minor) + 1}",
        "dependencies": '"typer>=0.20", ' if hook == "commands" else '"msgspec>=0.20", "numpy>=2.0", ',
        "entry_points": f'{group}\n{command if hook == "commands" else name} = "openoutcry_{name}.{value}"\n',
        "tag": f"{tag:_}",
        "reply_tag": f"{tag + 1:_}",
        "brings": f"a command, `outcry {command}`" if hook == "commands" else f"the hook `{hook}`",
    }
    words["try_line"] = Template(TRY_LINES[hook]).substitute(words)
    words["configuration"] = Template(CONFIGURATION.get(hook, CONFIGURATION_ELSE)).substitute(words)
    return words
