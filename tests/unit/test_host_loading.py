"""Which plugins are loaded: only those that are named, in order of their names, and each mistake in one line."""

import builtins
import re
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from openoutcry.host.errors import PluginError
from openoutcry.host.installed import find, installed, unfit
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from tests.made_plugins import Heard, loaded, on_path, write_check, write_plugin

TRUSTED = PluginSettings(trusted=True)

ROLES = """
from openoutcry.host import hookimpl
from openoutcry.host.kinds import RoleKind

def make(settings, ports, answers):
    raise NotImplementedError

@hookimpl
def roles():
    return [RoleKind(name, 1, "a role", make) for name in {names!r}]
"""

SETTINGS = """
import msgspec
from openoutcry.host import hookimpl

class Plugin:
    class Settings(msgspec.Struct, forbid_unknown_fields=True):
        lots: int

    def __init__(self, settings):
        self.lots = settings.lots

    @hookimpl
    def check_orders(self, commands):
        return None
"""


def write_roles(folder: Path, name: str, *names: str) -> None:
    """Write a plugin that brings these roles."""
    write_plugin(folder, name, ROLES.format(names=names), value="{package}")


def test_what_is_not_named_is_not_imported(tmp_path: Path) -> None:
    """Two plugins are installed, one is named; the other would fail when it is imported."""
    write_roles(tmp_path, "named", "chosen")
    write_plugin(tmp_path, "other", "raise SystemExit('imported')")
    heard = Heard()
    with loaded(tmp_path, heard, named=TRUSTED) as plugins:
        assert plugins.names == ("named",)
        assert list(plugins.role_kinds) == ["chosen"]
        assert "openoutcry_other" not in sys.modules
    assert heard.events == []


def test_what_is_off_is_as_if_it_were_not_named(tmp_path: Path) -> None:
    """A plugin that cannot be imported, switched off in the configuration, and required on top of it."""
    write_plugin(tmp_path, "other", "raise SystemExit('imported')")
    with loaded(tmp_path, Heard(), other=PluginSettings(off=True, required=True)) as plugins:
        assert (plugins.names, plugins.broken, plugins.checks) == ((), {}, ())


def test_everything_is_in_order_of_names(tmp_path: Path) -> None:
    """Three plugins, written and named in another order; each notes when it is imported."""
    for name in ("mid", "zed", "abe"):
        note = f"import builtins\nbuiltins.imported = [*getattr(builtins, 'imported', []), '{name}']\n"
        write_plugin(tmp_path, name, note + ROLES.format(names=[f"r_{name}"]), value="{package}")
    with loaded(tmp_path, Heard(), zed=TRUSTED, abe=TRUSTED, mid=TRUSTED) as plugins:
        assert plugins.names == ("abe", "mid", "zed")
        assert list(plugins.role_kinds) == ["r_abe", "r_mid", "r_zed"]
    assert builtins.__dict__.pop("imported") == ["abe", "mid", "zed"]


def test_a_name_that_is_not_installed_gets_a_suggestion(tmp_path: Path) -> None:
    """One letter too many."""
    write_roles(tmp_path, "tallyman", "tally")
    with (
        on_path(tmp_path),
        pytest.raises(PluginError, match="plugin tallymann is not installed: did you mean tallyman"),
    ):
        load({"tallymann": TRUSTED})


def test_a_name_that_two_distributions_bring_is_refused_with_both(tmp_path: Path) -> None:
    """The same entry point from two distributions: which of them would be meant depends on the order on the path."""
    write_plugin(tmp_path, "same", ROLES.format(names=["a"]), value="{package}", distribution="second_owner")
    write_plugin(tmp_path, "same", ROLES.format(names=["b"]), value="{package}", distribution="first_owner")
    words = "plugin same is brought by first-owner 1.0 and second-owner 1.0: uninstall all but one"
    with on_path(tmp_path), pytest.raises(PluginError, match=words):
        load({"same": TRUSTED})


