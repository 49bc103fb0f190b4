"""chtui's own `config.toml`.

    version = 1
    default_profile = "prod"            # otherwise one called default, or the only one

    [profile.prod]                      # TLS keys stand here, there is no table for them
    hosts = ["ch-1.example:8443", "ch-2.example"]
    user = "oncall"
    password_command = ["pass", "show", "clickhouse/oncall"]
    secure = true
    [profile.prod.http_addresses]       # host_name:native_port of system.clusters = host:http_port
    "ch-1:9000" = "ch-1.example:8443"
    [profile.prod.write]                # who writes while armed
    user = "admin"
    prompt_password = true

    [ui]  [intervals]  [thresholds]     # the attributes of Ui, Intervals and Thresholds

At most one of password, password_file, password_command, password_env and prompt_password; a literal password only in
a file that nobody else may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from chtui.errors import ConfigError
from chtui.profile.endpoint import Endpoint
from chtui.profile.layer import (
    Context,
    Layer,
    Problem,
    Sourced,
    check_hosts,
    check_text,
    nearest,
    settle_secure,
)
from chtui.profile.model import (
    Access,
    Credentials,
    Intervals,
    Thresholds,
    Ui,
    check_plain_address,
    check_template,
    check_znode_path,
)
from chtui.profile.secret import Secret
from chtui.profile.toml_values import Document, Table
from chtui.text import UNSAFE

VERSION = 1
LONGEST_NAME = 64

TOP_KEYS = ("version", "default_profile", "profile", "ui", "intervals", "thresholds")
PASSWORD_KEYS = ("password", "password_file", "password_command", "password_env", "prompt_password")
WRITE_KEYS = ("user", *PASSWORD_KEYS)
PROFILE_KEYS = (
    "hosts",
    "cluster",
    *WRITE_KEYS,
    "secure",
    "verify",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "access",
    "http_template",
    "http_addresses",
    "write",
    "write_allowed",
    "connect_timeout_seconds",
    "keeper",
    "keeper_root",
    "keeper_admin_port",
    "ddl_queue_path",
)
PROFILE_HINTS = {
    "tls": "TLS keys (secure, verify, ca_file ...) stand in the profile itself",
    "port": "write the port in hosts, as in ch-1.example:8123",
    "insecure": "write verify = false",
    "skip_verify": "write verify = false",
    "url": "write hosts and secure",
    "database": "chtui needs none: leave it out",
    "zookeeper": "write keeper",
}
ACCESS_WORDS = ("direct", "through")
SECONDS_RANGE = (1.0, 86400.0)
TIMEOUT_RANGE = (0.1, 60.0)

Settings = Mapping[str, Sourced[object]]
"""What a settings table says, by attribute; what it leaves out is missing."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """What `config.toml` says."""

    path: Path
    profiles: Mapping[str, Layer] = field(default_factory=dict)
    profile_origins: Mapping[str, str] = field(default_factory=dict)
    """`FILE:LINE` of each profile, broken ones too."""
    default_profile: Sourced[str] | None = None
    ui: Settings = field(default_factory=dict)
    intervals: Settings = field(default_factory=dict)
    thresholds: Settings = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """All that is wrong with it, in the order of lines."""


def read_own_file(path: Path, context: Context) -> OwnFile:
    """Return what a `config.toml` says and all that is wrong with what it says.

    Raises:
        ConfigError: it cannot be read, is no TOML, or has a version this chtui does not know.
    """
    document = Document(path, context)
    top = document.top()
    _check_version(top)
    top.check_keys(TOP_KEYS)
    layers: dict[str, Layer] = {}
    origins: dict[str, str] = {}
    profiles = top.table("profile")
    if profiles is not None:
        origins = {name: profiles.where(name) for name in profiles.data}
        found = {name: _profile(profiles, name) for name in profiles.data}
        layers = {name: layer for name, layer in found.items() if layer is not None}
    default = top.string("default_profile")
    if default is not None and default.value not in origins:
        top.note(
            "default_profile",
            f"names '{default.value}', which is no profile",
            nearest(default.value, origins),
        )
    ui, intervals, thresholds = _ui(top), _intervals(top), _thresholds(top)
    return OwnFile(path, layers, origins, default, ui, intervals, thresholds, tuple(document.problems))


def _check_version(top: Table) -> None:
    """Raise for a missing, wrong or newer version: nothing else in the file can be trusted to mean what it seems to."""
    version = top.data.get("version")
    where = top.where("version")
    if version is None:
        raise ConfigError("no version", where=where, fix=f"write version = {VERSION} above the first [table]")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ConfigError("version must be a whole number", where=where, fix=f"write version = {VERSION}")
    if version > VERSION:
        raise ConfigError(
            f"version {version} is newer than this chtui, which knows {VERSION}",
            where=where,
            fix="upgrade chtui",
        )


def _profile(profiles: Table, name: str) -> Layer | None:
    own = Table(profiles.document, profiles.path, profiles.data, name)
    if not name.strip() or len(name) > LONGEST_NAME or UNSAFE.search(name):
        own.note(
            name,
            "is no profile name",
            f"give it 1 to {LONGEST_NAME} characters, none of control or invisible",
        )
        return None
    table = own.table(name)
    if table is None:
        return None
    table.check_keys(PROFILE_KEYS, PROFILE_HINTS)
    hosts, implied = _hosts(table)
    secure = table.boolean("secure")
    try:
        secure = settle_secure(secure, implied, table.where("hosts"))
    except ConfigError as error:
        table.collect(error)
    cert_file, key_file = table.file("cert_file"), table.file("key_file")
    if key_file is not None and "cert_file" not in table.data:
        table.note(
            "key_file", "has no cert_file beside it", "give both, or a cert_file that holds the key too"
        )
    user = table.string("user")
    timeout = table.number("connect_timeout_seconds", *TIMEOUT_RANGE)
    admin_port = table.number("keeper_admin_port", 1, 65535, whole=True)
    return Layer(
        hosts=hosts,
        cluster=table.string("cluster"),
        user=user,
        secret=_secret(table, f"Password of {user.value if user else 'the user'} for {name}: "),
        secure=secure,
        verify=table.boolean("verify"),
        ca_file=table.file("ca_file"),
        cert_file=cert_file,
        key_file=key_file,
        server_name=table.string("server_name"),
        access=cast("Sourced[Access] | None", table.string("access", _check_access)),
        http_template=table.string(
            "http_template", lambda label, text, where: check_template(text, label, where)
        ),
        http_addresses=_http_addresses(table),
        write=_write(table, name),
        write_allowed=table.boolean("write_allowed"),
        connect_timeout_seconds=timeout,
        keeper=_keeper(table),
        keeper_root=table.string("keeper_root", check_znode_path),
        keeper_admin_port=None if admin_port is None else Sourced(int(admin_port.value), admin_port.origin),
        ddl_queue_path=table.string("ddl_queue_path", check_znode_path),
    )


def _check_access(label: str, text: str, where: str) -> str:
    if text not in ACCESS_WORDS:
        raise ConfigError(f"{label} is '{text}'", where=where, fix='write "direct" or "through"')
    return text


def _hosts(table: Table) -> tuple[Sourced[tuple[str, ...]] | None, bool | None]:
    written = table.strings("hosts")
    if written is None:
        return None, None
    try:
        hosts, implied = check_hosts(written.value, written.origin)
    except ConfigError as error:
        table.collect(error)
        return None, None
    return Sourced(hosts, written.origin), implied


def _keeper(table: Table) -> Sourced[tuple[Endpoint, ...]] | None:
    written = table.strings("keeper")
    if written is None:
        return None
    found: list[Endpoint] = []
    for text in written.value:
        try:
            check_text(table.label("keeper"), text, written.origin)
            found.append(check_plain_address(text, f"a member in {table.label('keeper')}", written.origin))
        except ConfigError as error:
            table.collect(error)
            return None
    return Sourced(tuple(dict.fromkeys(found)), written.origin)


def _secret(table: Table, question: str) -> Sourced[Secret] | None:
    """Return the one password a table gives."""
    # `prompt_password = false` says there is nothing to ask, so it goes with any other.
    given = [key for key in PASSWORD_KEYS if key in table.data and table.data[key] is not False]
    if len(given) > 1:
        table.note(given[1], f"and {given[0]} both give a password", "keep one of them")
        return None
    asked = table.boolean("prompt_password")
    if not given:
        return None
    key, context = given[0], table.document.context
    source = table.where(key)
    secret: Secret | None = None
    if key == "prompt_password" and asked is not None:
        secret = Secret.from_prompt(context.prompt, question, source)
    elif key == "password":
        secret = _literal(table, source)
    elif key == "password_file" and (file := table.file(key)) is not None:
        secret = Secret.from_file(file.value, source)
    elif key == "password_env" and (variable := table.string(key)) is not None:
        secret = Secret.from_environment(variable.value, context.environ, source)
    elif key == "password_command":
        secret = _command(table, source)
    return None if secret is None else Sourced(secret, source)


def _literal(table: Table, source: str) -> Secret | None:
    text = table.secret_text("password")
    if text is None:
        return None
    if not table.document.private:
        table.note(
            "password",
            "stands in a file which others can read",
            f"chmod 600 {table.document.path}, or use password_command",
        )
        return None
    return Secret.literal(text, source)


def _command(table: Table, source: str) -> Secret | None:
    if isinstance(table.data["password_command"], list):
        words = table.strings("password_command")
        command: str | tuple[str, ...] | None = words.value if words else None
    else:
        text = table.string("password_command")
        command = text.value if text else None
    if command is None:
        return None
    try:
        return Secret.from_command(command, source)
    except ConfigError as error:
        table.collect(error)
        return None


def _write(table: Table, name: str) -> Sourced[Credentials] | None:
    inner = table.table("write")
    if inner is None:
        return None
    inner.check_keys(WRITE_KEYS)
    user = inner.string("user")
    if "user" not in inner.data:
        inner.collect(
            ConfigError(f"{table.label('write')} names no user", where=table.where("write"), fix="add user")
        )
    secret = _secret(inner, f"Password of {user.value if user else 'the writer'} for {name}: ")
    if user is None:
        return None
    origin = table.where("write")
    return Sourced(Credentials(user.value, secret.value if secret else Secret.literal("", origin)), origin)


def _http_addresses(table: Table) -> Sourced[Mapping[str, str]] | None:
    inner = table.table("http_addresses")
    if inner is None:
        return None
    found: dict[str, str] = {}
    for key in inner.data:
        try:
            check_text(inner.label(key), key, inner.where(key))
            check_plain_address(key, f"a name in {table.label('http_addresses')}", inner.where(key))
        except ConfigError as error:
            inner.collect(error)
        value = inner.string(key, lambda label, text, where: str(check_plain_address(text, label, where)))
        if value is not None:
            found[key] = value.value
    return Sourced(found, table.where("http_addresses"))


def _ui(top: Table) -> Settings:
    table = top.table("ui")
    if table is None:
        return {}
    table.check_keys(Ui._fields)
    found: dict[str, Sourced[object] | None] = {
        key: table.boolean(key) for key in ("mouse", "ascii", "slow_link")
    }
    found |= {key: table.string(key) for key in ("theme", "default_pane")}
    return _given(found)


def _intervals(top: Table) -> Settings:
    table = top.table("intervals")
    if table is None:
        return {}
    names = Intervals._fields
    table.check_keys(names)
    return _given({name: table.number(name, *SECONDS_RANGE) for name in names})


def _thresholds(top: Table) -> Settings:
    table = top.table("thresholds")
    if table is None:
        return {}
    names = Thresholds._fields
    table.check_keys(names)
    found = _given({name: _threshold(table, name) for name in names})
    defaults = Thresholds()
    for name in names:
        higher = name.replace("warning", "critical")
        if higher not in names or higher == name or not (name in found or higher in found):
            continue
        both = [found[key].value if key in found else getattr(defaults, key) for key in (name, higher)]
        low, high = cast("list[float]", both)
        if low > high:
            given = name if name in found else higher
            table.note(
                given, f"puts the warning ({low:g}) above the critical ({high:g})", f"set {name} and {higher}"
            )
    return found


def _threshold(table: Table, name: str) -> Sourced[float] | None:
    if name.endswith("_ratio"):
        return table.number(name, 0.0, 1.0)
    if name.endswith("_seconds"):
        return table.number(name, 0.0, 10 * 365 * 86400.0)
    return table.number(name, 0, 10**9, whole=True)


def _given(found: Mapping[str, Sourced[object] | None]) -> Settings:
    return {key: value for key, value in found.items() if value is not None}
