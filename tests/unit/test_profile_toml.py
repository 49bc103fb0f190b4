"""`config.toml`: what it may say, and one clear line for what it may not."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from chtui.errors import ConfigError
from chtui.profile import check_file
from chtui.profile.layer import Context, Problem
from chtui.profile.toml_file import OwnFile, read_own_file
from chtui.profile.toml_lines import find_line, key_lines

FULL = """
version = 1
default_profile = "prod"

[profile.prod]
hosts = ["ch-1:8443", "[::1]:8443", "ch-2"]
cluster = "appsentry"
user = "oncall"
password_command = ["pass", "show", "x"]
prompt_password = false
secure = true
verify = false
ca_file = "ca.pem"
cert_file = "~/cert.pem"
key_file = "/etc/key.pem"
server_name = "ch.example"
access = "through"
http_template = "{host_name}.example:8443"
write_allowed = false
connect_timeout_seconds = 2
[profile.prod.http_addresses]
"ch-1:9000" = "ch-1.example:8443"
[profile.prod.write]
user = "admin"
password_env = "ADMIN_PASSWORD"

[profile."dé v/1"]
hosts = ["http://dev"]

[ui]
theme = "nord"
mouse = true
default_pane = "problems"

[intervals]
parts = 30

[thresholds]
queue_size_warning = 20
disk_used_warning_ratio = 0.5
"""


def read(path: Path, home: Path | None = None) -> OwnFile:
    return read_own_file(path, Context({}, home))


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(folder: Path, text: str, mode: int = 0o600) -> list[Problem]:
    return check_file(write(folder, text, mode), {}, folder)


def test_everything_a_file_may_say(tmp_path: Path) -> None:
    own = read(write(tmp_path, FULL), Path("/home/u"))
    assert own.problems == ()
    assert own.default_profile is not None
    assert own.default_profile.value == "prod"
    prod = own.profiles["prod"]
    origin = f"{tmp_path}/config.toml"
    assert prod.hosts is not None
    assert prod.hosts.value == ("ch-1:8443", "[::1]:8443", "ch-2")
    assert prod.hosts.origin == f"{origin}:6"
    assert prod.ca_file is not None
    assert prod.ca_file.value == tmp_path / "ca.pem"
    assert prod.cert_file is not None
    assert prod.cert_file.value == Path("/home/u/cert.pem")
    assert prod.http_addresses is not None
    assert prod.http_addresses.value == {"ch-1:9000": "ch-1.example:8443"}
    assert prod.write is not None
    assert prod.write.value.user == "admin"
    assert prod.write.value.secret.source == f"{origin}:25"
    assert prod.connect_timeout_seconds is not None
    assert prod.connect_timeout_seconds.origin == f"{origin}:20"
    dev = own.profiles["dé v/1"]
    assert dev.secure is not None
    assert dev.secure.value is False
    assert own.ui["theme"].value == "nord"
    assert own.intervals["parts"].value == 30
    assert set(own.thresholds) == {"queue_size_warning", "disk_used_warning_ratio"}


P = "version = 1\n[profile.p]\n"
BAD = [
    # text, line, part of the line that is shown
    (P + 'hsots = ["a"]', 3, "unknown key profile.p.hsots; did you mean hosts?"),
    (P + "Connect-Timeout_seconds = 1", 3, "did you mean connect_timeout_seconds?"),
    (P + "zzzzzz = 1", 3, "known: access, ca_file, cert_file"),
    (P + "[profile.p.tls]\nverify = true", 3, "stand in the profile itself"),
    (P + "port = 9000", 3, "write the port in hosts"),
    ("version = 1\n[profil.p]\n", 2, "unknown key profil; did you mean profile?"),
    ("version = 1\n[ui]\nmose = true", 3, "unknown key ui.mose; did you mean mouse?"),
    ("version = 1\n[intervals]\npart = 1", 3, "did you mean parts?"),
    ("version = 1\n[thresholds]\nqueue_size = 1", 3, "did you mean queue_size_"),
    (P + 'hosts = "a"', 3, "profile.p.hosts must be a list of strings, not a string"),
    (P + "hosts = []", 3, "one or more strings"),
    (P + "hosts = [1]", 3, "one or more strings"),
    (P + 'hosts = ["a:b"]', 3, "port 'b' in 'a:b' is not a port"),
    (P + 'hosts = ["http://a", "https://b"]', 3, "some hosts say http:// and some https://"),
    (P + 'hosts = ["http://a"]\nsecure = true', 3, "secure is true but a host says http://"),
    (P + 'cluster = ""', 3, "profile.p.cluster is empty"),
    (P + 'cluster = "a\\u001b[2J"', 3, "control or invisible"),
    (P + 'user = "a\\u202eb"', 3, "control or invisible"),
    (P + "user = 5", 3, "must be a string, not a number"),
    (P + "secure = 1", 3, "must be true or false, not a number"),
    (P + 'verify = "no"', 3, "must be true or false, not a string"),
    (P + 'access = "proxy"', 3, 'write "direct" or "through"'),
    (P + "connect_timeout_seconds = true", 3, "must be a number, not true or false"),
    (P + "connect_timeout_seconds = 0", 3, "out of range; it goes from 0.1 to 60"),
    (P + "connect_timeout_seconds = nan", 3, "out of range"),
    (P + "connect_timeout_seconds = 2020-01-01", 3, "not a date or time"),
    (P + 'http_template = "a:1"', 3, "must hold {host_name}"),
    (P + 'key_file = "/k"', 3, "has no cert_file"),
    (P + "write = true", 3, "must be a table"),
    (P + "[profile.p.write]\npassword_env = 'X'", 3, "profile.p.write names no user"),
    (P + "[profile.p.write]\nuser = 'x'\npasword = 'y'", 5, "did you mean password?"),
    (P + '[profile.p.http_addresses]\n"a" = "b:1"', 4, "'a' has no port"),
    (P + '[profile.p.http_addresses]\n"a:1" = "b"', 4, "'b' has no port"),
    (P + '[profile.p.http_addresses]\n"a:1" = "https://b:1"', 4, "says http:// or https://"),
    (P + "[profile.p.http_addresses]\na.b = 1", 4, "a name in profile.p.http_addresses: 'a' has no port"),
    (P + "password_command = ''", 3, "is empty"),
    (P + "password_command = []", 3, "one or more strings"),
    (P + 'password_command = "\'x"', 3, "quote"),
    (P + "password_command = 5", 3, "must be a string"),
    (P + "password_env = 'A'\nprompt_password = true", 4, "both give a password"),
    ("version = 1\n[profile]\np = 3", 3, "profile.p must be a table, not a number"),
    ('version = 1\n[profile."a\\u0007b"]', 2, "is no profile name"),
    ('version = 1\n[profile."  "]', 2, "is no profile name"),
    ("version = 1\nprofile = 3", 2, "profile must be a table"),
    (
        "version = 1\ndefault_profile = 'prd'\n[profile.prod]",
        2,
        "names 'prd', which is no profile; did you mean prod?",
    ),
    ("version = 1\ndefault_profile = 'x'", 2, "none exists"),
    ("version = 1\n[intervals]\nparts = 0", 3, "out of range"),
    ("version = 1\n[thresholds]\ndisk_used_warning_ratio = 80", 3, "it goes from 0 to 1"),
    ("version = 1\n[thresholds]\nqueue_size_warning = 1.5", 3, "must be a whole number, not a number"),
    ("version = 1\n[thresholds]\n\nreplica_lag_warning_seconds = 601", 4, "above the critical (600)"),
    ("version = 1\n[thresholds]\ndisk_used_critical_ratio = 0.1", 3, "above the critical (0.1)"),
]


@pytest.mark.parametrize(("text", "line", "shown"), BAD, ids=[shown for _, _, shown in BAD])
def test_bad_input_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: int, shown: str) -> None:
    found = problems(tmp_path, text)
    first = found[0].line
    assert first.startswith(f"{tmp_path}/config.toml:{line}: "), first
    assert any(shown in problem.line for problem in found), [problem.line for problem in found]
    for problem in found:
        assert "\n" not in problem.line
        assert problem.line.isprintable()


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("version = 1\nhosts = [\n", 3, "is not TOML"),
        ("version = 1\n[profile.p\n", 2, "is not TOML"),
        ("version = 1\n[profile.p]\na = 1\na = 2", 4, "is not TOML"),
        ("version = 1\n\nuser =", 3, "is not TOML"),
        ("version = 1\nx = '\x00'", 2, "is not TOML"),
        ("", 0, "no version"),
        ("[profile.p]\n", 0, "no version; write version = 1"),
        ("\nversion = 2", 2, "version 2 is newer than this chtui, which knows 1; upgrade chtui"),
        ("version = '1'", 1, "version must be a whole number"),
        ("version = true", 1, "version must be a whole number"),
        ("version = 0", 1, "version must be a whole number"),
        ("version = 1\nx = " + "[" * 5000, 0, ""),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, text: str, line: int, shown: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    where = f"{tmp_path}/config.toml" + (f":{line}: " if line else "")
    assert found[0].line.startswith(where)
    assert shown in found[0].line
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "config.toml")
    assert caught.value.line == found[0].line


def test_a_newer_version_hides_nothing_else(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "version = 9\nnew_key = 1\n[profile.p]\nhosts = 7")) == 1


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"version = 1\nuser = '\xff'\n")
    assert check_file(path)[0].line.startswith(f"{path}:2: is no UTF-8 text")
    path.write_bytes(b"\xef\xbb\xbfversion = 1\r\n[ui]\r\nmose = 1\r\n")
    assert check_file(path)[0].where == f"{path}:3"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    assert "1 MiB" in check_file(path)[0].line


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path, Path("a\0b")):
        assert "cannot be read" in check_file(path)[0].line


def test_all_problems_are_listed_in_the_order_of_lines(tmp_path: Path) -> None:
    text = (
        "version = 1\ntheme = 'x'\n[profile.a]\nhsots = 1\nuser = 3\n[profile.b]\nport = 1\n[ui]\nmouse = 5\n"
    )
    found = problems(tmp_path, text)
    assert [problem.where.rpartition(":")[2] for problem in found] == ["2", "4", "5", "7", "9"]
    assert [problem.profile for problem in found] == [None, "a", "a", "b", None]


def test_a_literal_password_needs_a_private_file(tmp_path: Path) -> None:
    text = P + 'password = "hunter2"\n[profile.p.write]\nuser = "w"\npassword = "hunter2"'
    assert problems(tmp_path, text) == []
    assert read(tmp_path / "config.toml").problems == ()
    for mode in (0o640, 0o604, 0o644):
        found = problems(tmp_path, text, mode)
        assert [problem.where.rpartition(":")[2] for problem in found] == ["3", "6"]
        assert "chmod 600" in found[0].line
        assert "password_command" in found[0].line
        assert "hunter2" not in "".join(problem.line for problem in found)


def test_an_empty_literal_password_is_one(tmp_path: Path) -> None:
    secret = read(write(tmp_path, P + 'password = ""')).profiles["p"].secret
    assert secret is not None
    assert secret.value.reveal() == ""


def test_a_password_of_the_wrong_type_is_not_shown(tmp_path: Path) -> None:
    found = problems(tmp_path, P + "password = 424242")
    assert "424242" not in found[0].line
    assert "must be a string, not a number" in found[0].line


def test_files_that_are_not_there_and_files_that_all_may_read(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o644)
    text = P + 'ca_file = "none.pem"\npassword_file = "pw"\n[profile.q]\npassword_file = "~/none"'
    found = problems(tmp_path, text)
    assert [problem.where.rpartition(":")[2] for problem in found] == ["3", "4", "6"]
    assert f"{tmp_path}/none.pem is not there" in found[0].line
    assert "can be read by others" in found[1].line
    assert f"{tmp_path}/none cannot be looked at" in found[2].line


def test_checking_runs_no_command(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    assert problems(tmp_path, P + f'password_command = ["touch", "{marker}"]') == []
    assert not marker.exists()


LINES = '''
# [comment]
version = 1 # a = b
text = """
[not.a.header]
x = 1 \\""" still
"""
other = \'\'\'
y = 2\'\'\'
list = [ # c
  "a = 1", \'b\',
  { inner = 3, deep.er = "}" },
]
[a . "b.c"]
d.e = { f = 1, g = [1, 2] }
"q\\"x" = 1
[[many]]
k = 1
[[many]]
k = 2
[last]'''


def test_lines_of_keys() -> None:
    tomllib.loads(LINES)
    lines = key_lines(LINES)
    expected = {
        ("version",): 3,
        ("text",): 4,
        ("other",): 8,
        ("list",): 10,
        ("list", "inner"): 12,
        ("list", "deep", "er"): 12,
        ("a", "b.c"): 14,
        ("a", "b.c", "d", "e", "g"): 15,
        ("a", "b.c", 'q"x'): 16,
        ("many", "k"): 18,
        ("last",): 21,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("x",) not in lines
    assert find_line(lines, ("a", "b.c", "d", "e", "none", "more")) == 15
    assert find_line(lines, ("none",)) is None


def test_the_line_scan_ends_on_whatever_is_valid() -> None:
    """Pieces thrown together: where `tomllib` accepts them, the scan ends and knows every top-level key."""
    rng = random.Random(7)
    pieces = [
        "a",
        "b.c",
        '"q.r"',
        " = ",
        "=",
        "1",
        "'x'",
        '"""m\n"""',
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "#c\n",
        "[t]\n",
        "\r\n",
        " ",
    ]
    templates = ["{k} = {v}\n", "[{k}]\n{k} = {v} # {k}\n", "[[{k}]]\n"]
    values = [
        "1",
        "'''\n[x]\n'''",
        '"""\na = 1"""""',
        "[1, [2, '3']]",
        "{ z = 1, y.w = { v = 2 } }",
        "[\n# c ] \n]",
        "1979-05-27 07:32:00Z",
    ]
    accepted = 0
    for _ in range(3000):
        if rng.random() < 0.5:
            text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 12)))
        else:
            text = "".join(
                rng.choice(templates).format(
                    k=rng.choice(["a", "b . c", '"q.r"', "''"]), v=rng.choice(values)
                )
                for _ in range(rng.randint(1, 4))
            )
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        accepted += 1
        lines = key_lines(text.replace("\r\n", "\n"))
        assert all((key,) in lines or any(path[0] == key for path in lines) for key in data), text
    assert accepted > 300