def test_two_plugins_that_bring_the_same_role_do_not_load_together(tmp_path: Path) -> None:
    """Alone, each of them does."""
    write_roles(tmp_path, "one", "shared", "mine")
    write_roles(tmp_path, "two", "shared")
    with on_path(tmp_path):
        with pytest.raises(PluginError, match="plugins one and two both bring role shared: load only one of them"):
            load({"one": TRUSTED, "two": TRUSTED})
        for name in ("one", "two"):
            plugins = load({name: TRUSTED})
            assert plugins.role_kind("shared").name == "shared"
            plugins.close()


def test_a_role_of_a_plugin_that_is_not_trusted_says_what_to_write(tmp_path: Path) -> None:
    """It is known which plugin would bring it, although nothing of it was imported."""
    write_roles(tmp_path, "stranger", "odd")
    with loaded(tmp_path, Heard(), stranger=PluginSettings()) as plugins:
        assert plugins.role_kinds == {}
        with pytest.raises(PluginError, match=r"brings role odd, .*`trusted = true` under \[plugins.stranger\]"):
            plugins.role_kind("odd")
        assert "openoutcry_stranger" not in sys.modules


def test_a_role_that_nobody_brings_says_what_there_is_and_what_is_broken(tmp_path: Path) -> None:
    """One plugin is fine, another cannot be imported."""
    write_roles(tmp_path, "fine", "echo")
    write_plugin(tmp_path, "torn", "import nothing_of_this_name")
    with loaded(tmp_path, Heard(), fine=TRUSTED, torn=TRUSTED) as plugins:
        with pytest.raises(
            PluginError, match=r"brings role wanted \(there is: echo\); plugin torn: import of"
        ) as caught:
            plugins.role_kind("wanted")
        assert "No module named 'nothing_of_this_name'" in str(caught.value)
        assert "\n" not in str(caught.value)


HOOK = "from openoutcry.host import hookimpl\nclass Plugin:\n"

BROKEN = {
    "absent": ("import nothing_of_this_name", "import of openoutcry_absent:Plugin failed: ModuleNotFoundError"),
    "syntax": ("def f(:", "import of openoutcry_syntax:Plugin failed: SyntaxError"),
    "leaves": ("raise SystemExit('bye')", "import of openoutcry_leaves:Plugin failed: SystemExit: bye"),
    "lacks": ("other = 1", "import of openoutcry_lacks:Plugin failed: AttributeError"),
    "idle": ("class Plugin: pass", "has no hook: mark one of roles, scenarios, check_orders"),
    "unmade": ("class Plugin:\n def __init__(self): raise ValueError('no')", "Plugin cannot be made: ValueError: no"),
    "misspelt": (HOOK + " @hookimpl\n def check_order(self, commands): ...", "check_order"),
    "misread": (HOOK + " @hookimpl\n def check_orders(self, wrong): ...", "wrong"),
    "wraps": (HOOK + " @hookimpl(wrapper=True)\n def check_orders(self, commands): return (yield)", "is a wrapper"),
    "odd": (HOOK + " @hookimpl\n def roles(self): return [1]", "roles answered a int, expected RoleKind"),
    "endless": (HOOK + " @hookimpl\n def roles(self): return iter(int, 1)", "roles answered more than 256"),
    "raises": (HOOK + " @hookimpl\n def roles(self): raise KeyError(5)", "roles raised KeyError: 5"),
}
"""Plugin to its source and to what is told of it."""


@pytest.mark.parametrize("trusted", [True, False])
def test_broken_plugins_are_named_and_leave_the_others(tmp_path: Path, trusted: bool) -> None:
    """Each kind of broken plugin beside a good one, in the node and in processes of their own."""
    for name, (source, _) in BROKEN.items():
        write_plugin(tmp_path, name, source)
    write_check(tmp_path, "good", "return None")
    heard = Heard()
    settings = PluginSettings(trusted=trusted)
    with loaded(tmp_path, heard, good=settings, **dict.fromkeys(BROKEN, settings)) as plugins:
        assert plugins.names == ("good",)
        for name, (_, words) in BROKEN.items():
            assert words in plugins.broken[name]
            assert "\n" not in plugins.broken[name]
    assert [(event, fields["plugin"]) for event, fields in heard.events] == [
        ("plugin not loaded", name) for name in sorted(BROKEN)
    ]


