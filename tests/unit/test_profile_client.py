"""clickhouse-client's own files and the CLICKHOUSE_* variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chtui.errors import ConfigError
from chtui.profile import client_file
from chtui.profile.client_file import ClientFile, find_client_file, read_client_file
from chtui.profile.environment import read_environment
from chtui.profile.layer import Context, Sourced

XML = """<?xml version="1.0"?>
<clickhouse>
    <!-- a comment -->
    <host>base.example</host>
    <port>9440</port>
    <user>bob</user>
    <password>p&amp;w </password>
    <secure>true</secure>
    <prompt_by_server_display_name><default>x</default></prompt_by_server_display_name>
    <openSSL><client>
        <loadDefaultCAFile>true</loadDefaultCAFile>
        <verificationMode>none</verificationMode>
        <caConfig>ca.pem</caConfig>
        <certificateFile>~/c.pem</certificateFile>
        <privateKeyFile>/k.pem</privateKeyFile>
    </client></openSSL>
    <connections_credentials>
        <connection>
            <name>prod</name>
            <hostname>prod.example</hostname>
            <port>9440</port>
            <http_port>8444</http_port>
            <secure/>
            <user>admin</user>
            <password>0123</password>
            <skip_verify>0</skip_verify>
            <ca_certificate>/prod.pem</ca_certificate>
        </connection>
        <connection><name>bare</name></connection>
    </connections_credentials>
</clickhouse>
"""
YAML = """# a comment
host: base.example

port: 9440
user: bob
password: 'p&w '
secure: true
prompt_by_server_display_name: {default: x}
openSSL:
  client:
    loadDefaultCAFile: true
    verificationMode: none
    caConfig: ca.pem
    certificateFile: ~/c.pem
    privateKeyFile: /k.pem
connections_credentials:
  connection:
    - name: prod
      hostname: prod.example
      port: 9440
      http_port: 8444
      secure: 1
      user: admin
      password: 0123
      skip_verify: false
      ca_certificate: /prod.pem
    - name: bare
