"""Two installs of the same plugins in different order behave the same, byte for byte."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile, copytree
from typing import Final

from tests.made_plugins import write_check, write_plugin

ROOT: Final = Path(__file__).parents[2]

NAMES: Final = ("delta", "alpha", "echoes", "bravo", "charlie")
TORN: Final = NAMES[:2]

ROLE: Final = """
import sys
print("imported {name}")
from openoutcry.host import hookimpl
from openoutcry.host.kinds import RoleKind

@hookimpl
def roles():
    return [RoleKind("z_{name}", 1, "", lambda s, p, a: None), RoleKind("a_{name}", 1, "", lambda s, p, a: None)]
"""

PROGRAM: Final = """
import numpy as np
from openoutcry.domain.records import COMMAND
from openoutcry.host.installed import installed
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings

def tell(event, /, **fields):
    if event != "plugin printed":  # lines of several processes arrive in no order
        print(event, fields)

names = {names!r}
print([one.name for one in installed() if one.name in names])
settings = PluginSettings(trusted={trusted}, deadline_ms=20_000, load_ms=60_000)
plugins = load(dict.fromkeys(names, settings), tell=tell)
commands = np.zeros(8, dtype=COMMAND)
commands["qty_lots"] = np.arange(8)
for _ in range(2):
    print(plugins.check_orders(commands).tolist())
print(plugins.names, list(plugins.role_kinds), dict(plugins.untrusted_roles), plugins.broken)
print(plugins.counters)
plugins.close()
"""


def install(folder: Path, order: Sequence[str]) -> None:
    """Write the same plugins in this order: checks that object to the same commands, roles, some that are broken."""
    folder.mkdir()
    for name in order:
        code = 1 + NAMES.index(name)
        write_check(folder, f"check_{name}", f"return np.where(commands['qty_lots'] >= {code}, {code}, 0).astype('i2')")
        write_plugin(folder, f"role_{name}", ROLE.format(name=name), value="{package}")
    for name in TORN if order[0] == NAMES[0] else TORN[::-1]:
        write_plugin(folder, f"torn_{name}", "import nothing_of_this_name")


def run(paths: Sequence[Path], names: Sequence[str], program: str, trusted: bool) -> bytes:
    """Run a program with plugins on these paths and return all that it prints."""
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT / "engine"])),
        "PYTHONHASHSEED": "random",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-c", program.format(names=list(names), trusted=trusted)],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def names_in(order: Sequence[str]) -> list[str]:
    """Return the plugins' names as a configuration might give them."""
    return [f"{kind}_{name}" for kind in ("role", "check") for name in order] + [f"torn_{name}" for name in TORN]


def test_the_order_of_installation_changes_nothing(tmp_path: Path) -> None:
    """One folder written in one order, one in the reverse order, and one folder for each plugin, the last first; named
    in other orders too. What is imported, told, answered and counted is the same, in the node and apart from it."""
    install(tmp_path / "one", NAMES)
    install(tmp_path / "two", NAMES[::-1])
    apart = []
    for name in reversed(NAMES):
        folder = tmp_path / f"apart_{name}"
        folder.mkdir()
        for path in (tmp_path / "one").glob(f"openoutcry_*_{name}*"):
            copy = copytree if path.is_dir() else copyfile
            copy(path, folder / path.name)
        apart.append(folder)
    for trusted in (True, False):
        outputs = {
            run([tmp_path / "one"], names_in(NAMES), PROGRAM, trusted),
            run([tmp_path / "two"], names_in(NAMES[::-1]), PROGRAM, trusted),
            run(apart, names_in(sorted(NAMES)), PROGRAM, trusted),
        }
        assert len(outputs) == 1
        output = outputs.pop()
        assert b"[0, 1, 2, 2, 2, 2, 2, 2]" in output
        assert output.count(b"No module named 'nothing_of_this_name'") == 4


def test_the_list_of_plugins_is_the_same_too(tmp_path: Path) -> None:
    """`outcry plugins --json` for both folders, the folders' own names aside."""
    install(tmp_path / "one", NAMES)
    install(tmp_path / "two", NAMES[::-1])
    program = "from openoutcry.cli.main import main\nraise SystemExit(main(['plugins', '--json']))"
    lists = [
        run([tmp_path / name], [], program, True).replace(str(tmp_path / name).encode(), b"") for name in ("one", "two")
    ]
    assert lists[0] == lists[1]
    assert lists[0].count(b'"check_orders"') >= len(NAMES)