@pytest.mark.parametrize("trusted", [True, False])
def test_settings_that_a_plugin_does_not_take_are_a_mistake_of_the_configuration(tmp_path: Path, trusted: bool) -> None:
    """An unknown field, a wrong type, a missing field, and settings for a plugin that has none."""
    write_plugin(tmp_path, "set", SETTINGS)
    write_check(tmp_path, "plain", "return None")
    with on_path(tmp_path):
        for name, settings, words in (
            ("set", {"lots": 1, "lot": 2}, "plugin set: settings: Object contains unknown field `lot`"),
            ("set", {"lots": "1"}, "plugin set: settings: Expected `int`, got `str`"),
            ("plain", {"lots": 1}, "plugin plain: takes no settings, and some are given: lots"),
        ):
            with pytest.raises(PluginError, match=words):
                load({name: PluginSettings(trusted=trusted, settings=settings)})
    with loaded(tmp_path, Heard(), set=PluginSettings(trusted=trusted, settings={"lots": 5})) as plugins:
        assert plugins.names == ("set",)


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("~=1.2.0", None),
        (">=1.2,<1.3", None),
        ("==1.2.*", None),
        ("==1.2.7", None),
        (None, 'does not say which engine it is made for: require "openoutcry~=1.2.0"'),
        ("~=1.1.0", "made for openoutcry ~=1.1.0, and this is 1.2.7"),
        ("==1.2.6", "made for openoutcry ==1.2.6, and this is 1.2.7"),
        ("", r'not pinned to one minor version of the engine \(any\): require "openoutcry~=1.2.0"'),
        (">=1.2", "not pinned to one minor version"),
        ("~=1.2", "not pinned to one minor version"),
    ],
)
def test_a_plugin_fits_an_engine_whose_minor_version_it_is_pinned_to(pin: str | None, words: str | None) -> None:
    """Each way to require an engine, against engine 1.2.7."""
    found = unfit(None if pin is None else SpecifierSet(pin), "1.2.7")
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert re.search(words, found)


def test_a_plugin_that_does_not_fit_is_refused_and_not_imported(tmp_path: Path) -> None:
    """Its distribution requires an engine of another minor version, or none; extras do not count."""
    write_plugin(tmp_path, "old", "raise SystemExit", requires=["openoutcry~=0.0.1"])
    write_plugin(tmp_path, "loose", "raise SystemExit", requires=['openoutcry~=0.1.0; extra == "x"'])
    with on_path(tmp_path):
        with pytest.raises(PluginError, match=r"plugin old \(openoutcry-old 1.0\): it is made for openoutcry ~=0.0.1"):
            load({"old": TRUSTED})
        with pytest.raises(PluginError, match=r"plugin loose \(openoutcry-loose 1.0\): it does not say which engine"):
            load({"loose": PluginSettings()})


def test_a_requirement_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The metadata of a distribution, written by hand."""
    write_plugin(tmp_path, "odd", "", requires=["openoutcry ~~ 1"])
    with on_path(tmp_path), pytest.raises(PluginError, match="distribution openoutcry-odd: requirement 'openoutcry ~~"):
        installed()


def test_where_a_plugin_comes_from_is_told(tmp_path: Path) -> None:
    """A folder on the path; and an editable installation, as pip notes it."""
    write_roles(tmp_path, "one", "a")
    with on_path(tmp_path):
        one = find("one", installed())
        assert (one.kind, one.place, one.distribution, one.version) == ("path", str(tmp_path), "openoutcry-one", "1.0")
        origin = '{"url": "file:///somewhere/one", "dir_info": {"editable": true}}'
        (tmp_path / "openoutcry_one-1.0.dist-info" / "direct_url.json").write_text(origin)
        one = find("one", installed())
        assert (one.kind, one.place) == ("editable", "/somewhere/one")