"""


HANDLER = "<openSSL><client><invalidCertificateHandler><name>{}</name></invalidCertificateHandler></client></openSSL>"


def value(item: Sourced[object] | None) -> object:
    return None if item is None else item.value


def read(folder: Path, name: str, text: str, environ: dict[str, str] | None = None) -> ClientFile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return read_client_file(path, Context(environ or {}, Path("/home/u")))


@pytest.mark.parametrize(("name", "text"), [("config.xml", XML), ("config.yaml", YAML), ("config.yml", YAML)])
def test_xml_and_yaml_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    file = read(tmp_path, name, text)
    base = file.base
    assert value(base.hosts) == ("base.example",)
    assert value(base.native_port) == 9440
    assert base.http_port is None
    assert value(base.user) == "bob"
    assert value(base.secure) is True
    assert value(base.verify) is False
    assert value(base.ca_file) == tmp_path / "ca.pem"
    assert value(base.cert_file) == Path("/home/u/c.pem")
    assert value(base.key_file) == Path("/k.pem")
    assert base.secret is not None
    assert base.secret.value.reveal() == "p&w "
    line = text.splitlines().index(
        next(row for row in text.splitlines() if "<user>bob" in row or "user: bob" in row)
    )
    assert base.user is not None
    assert base.user.origin == f"{tmp_path}/{name}:{line + 1}"
    prod, origin = file.connections["prod"]
    assert origin.startswith(f"{tmp_path}/{name}:")
    assert value(prod.hosts) == ("prod.example",)
    assert value(prod.http_port) == 8444
    assert value(prod.secure) is True
    assert value(prod.verify) is True
    assert prod.secret is not None
    assert prod.secret.value.reveal() == "0123"
    bare, _ = file.connections["bare"]
    assert value(bare.hosts) == ("bare",)
    assert bare.user is None


@pytest.mark.parametrize("root", ["config", "clickhouse", "yandex"])
def test_the_root_elements(tmp_path: Path, root: str) -> None:
    assert value(read(tmp_path, "config.xml", f"<{root}><user>u</user></{root}>").base.user) == "u"


def test_yaml_lists_in_the_other_form(tmp_path: Path) -> None:
    text = "connections_credentials:\n  - connection: {name: a, hostname: h}\n  - connection: {name: b}\n"
    assert list(read(tmp_path, "config.yaml", text).connections) == ["a", "b"]


def test_files_that_say_nothing(tmp_path: Path) -> None:
    for name, text in (
        ("config.yaml", ""),
        ("config.yaml", "# x\n"),
        ("config.yaml", "user:\n".replace("user", "x")),
    ):
        file = read(tmp_path, name, text)
        assert file.base.hosts is None
        assert file.connections == {}
    assert read(tmp_path, "config.xml", "<config/>").base.user is None


def test_values_from_the_environment(tmp_path: Path) -> None:
    xml = '<config><user from_env="U"/><password from_env="PW"/></config>'
    yaml = 'user:\n  "@from_env": U\npassword:\n  "@from_env": PW\n'
    for name, text in (("config.xml", xml), ("config.yaml", yaml)):
        base = read(tmp_path, name, text, {"U": "eve", "PW": "hunter2"}).base
        assert value(base.user) == "eve"
        assert base.secret is not None
        assert base.secret.value.reveal() == "hunter2"
        with pytest.raises(ConfigError, match="the variable U is not set"):
            read(tmp_path, name, text, {"PW": "x"})
        late = read(tmp_path, name, text, {"U": "eve"}).base.secret
        assert late is not None
        with pytest.raises(ConfigError, match="the variable PW is not set"):
            late.value.reveal()


@pytest.mark.parametrize(
    ("text", "verify"),
    [
        ("<accept-invalid-certificate>1</accept-invalid-certificate>", False),
        ("<accept-invalid-certificate/>", False),
        ("<skip_verify>true</skip_verify>", False),
        ("<skip_verify>false</skip_verify>", True),
        ("<openSSL><client><verificationMode>Strict</verificationMode></client></openSSL>", True),
        ("<openSSL><client><verificationMode>relaxed</verificationMode></client></openSSL>", True),
        (HANDLER.format("AcceptCertificateHandler"), False),
        (HANDLER.format("RejectCertificateHandler"), None),
    ],
)
def test_the_ways_to_verify_or_not(tmp_path: Path, text: str, verify: bool | None) -> None:
    assert value(read(tmp_path, "config.xml", f"<config>{text}</config>").base.verify) is verify


BOMB = '<!DOCTYPE x [<!ENTITY a "hunter2"><!ENTITY b "&a;&a;">]>\n<config><user>&b;</user></config>'
EXTERNAL = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<config><user>&a;</user></config>'
BROKEN = [
    ("config.xml", "", "no element found"),
    ("config.xml", "<config>\n<user>x</usr>\n</config>", ":2: is not XML: mismatched tag"),
    ("config.xml", "<config>\n<user>&nbsp;</user></config>", ":2: is not XML: undefined entity"),
    ("config.xml", BOMB, ":1: a document type is not read; remove <!DOCTYPE ...>"),
    ("config.xml", EXTERNAL, ":2: a document type is not read"),
    ("config.xml", "<config>\x01</config>", ":1: is not XML"),
    ("config.xml", "\n<html></html>", ":2: the root element is <html>; it must be <config>"),
    ("config.xml", "<config>\n<port>tcp</port></config>", ":2: port 'tcp' in port is not a port"),
    (
        "config.xml",
        "<config>\n\n<secure>maybe</secure></config>",
        ":3: secure is 'maybe', neither true nor false",
    ),
    ("config.xml", "<config>\n<user></user></config>", ":2: user is empty"),
    ("config.xml", "<config>\n<user incl='u'/></config>", ":2: incl is not supported"),
    (
        "config.xml",
        "<config><connections_credentials>\n<connection/></connections_credentials></config>",
        ":2: a connection has no name",
    ),
    (
        "config.xml",
        "<config>\n<openSSL><client><verificationMode>x</verificationMode></client></openSSL></config>",
        ":2: openSSL.client.verificationMode is 'x'",
    ),
    ("config.yaml", "user: a\n  b: c\n", ":2: is not YAML"),
    ("config.yaml", "- a\n", ":1: is not a YAML mapping"),
    ("config.yaml", "text", ":1: is not a YAML mapping"),
    ("config.yaml", "user: a\npassword: *hunter2\n", ":2: is not YAML: found undefined alias"),
    ("config.yaml", "user: a\npassword: %hunter2\n", ":2: is not YAML"),
    ("config.yaml", "user: a\npassword: [hunter2\n", ": is not YAML"),
    ("config.yaml", "user: a\npassword: 'hunter2\n", ": is not YAML"),
    ("config.yaml", "user: a\npassword: \x01\n", "is not YAML"),
    ("config.yaml", 'user: "a\\x1b[2J"\n', ":1: user holds a control or invisible character"),
    ("config.yaml", "user: a\nhost: u:hunter2@h\n", ":2: a host cannot hold a user"),
    ("config.yaml", "a: " + "[" * 600, ""),
    (
        "config.yaml",
        'connections_credentials:\n  connection:\n  - name: "a\\u202eb"\n',
        ":3: name holds a control",
    ),
]


@pytest.mark.parametrize(
    ("name", "text", "shown"), BROKEN, ids=[f"{name}-{shown}" for name, _, shown in BROKEN]
)
def test_a_broken_file_is_one_line(tmp_path: Path, name: str, text: str, shown: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, name, text)
    line = caught.value.line
    assert line.startswith(f"{tmp_path}/{name}")
    assert shown in line
    assert "hunter2" not in line
    assert line.isprintable()


def test_a_yaml_bomb_and_a_yaml_loop_end(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert read(tmp_path, "config.yaml", "\n".join([*rows, "user: u"])).base.user is not None
    assert read(tmp_path, "config.yaml", "x: &x\n  y: *x\nuser: u\n").base.user is not None


def test_a_yaml_file_constructs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    text = f"x: !!python/object/apply:os.system ['touch {marker}']\nuser: u\n"
    assert value(read(tmp_path, "config.yaml", text).base.user) == "u"
    assert not marker.exists()


def test_a_password_in_a_file_that_others_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_text("<config><password>hunter2</password></config>")
    for mode, warned in ((0o600, False), (0o644, True)):
        path.chmod(mode)
        secret = read_client_file(path, Context({}, None)).base.secret
        assert secret is not None
        assert bool(secret.value.warning()) is warned
        assert "hunter2" not in secret.value.warning()


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, xdg, system = tmp_path / "home", tmp_path / "xdg", tmp_path / "etc"
    monkeypatch.setattr(client_file, "SYSTEM_DIRECTORY", system)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clickhouse-client.xml").write_text("<config/>")
    (tmp_path / "clickhouse").mkdir()
    (tmp_path / "clickhouse" / "config.xml").write_text("<config/>")
    context = Context({"XDG_CONFIG_HOME": str(xdg)}, home)
    assert find_client_file(context) is None
    assert find_client_file(Context({"XDG_CONFIG_HOME": "."}, home)) is None
    order = [
        system / "config.yml",
        home / ".clickhouse-client" / "config.yaml",
        home / ".clickhouse-client" / "config.xml",
        home / ".config" / "clickhouse" / "config.yml",
        xdg / "clickhouse" / "config.yaml",
        xdg / "clickhouse" / "config.xml",
    ]
    for path in order:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        assert find_client_file(context) == path
    assert find_client_file(Context({"CLICKHOUSE_CONFIG": "~/x.xml"}, home)) == home / "x.xml"
    assert find_client_file(Context({}, None)) == system / "config.yml"


def test_parsers_are_imported_late() -> None:
    code = (
        "import sys; from pathlib import Path; from chtui.profile import resolve, Options;"
        "resolve(Options(), {}, Path('/nonexistent'));"
        "print([m for m in ('yaml', 'xml.parsers.expat', 'pyexpat', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_environment() -> None:
    layer = read_environment(
        {
            "CLICKHOUSE_HOST": "h",
            "CLICKHOUSE_PORT": "9440",
            "CLICKHOUSE_HTTP_PORT": "8444",
            "CLICKHOUSE_USER": "u",
            "CLICKHOUSE_PASSWORD": "",
            "CLICKHOUSE_SECURE": "yes",
            "CLICKHOUSE_CLUSTER": "c",
        }
    )
    got = [
        value(item)
        for item in (layer.hosts, layer.native_port, layer.http_port, layer.user, layer.secure, layer.cluster)
    ]
    assert got == [("h",), 9440, 8444, "u", True, "c"]
    assert layer.secret is not None
    assert layer.secret.value.reveal() == ""
    assert layer.secret.origin == "CLICKHOUSE_PASSWORD"


def test_a_url_in_the_environment() -> None:
    url = "https://al%40ice:hunter2%21@[::1]:444/"
    for name in ("CLICKHOUSE_URL", "CLICKHOUSE_HOST"):
        layer = read_environment({name: url})
        assert (value(layer.hosts), value(layer.user), value(layer.secure)) == (
            ("https://[::1]:444/",),
            "al@ice",
            True,
        )
        assert layer.secret is not None
        assert layer.secret.value.reveal() == "hunter2!"
        assert "hunter2" not in repr(layer)
    both = read_environment({"CLICKHOUSE_URL": url, "CLICKHOUSE_HOST": "x", "CLICKHOUSE_USER": "bob"})
    assert value(both.hosts) == ("https://[::1]:444/",)
    assert value(both.user) == "bob"
    assert both.secret is None
    apart = read_environment({"CLICKHOUSE_URL": url, "CLICKHOUSE_PASSWORD": "other"})
    assert apart.secret is not None
    assert apart.secret.value.reveal() == "other"


def test_variables_that_say_nothing() -> None:
    layer = read_environment(
        {"CLICKHOUSE_HOST": "", "CLICKHOUSE_USER": "", "CLICKHOUSE_PORT": "tcp://10.0.0.1:9000"}
    )
    assert layer == read_environment({})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLICKHOUSE_URL", "host:8123"),
        ("CLICKHOUSE_URL", "clickhouse://u:hunter2@h"),
        ("CLICKHOUSE_URL", "https://u:hunter2@h:x"),
        ("CLICKHOUSE_URL", "https://h?user=u&password=hunter2"),
        ("CLICKHOUSE_URL", "https://a\x1bb:hunter2@h"),
        ("CLICKHOUSE_HOST", "u:hunter2@h"),
        ("CLICKHOUSE_HOST", "a b"),
        ("CLICKHOUSE_PORT", "x"),
        ("CLICKHOUSE_HTTP_PORT", "99999"),
        ("CLICKHOUSE_SECURE", "maybe"),
        ("CLICKHOUSE_USER", "a\x1b[2J"),
        ("CLICKHOUSE_CLUSTER", "a\u202e"),
    ],
)
def test_a_bad_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({name: text})
    assert caught.value.line.startswith(f"{name}: ")
    assert "hunter2" not in caught.value.line
    assert caught.value.line.isprintable()
