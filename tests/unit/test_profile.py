"""Which source gives which value, and that nothing leaks from one cluster to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from chtui.errors import ConfigError
from chtui.profile import (
    Effective,
    Endpoint,
    Intervals,
    Options,
    Thresholds,
    Tls,
    Ui,
    client_file,
    resolve,
)
from tests.support import replace

OWN = """version = 1
default_profile = "prod"
[profile.prod]
hosts = ["prod:1"]
user = "oncall"
cluster = "prod_cluster"
password_env = "PROD_PW"
[profile.prod.http_addresses]
"a:9000" = "b:1"
[profile.prod.write]
user = "admin"
password_env = "PROD_WRITE_PW"
[profile.open]
access = "through"
[ui]
mouse = true
theme = "nord"
[intervals]
parts = 30
[thresholds]
disk_used_warning_ratio = 0.5
"""
CLIENT = """
host: client.example
port: 9440
user: bob
password: client-hunter2
secure: true
openSSL: {client: {verificationMode: none}}
connections_credentials:
  connection:
    - {name: stage, hostname: stage.example, http_port: 8124, user: staff, secure: false}
    - {name: prod, hostname: other.example}
    - {name: bare}
"""


@pytest.fixture(autouse=True)
def _no_system_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_file, "SYSTEM_DIRECTORY", tmp_path / "etc")


def own(home: Path, text: str = OWN) -> Path:
    path = home / ".config" / "chtui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def client(home: Path, text: str = CLIENT) -> Path:
    path = home / ".clickhouse-client" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def origins(effective: Effective) -> dict[str, tuple[str, str]]:
    found = {item.key: (item.value_shown, item.origin) for item in effective.origins}
    assert len(found) == len(effective.origins)
    return found


def password(effective: Effective) -> str:
    return effective.profile.credentials.secret.reveal()


def error(options: Options, environ: dict[str, str], home: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(options, environ, home)
    assert caught.value.line.isprintable()
    return caught.value.line


def test_no_configuration_at_all(tmp_path: Path) -> None:
    got = resolve(Options(), {}, tmp_path)
    assert got.profile.seeds == (Endpoint("127.0.0.1", 8123),)
    assert got.profile.name == "127.0.0.1:8123"
    assert got.profile.credentials.user == "default"
    assert password(got) == ""
    assert (got.profile.cluster, got.profile.access, got.profile.tls) == (None, "direct", Tls())
    assert (got.ui, got.intervals, got.thresholds, got.warnings) == (Ui(), Intervals(), Thresholds(), ())
    assert {item.origin for item in got.origins} == {"default"}
    assert origins(got)["password"] == ("-", "default")


# One value each, in all sources; from the strongest to the weakest each is taken away in turn.
Row = tuple[str, Options, str, dict[str, str], str, list[tuple[str, str]]]
TABLE: list[Row] = [
    (
        "user",
        Options(user="flag"),
        'user = "own"',
        {"CLICKHOUSE_USER": "env"},
        "user: client",
        [
            ("flag", "--user"),
            ("own", "config.toml:3"),
            ("env", "CLICKHOUSE_USER"),
            ("client", "config.yaml:1"),
            ("default", "default"),
        ],
    ),
    (
        "hosts",
        Options(profile_name="p", hosts=("flag",)),
        'hosts = ["own"]',
        {"CLICKHOUSE_HOST": "env"},
        "host: client",
        [
            ("flag:8123", "--host"),
            ("own:8123", "config.toml:3"),
            ("env:8123", "CLICKHOUSE_HOST"),
            ("client:8123", "config.yaml:1"),
            ("127.0.0.1:8123", "default"),
        ],
    ),
    (
        "secure",
        Options(secure=True),
        "secure = false",
        {"CLICKHOUSE_SECURE": "1"},
        "secure: false",
        [
            ("true", "--secure"),
            ("false", "config.toml:3"),
            ("true", "CLICKHOUSE_SECURE"),
            ("false", "config.yaml:1"),
            ("false", "default"),
        ],
    ),
    (
        "cluster",
        Options(cluster="flag"),
        'cluster = "own"',
        {"CLICKHOUSE_CLUSTER": "env"},
        "",
        [("flag", "--cluster"), ("own", "config.toml:3"), ("env", "CLICKHOUSE_CLUSTER"), ("-", "default")],
    ),
    (
        "verify",
        Options(insecure=True),
        "verify = true",
        {},
        "skip_verify: 1",
        [("false", "--insecure"), ("true", "config.toml:3"), ("false", "config.yaml:1"), ("true", "default")],
    ),
    (
        "ca_file",
        Options(ca_file=Path("/flag.pem")),
        'ca_file = "/own.pem"',
        {},
        "openSSL: {client: {caConfig: /client.pem}}",
        [
            ("/flag.pem", "--ca-file"),
            ("/own.pem", "config.toml:3"),
            ("/client.pem", "config.yaml:1"),
            ("-", "default"),
        ],
    ),
    (
        "access",
        Options(access="through"),
        'access = "direct"',
        {},
        "",
        [("through", "--access"), ("direct", "config.toml:3"), ("direct", "default")],
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_precedence(tmp_path: Path, row: Row) -> None:
    key, flag, line, environ, yaml, steps = row
    sources = ["flag", "own", *(["environ"] if environ else []), *(["client"] if yaml else []), "default"]
    assert len(sources) == len(steps)
    for number, (shown, origin) in enumerate(steps):
        left = sources[number:]
        home = tmp_path / str(number)
        own(home, f"version = 1\n[profile.p]\n{line if 'own' in left else ''}\n")
        if "client" in left:
            client(home, yaml)
        options = replace(flag, profile_name="p") if "flag" in left else Options(profile_name="p")
        got = origins(resolve(options, environ if "environ" in left else {}, home))
        assert got[key][0] == shown
        assert got[key][1].endswith(origin)


def test_precedence_of_passwords(tmp_path: Path) -> None:
    own(tmp_path, 'version = 1\n[profile.p]\npassword_env = "OWN"\n')
    client(tmp_path, "password: client\n")
    file = tmp_path / "pw"
    file.write_text("flag\n")
    file.chmod(0o600)
    environ = {"OWN": "own", "CLICKHOUSE_PASSWORD": "env"}
    assert password(resolve(Options(password_file=file), environ, tmp_path)) == "flag"
    asked = resolve(
        Options(ask_password=True, user="eve"), environ, tmp_path, prompt=lambda text: f"typed for <{text}>"
    )
    assert password(asked) == "typed for <Password of eve: >"
    assert password(resolve(Options(), environ, tmp_path)) == "own"
    own(tmp_path, "version = 1\n[profile.p]\n")
    assert password(resolve(Options(), environ, tmp_path)) == "env"
    assert password(resolve(Options(), {"CLICKHOUSE_PASSWORD": ""}, tmp_path)) == ""
    assert password(resolve(Options(), {}, tmp_path)) == "client"


def test_the_default_profile_and_the_settings(tmp_path: Path) -> None:
    path = own(tmp_path)
    got = resolve(
        Options(slow_link=True, theme="mono"), {"PROD_PW": "hunter2", "PROD_WRITE_PW": "hunter3"}, tmp_path
    )
    assert got.profile.name == "prod"
    assert got.profile.cluster == "prod_cluster"
    assert got.profile.http_addresses == {"a:9000": "b:1"}
    assert got.profile.write is not None
    assert got.profile.write.user == "admin"
    assert got.profile.write.secret.reveal() == "hunter3"
    assert password(got) == "hunter2"
    assert got.ui == Ui(theme="mono", mouse=True, slow_link=True)
    assert got.intervals == Intervals(parts=30.0)
    assert isinstance(got.intervals.parts, float)
    assert got.thresholds == Thresholds(disk_used_warning_ratio=0.5)
    shown = origins(got)
    assert shown["profile"] == ("prod", f"{path}:2")
    assert shown["password"] == ("***", f"{path}:7")
    assert shown["write.user"] == ("admin", f"{path}:10")
    assert shown["write.password"] == ("***", f"{path}:12")
    assert shown["ui.theme"] == ("mono", "--theme")
    assert shown["ui.mouse"] == ("true", f"{path}:16")
    assert shown["intervals.parts"] == ("30", f"{path}:19")
    assert shown["intervals.disks"] == ("60", "default")
    assert shown["http_addresses"] == ("a:9000=b:1", f"{path}:8")


def test_a_host_given_by_flag_takes_nothing_of_the_default_profile(tmp_path: Path) -> None:
    own(tmp_path)
    got = resolve(Options(hosts=("other",)), {"PROD_PW": "hunter2"}, tmp_path)
    profile = got.profile
    assert profile.seeds == (Endpoint("other", 8123),)
    assert (profile.name, profile.cluster, profile.http_addresses, profile.write) == (
        "other:8123",
        None,
        {},
        None,
    )
    assert profile.credentials.user == "default"
    assert password(got) == ""
    assert got.ui.theme == "nord"
    both = resolve(Options(hosts=("other",), profile_name="prod"), {"PROD_PW": "hunter2"}, tmp_path)
    assert both.profile.seeds == (Endpoint("other", 8123),)
    assert both.profile.cluster == "prod_cluster"
    assert password(both) == "hunter2"


def test_a_host_given_by_flag_takes_what_clickhouse_client_would(tmp_path: Path) -> None:
    client(tmp_path)
    environ = {"CLICKHOUSE_HOST": "env", "CLICKHOUSE_CLUSTER": "env_cluster", "CLICKHOUSE_HTTP_PORT": "18443"}
    got = resolve(Options(hosts=("other",)), environ, tmp_path)
    assert got.profile.seeds == (Endpoint("other", 18443),)
    assert got.profile.cluster is None
    assert got.profile.credentials.user == "bob"
    assert password(got) == "client-hunter2"
    assert got.profile.tls == Tls(secure=True, verify=False)
    assert "native_port" not in origins(got)
    url = resolve(Options(hosts=("other",)), {"CLICKHOUSE_URL": "http://u:url-hunter2@x:1"}, tmp_path)
    assert url.profile.credentials.user == "bob"
    assert password(url) == "client-hunter2"


def test_sources_that_name_other_hosts_say_nothing_to_a_profile(tmp_path: Path) -> None:
    own(tmp_path, 'version = 1\n[profile.p]\nhosts = ["mine"]\n')
    client(tmp_path)
    environ = {"CLICKHOUSE_HOST": "env", "CLICKHOUSE_PASSWORD": "hunter2", "CLICKHOUSE_CLUSTER": "c"}
    got = resolve(Options(), environ, tmp_path)
    assert got.profile.seeds == (Endpoint("mine", 8123),)
    assert (got.profile.credentials.user, got.profile.cluster, got.profile.tls) == ("default", None, Tls())
    assert password(got) == ""
    del environ["CLICKHOUSE_HOST"]
    assert password(resolve(Options(), environ, tmp_path)) == "hunter2"
    own(tmp_path, 'version = 1\n[profile.p]\ncluster = "mine"\n')
    open_profile = resolve(Options(), {"CLICKHOUSE_URL": "https://u:hunter2@env"}, tmp_path)
    assert open_profile.profile.seeds == (Endpoint("env", 8443),)
    assert open_profile.profile.cluster == "mine"
    assert open_profile.profile.credentials.user == "u"
    assert password(open_profile) == "hunter2"


def test_a_password_goes_only_with_its_user(tmp_path: Path) -> None:
    path = client(tmp_path, "user: bob\npassword: client-hunter2\n")
    got = resolve(Options(user="eve"), {}, tmp_path)
    assert password(got) == ""
    assert got.warnings == (f"{path}:2: this password is of user 'bob' and not used for 'eve'",)
    assert password(resolve(Options(user="bob"), {}, tmp_path)) == "client-hunter2"
    assert password(resolve(Options(user="eve"), {"CLICKHOUSE_PASSWORD": "x"}, tmp_path)) == "x"


def test_the_clients_own_host(tmp_path: Path) -> None:
    path = client(tmp_path)
    got = resolve(Options(), {}, tmp_path)
    assert got.profile.seeds == (Endpoint("client.example", 8443),)
    assert got.profile.tls == Tls(secure=True, verify=False)
    assert origins(got)["native_port"] == ("9440 (not used: chtui speaks HTTP)", f"{path}:3")
    assert any("certificate is not checked" in text for text in got.warnings)


def test_a_named_connection_of_the_client(tmp_path: Path) -> None:
    own(tmp_path)
    path = client(tmp_path)
    got = resolve(
        Options(profile_name="stage"), {"CLICKHOUSE_HOST": "env", "CLICKHOUSE_PASSWORD": "x"}, tmp_path
    )
    assert got.profile.name == "stage"
    assert got.profile.seeds == (Endpoint("stage.example", 8124),)
    assert got.profile.credentials.user == "staff"
    assert got.profile.tls == Tls(secure=False, verify=False)
    assert password(got) == ""
    assert any("password is of user 'bob'" in text for text in got.warnings)
    assert origins(got)["profile"][1].startswith(f"{path}:")
    bare = resolve(Options(profile_name="bare"), {}, tmp_path)
    assert bare.profile.seeds == (Endpoint("bare", 8443),)
    assert bare.profile.credentials.user == "bob"
    assert password(bare) == "client-hunter2"
    mine = resolve(Options(profile_name="prod"), {}, tmp_path)
    assert mine.profile.seeds == (Endpoint("prod", 1),)
