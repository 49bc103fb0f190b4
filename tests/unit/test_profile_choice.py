"""Which profile is chosen, what stops it, what only warns, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from chtui.profile import Endpoint, Options, client_file, list_profiles, resolve
from tests.unit.test_profile import OWN, client, error, own, password


@pytest.fixture(autouse=True)
def _no_system_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_file, "SYSTEM_DIRECTORY", tmp_path / "etc")


def test_an_unknown_profile_lists_those_that_exist(tmp_path: Path) -> None:
    assert "no profile is called 'x'; there is none; write [profile.NAME] into " in error(
        Options(profile_name="x"), {}, tmp_path
    )
    own(tmp_path)
    client(tmp_path)
    line = error(Options(profile_name="stag"), {}, tmp_path)
    assert line == "-C: no profile is called 'stag'; there are: prod, open, stage, bare; did you mean stage?"
    assert "control or invisible" in error(Options(profile_name="a\x1b[2J"), {}, tmp_path)


def test_profiles_are_listed(tmp_path: Path) -> None:
    path = own(tmp_path, OWN + "[profile.broken]\nhsots = 1\n")
    client_path = client(tmp_path)
    got = list_profiles(Options(), {}, tmp_path)
    assert [(item.name, item.kind, item.default, item.hosts) for item in got] == [
        ("prod", "own", True, ("prod:1",)),
        ("open", "own", False, ()),
        ("broken", "own", False, ()),
        ("stage", "client", False, ("stage.example",)),
        ("bare", "client", False, ("bare",)),
    ]
    assert got[0].origin == f"{path}:3"
    assert "did you mean hosts?" in got[2].problem
    assert got[3].origin.startswith(f"{client_path}:")


def test_which_profile_is_the_default(tmp_path: Path) -> None:
    own(tmp_path, 'version = 1\n[profile.only]\nhosts = ["only"]\n')
    assert resolve(Options(), {}, tmp_path).profile.name == "only"
    own(tmp_path, 'version = 1\n[profile.a]\nhosts = ["a"]\n[profile.default]\nhosts = ["d"]\n')
    assert resolve(Options(), {}, tmp_path).profile.name == "default"
    path = own(tmp_path, 'version = 1\n[profile.a]\nhosts = ["a"]\n[profile.b]\nhosts = ["b"]\n')
    assert error(Options(), {}, tmp_path) == (
        f"{path}: several profiles and no default_profile: a, b; choose one by -C NAME, or set default_profile"
    )
    assert resolve(Options(), {"CLICKHOUSE_HOST": "env"}, tmp_path).profile.seeds == (Endpoint("env", 8123),)


def test_a_slip_in_another_profile_only_warns(tmp_path: Path) -> None:
    path = own(tmp_path, 'version = 1\n[profile.a]\nhosts = ["a"]\n[profile.b]\nhsots = ["b"]\n')
    got = resolve(Options(profile_name="a"), {}, tmp_path)
    assert got.warnings == (f"{path}:5: unknown key profile.b.hsots; did you mean hosts?",)
    assert error(Options(profile_name="b"), {}, tmp_path) == got.warnings[0]
    own(tmp_path, 'version = 1\n[profile.a]\nhosts = ["a"]\n[ui]\nmose = 1\n')
    assert "did you mean mouse?" in error(Options(profile_name="a"), {}, tmp_path)
    own(tmp_path, "version = 2\n")
    assert "newer than this chtui" in error(Options(hosts=("h",)), {}, tmp_path)


def test_a_broken_client_file_stops_only_who_needs_it(tmp_path: Path) -> None:
    path = client(tmp_path, "user: [\n")
    assert error(Options(), {}, tmp_path).startswith(f"{path}:2: is not YAML")
    assert error(Options(hosts=("h",)), {}, tmp_path).startswith(f"{path}:2: is not YAML")
    own(tmp_path, 'version = 1\n[profile.a]\nhosts = ["a"]\n')
    got = resolve(Options(), {}, tmp_path)
    assert got.warnings[0].startswith(f"{path}:2: is not YAML")
    missing = {"CLICKHOUSE_CONFIG": str(tmp_path / "none.xml")}
    assert "cannot be read" in resolve(Options(), missing, tmp_path).warnings[0]


def test_a_configuration_named_by_flag(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('version = 1\n[profile.x]\nhosts = ["x"]\n')
    own(tmp_path)
    assert resolve(Options(config_file=path), {}, tmp_path).profile.name == "x"
    assert "cannot be read" in error(Options(config_file=tmp_path / "none.toml"), {}, tmp_path)


def test_the_platforms_configuration_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "xdg" / "chtui").mkdir(parents=True)
    (tmp_path / "xdg" / "chtui" / "config.toml").write_text('version = 1\n[profile.x]\nhosts = ["x"]\n')
    assert resolve(Options(), {}).profile.name == "x"


def test_ports_follow_tls(tmp_path: Path) -> None:
    hosts = ("a", "b:1", "[::1]", "a")
    assert resolve(Options(hosts=hosts), {}, tmp_path).profile.seeds == (
        Endpoint("a", 8123),
        Endpoint("b", 1),
        Endpoint("::1", 8123),
    )
    secure = resolve(Options(hosts=hosts, secure=True), {}, tmp_path).profile
    assert [seed.port for seed in secure.seeds] == [8443, 1, 8443]
    url = resolve(Options(hosts=("https://a",)), {}, tmp_path).profile
    assert url.tls.secure
    assert url.seeds == (Endpoint("a", 8443),)
    assert resolve(Options(), {"CLICKHOUSE_HTTP_PORT": "18123"}, tmp_path).profile.seeds == (
        Endpoint("127.0.0.1", 18123),
    )
    assert "secure is true but a host says http://" in error(
        Options(hosts=("http://a",), secure=True), {}, tmp_path
    )


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (Options(hosts=("u:hunter2@h",)), "--host"),
        (Options(hosts=("https://u:hunter2@h:1",)), "--host"),
        (Options(hosts=("https://h/?password=hunter2",)), "--host"),
        (Options(hosts=("h:99999",)), "--host"),
        (Options(hosts=("",)), "--host"),
        (Options(hosts=("a\x1b[2J",)), "--host"),
        (Options(hosts=("http://a", "https://b")), "--host"),
        (Options(cluster=""), "--cluster"),
        (Options(cluster="a\u202eb"), "--cluster"),
        (Options(user=""), "--user"),
        (Options(profile_name=""), "-C"),
        (Options(access="proxy"), "--access"),  # type: ignore[arg-type]
        (Options(theme="\x07"), "--theme"),
        (Options(ask_password=True, password_file=Path("x")), "--ask-password"),
        (Options(secure=True, ca_file=Path("/none.pem")), "--ca-file"),
    ],
)
def test_a_bad_flag_is_one_line(tmp_path: Path, options: Options, flag: str) -> None:
    line = error(options, {}, tmp_path)
    assert line.startswith(f"{flag}: ")
    assert "hunter2" not in line


def test_certificates_must_be_there_where_tls_is_used(tmp_path: Path) -> None:
    path = own(tmp_path, 'version = 1\n[profile.p]\nca_file = "ca.pem"\n')
    assert resolve(Options(), {}, tmp_path).profile.tls.ca_file == path.parent / "ca.pem"
    assert (
        error(Options(secure=True), {}, tmp_path)
        == f"{path}:3: ca_file {path.parent}/ca.pem is not there; check the path"
    )
    (path.parent / "ca.pem").write_text("")
    assert resolve(Options(secure=True), {}, tmp_path).profile.tls.secure


def test_nothing_is_resolved_before_it_is_revealed(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    own(
        tmp_path,
        f'version = 1\n[profile.p]\npassword_command = ["touch", "{marker}"]\n'
        "[profile.p.write]\nuser = 'w'\nprompt_password = true\n",
    )
    asked: list[str] = []

    def prompt(text: str) -> str:
        asked.append(text)
        return "typed"

    got = resolve(Options(), {}, tmp_path, prompt)
    repr(got)
    assert not marker.exists()
    assert asked == []
    assert password(got) == ""
    assert marker.exists()
    assert got.profile.write is not None
    assert got.profile.write.secret.reveal() == "typed"
    assert asked == ["Password of w for p: "]


def test_no_secret_is_shown_anywhere(tmp_path: Path) -> None:
    own(
        tmp_path,
        'version = 1\n[profile.p]\npassword = "hunter2"\n[profile.p.write]\nuser = "w"\npassword = "hunter2"\n',
    )
    environ = {"CLICKHOUSE_URL": "https://u:hunter2@h", "CLICKHOUSE_PASSWORD": "hunter2"}
    client(tmp_path, "user: u\npassword: hunter2\n")
    got = resolve(Options(), environ, tmp_path)
    assert password(got) == "hunter2"
    assert "hunter2" not in repr(got)
    assert "hunter2" not in str(got.profile)
    assert "hunter2" not in "".join(item.value_shown + item.origin for item in got.origins)
    assert "hunter2" not in repr(list_profiles(Options(), environ, tmp_path))


def test_how_passwords_are_kept_is_warned_of(tmp_path: Path) -> None:
    path = own(tmp_path, 'version = 1\n[profile.p]\npassword_file = "pw"\n')
    (path.parent / "pw").write_text("x")
    (path.parent / "pw").chmod(0o644)
    (warning,) = resolve(Options(), {}, tmp_path).warnings
    assert warning.startswith(f"{path}:3: ")
    assert "can be read by others; chmod 600 it" in warning


def test_hostile_values_are_drawable(tmp_path: Path) -> None:
    path = own(tmp_path, 'version = 1\n[profile."a\\u001b[2J"]\nhosts = ["a"]\n[profile.b]\nhosts = ["b"]\n')
    got = resolve(Options(profile_name="b"), {}, tmp_path)
    assert got.warnings[0].startswith(f"{path}:2: ")
    for text in (*got.warnings, error(Options(profile_name="zzz"), {}, tmp_path)):
        assert text.isprintable()
