"""What is wrong with a configuration is told in one line: file, line, what, what was expected, what to do."""

import os
from pathlib import Path

import pytest

from openoutcry.node.config.errors import LINE_CHARS_MAX, ConfigError
from openoutcry.node.config.reading import Config, read_config, take
from openoutcry.node.config.source import CONFIG_BYTES_MAX, Source

NODE = '[node]\nname = "echo"\n[roles.echo]\n'
KEY_A, KEY_B = "a" * 64, "b" * 64
PEER = f'[[peers]]\nname = "twin"\nkey = "{KEY_A}"\ncurve_key = "{KEY_B}"\n'


def parse(text: str | bytes) -> Config:
    """Read a configuration of that content."""
    content = text.encode() if isinstance(text, str) else text
    return take(Source.parse("node.toml", Path("there"), content))


def told(text: str | bytes) -> str:
    """Return what is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[node]\nname = "echo"\n[links]\nlisen = ""\n',
            "node.toml:4: links.lisen is not known: expected a known key; did you mean listen?",
        ),
        ("[nodes]\n", "node.toml:1: nodes is not known: expected a known table; did you mean node?"),
        (
            "[zebra]\n",
            "node.toml:1: zebra is not known: expected one of node, links, journal, snapshots, metrics, log, peers, "
            "roles, plugins; remove the table",
        ),
        (
            "",
            'node.toml:1: [node] is missing: expected the table [node] with a name; add [node] and name = "echo"',
        ),
        (
            "# nothing\n[node]\n",
            "node.toml:2: node.name is missing: expected a name in quotes: a letter, then up to 31 of a to z, 0 to 9, "
            '_ and -, such as "echo"; add name = "echo"',
        ),
        (
            NODE + "[journal]\nsegment_bytes = true\n",
            "node.toml:5: journal.segment_bytes is true: expected an integer from 16777216 to 1073741824 in steps of "
            "4096; leave it out for 67108864",
        ),
        (
            NODE + "[links]\n\nburst_ms = 2.5 # ms\n",
            "node.toml:6: links.burst_ms is 2.5: expected an integer from 1 to 60000; leave it out for 250",
        ),
        (
            NODE + '[log]\nlevel = "warn"\n',
            'node.toml:5: log.level is "warn": expected "debug", "error", "info" or "warning"; did you mean warning?',
        ),
        (
            NODE + '[links]\nopen_to = "lsited"\n',
            'node.toml:5: links.open_to is "lsited": expected "anyone" or "listed"; did you mean listed?',
        ),
        (
            NODE + "[log]\nrepeat_s = 1979-05-27\n",
            "node.toml:5: log.repeat_s is 1979-05-27: expected an integer from 1 to 3600; leave it out for 10",
        ),
        (
            NODE + "[journal]\narchives_max = " + "9" * 30,
            "node.toml:5: journal.archives_max is a number of 100 bits: expected an integer from 0 to 1000000; leave "
            "it out for none",
        ),
        (
            NODE + '[metrics]\nlisten = "9401"\n',
            'node.toml:5: metrics.listen is "9401": expected a host and a port in quotes, such as "127.0.0.1:9401"; '
            "leave it out for none",
        ),
        (
            NODE + '[metrics]\nlisten = "127.0.0.1:99999"\n',
            "node.toml:5: metrics.listen has port 99999: expected a port up to 65535",
        ),
        (
            NODE + '[links]\nlisten = "tcp://127.0.0.1:7"\n[metrics]\nlisten = "127.0.0.1:7"\n',
            "node.toml:7: metrics.listen is also links.listen: expected another port for each; change one of the two",
        ),
        (
            NODE + "[links]\npenalty_ms = 9\npenalty_ms_max = 8\n",
            "node.toml:5: links.penalty_ms is 9: expected at most penalty_ms_max, 8",
        ),
        (
            NODE + '[links]\nrevocations = [\n  "one",\n  2,\n]\n',
            "node.toml:7: links.revocations[2] is 2: expected an array; each of its elements a path in quotes; leave "
            "it out for []",
        ),
        ("links = 3\n", "node.toml:1: links is 3: expected a table; write [links] on a line of its own"),
        ("[peers]\n", "node.toml:1: peers is a table: expected a table for each peer; write [[peers]]"),
        (
            NODE + '[[peers]]\nname = "twin"\nkey = "12"\ncurve_key = ""\n',
            'node.toml:6: peers[1].key is "12": expected 64 hexadecimal digits (0 to 9, a to f) in quotes; write '
            f'key = "{"0" * 64}"',
        ),
        (
            NODE + PEER + PEER.replace(KEY_A, KEY_B).replace('"twin"', '"other"'),
            "node.toml:11: peers[2].curve_key is also that of peers[1]: expected another curve_key for each peer; "
            "remove one of the two",
        ),
        (
            NODE + PEER + 'topics = ["trades"]\n',
            "node.toml:8: peers[1].topics without a topics_address: expected both or neither; add topics_address",
        ),
        ('[node]\nname = "x"\n', "node.toml:1: no role is configured: expected a table [roles.NAME]; `outcry init "
         "ROLE` writes one"),
        ("[node]\nname='x'\n[roles]\necho = 3\n", "node.toml:4: roles.echo is 3: expected a table; write [roles.echo] "
         "on a line of its own"),
        ("[node]\nname='x'\n[roles.'E-cho']\n", "node.toml:3: roles.E-cho is no name of a role: expected a to z, 0 to "
         "9 and _"),
        (
            NODE + "[plugins.echo]\ntrustd = true\n",
            "node.toml:5: plugins.echo.trustd is not known: expected a known key; did you mean trusted?",
        ),
        ('[node]\nname = "x"\nunlock = "fil:pass"\n[roles.echo]', "node.toml:3: node.unlock: no such source of a "
         "passphrase: expected fd:N, file:PATH, credential:NAME, service:SOCKET or prompt; did you mean file?"),
        ("[node]\nname = echo\n", "node.toml:2: no value: expected a text in quotes, a number, true, false or [ ]; "
         'as in name = "echo"'),
        ("[node]\nname = 'x\n", "node.toml:2: a text does not end: expected a quote; close it"),
        ('[node]\nname = "x\ny"', "node.toml:2: a text does not end on its line: expected a quote; close it"),
        ('[node]\n\nname = """x\n\n', "node.toml:3: a text does not end: expected a quote; close it"),
        ("[node\nname = 'x'", "node.toml:1: a header is not closed: expected [TABLE]; close it with ]"),
        ("name 'x'", "node.toml:1: a key without a value: expected KEY = VALUE; a comment begins with #"),
        ("a = 1\na = 2\nb = 3", "node.toml:2: a key that is there already: expected each key once; remove one of the "
         "two"),
        ("[node]\n[links]\n[node]\n", "node.toml:3: a table that is there already: expected each table once; join "
         "what stands below the headers"),
        ("a = [1\n\nb = 2", "node.toml:3: an array is not closed: expected a comma or ]; close it with ]"),
        ("a = 1 2", "node.toml:1: something follows a value: expected the end of the line; text stands in quotes"),
        ('a = "\\q"', "node.toml:1: a backslash that escapes nothing: expected \\\\, or the text in single quotes; as "
         "in 'C:\\path'"),
        (";\n", "node.toml:1: neither a key nor a table: expected KEY = VALUE or [TABLE]; a comment begins with #"),
        ("a = 1\nb = " + "1" * 5_000, "node.toml:2: a number has too many digits: expected at most 19 digits"),
        ("a = 1\nb = " + "[" * 5_000, "node.toml:2: nested more than 16 deep: expected tables of plain keys"),
        (b"[node]\nname = '\xff'\n", "node.toml:2: byte 0xff is no text: expected UTF-8; save the file as UTF-8"),
        (b"# \n" * (CONFIG_BYTES_MAX // 2), "node.toml:349526: the file goes on: expected at most 1048576 bytes"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_what_was_expected_and_what_to_do(text: str | bytes, line: str) -> None:
    """One small file for each kind of mistake, and the whole line."""
    assert told(text) == line


def test_a_line_is_one_line_whatever_the_file_holds() -> None:
    """Control characters and very long names and values in what an error repeats."""
    for text in (
        '"a\\nb\\u0007" = 1\n',
        f"{'x' * 5_000} = 1\n",
        NODE + f'[log]\nlevel = "{"y" * 5_000}\\n"\n',
        NODE + '[log]\nlevel = "\\u2028\\u202e"\n',
        NODE + f"[plugins.echo]\n{'k' * 10_000} = 1\n",
    ):
        line = told(text)
        assert line.isprintable()
        assert len(line) <= LINE_CHARS_MAX


def test_a_passphrase_that_stands_in_the_file_is_not_repeated() -> None:
    """Something that is no source, and a number, where a source has to be."""
    for value in ('"correct horse"', "12345678", '"file:"'):
        line = told(f'[node]\nname = "x"\nunlock = {value}\n[roles.echo]\n')
        assert line.startswith("node.toml:3: node.unlock")
        assert "horse" not in line and "12345678" not in line


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No file, a folder, a named pipe, and a path with a zero byte."""
    os.mkfifo(tmp_path / "pipe")
    for name, what in (
        ("gone.toml", "no such file; write one with `outcry init ROLE`"),
        (".", "is a folder, pipe or device: expected a file"),
        ("pipe", "is a folder, pipe or device: expected a file"),
        ("a\0b", "cannot be read"),
        ("x" * 300, "cannot be read: File name too long"),
    ):
        with pytest.raises(ConfigError, match=r":1: ") as caught:
            read_config(tmp_path / name)
        assert what in str(caught.value)


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Modes that are refused, with the command that puts them right, and modes that are fine."""
    path = tmp_path / "node.toml"
    path.write_text(NODE)
    for mode in (0o644, 0o600, 0o440):
        path.chmod(mode)
        assert read_config(path).node.name == "echo"
    path.chmod(0o666)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}:1: its mode is 0666: others may change what runs with the node's keys: expected 0644 or less; run "
        f"chmod 644 {path}"
    )


def test_paths_begin_at_the_folder_of_the_file() -> None:
    """Relative and absolute ones, also that of the passphrase."""
    config = parse('[node]\nname = "x"\ndata = "d"\nkeystore = "/k"\nunlock = "file:p"\n[roles.echo]\n')
    assert (str(config.data), str(config.keystore), str(config.unlock)) == ("there/d", "/k", "file:there/p")
    assert str(config.journal_folder) == "there/d/journal"


def test_every_table_may_be_left_out_but_node_and_roles() -> None:
    """The smallest configuration has the defaults of the types."""
    config = parse(NODE)
    assert (config.node.durability, config.links.open_to.value, config.metrics.listen) == ("sync", "listed", None)
    assert config.peers == () and dict(config.plugins) == {}
