"""What the CLICKHOUSE_* variables say about the connection.

An empty variable counts as not set, except CLICKHOUSE_PASSWORD: a password may be empty.
CLICKHOUSE_PORT is the native port, as for clickhouse-client; chtui speaks HTTP and takes CLICKHOUSE_HTTP_PORT.
"""

from __future__ import annotations

from collections.abc import Mapping

from chtui.errors import ConfigError
from chtui.profile.endpoint import parse_address, parse_port
from chtui.profile.layer import Layer, Sourced, check_boolean, check_text, settle_secure
from chtui.profile.secret import Secret

VARIABLES = (
    "CLICKHOUSE_URL",
    "CLICKHOUSE_HOST",
    "CLICKHOUSE_PORT",
    "CLICKHOUSE_HTTP_PORT",
    "CLICKHOUSE_USER",
    "CLICKHOUSE_PASSWORD",
    "CLICKHOUSE_SECURE",
    "CLICKHOUSE_CLUSTER",
)


def read_environment(environ: Mapping[str, str], *, hosts: bool = True) -> Layer:
    """Return what the environment says.

    CLICKHOUSE_URL goes before CLICKHOUSE_HOST; either may be `http(s)://user:password@host:port`, where the user and
    password give way to CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. With `hosts` False neither is read, nor what stands
    in them: the hosts come from elsewhere, and a URL's password is that URL's.

    Raises:
        ConfigError: a value cannot be used; names the variable.
    """
    located = _located(environ) if hosts else Layer()
    user = _text(environ, "CLICKHOUSE_USER") or located.user
    secret = located.secret
    if user is not None and located.user is not None and user.value != located.user.value:
        secret = None  # it belongs to the URL's user
    if "CLICKHOUSE_PASSWORD" in environ:
        source = "CLICKHOUSE_PASSWORD"
        secret = Sourced(Secret.from_environment(source, environ, source), source)
    secure = located.secure
    written = _text(environ, "CLICKHOUSE_SECURE")
    if written is not None:
        told = Sourced(check_boolean("CLICKHOUSE_SECURE", written.value, written.origin), written.origin)
        secure = settle_secure(told, secure.value if secure else None, written.origin)
    return Layer(
        hosts=located.hosts,
        http_port=_port(environ, "CLICKHOUSE_HTTP_PORT"),
        native_port=_native_port(environ),
        cluster=_text(environ, "CLICKHOUSE_CLUSTER"),
        user=user,
        secret=secret,
        secure=secure,
    )


def _located(environ: Mapping[str, str]) -> Layer:
    """Return the host and what else a URL says."""
    for name in ("CLICKHOUSE_URL", "CLICKHOUSE_HOST"):
        text = environ.get(name, "").strip()
        if not text:
            continue
        if name == "CLICKHOUSE_URL" and "://" not in text:
            raise ConfigError("is no URL", where=name, fix="write http://host:8123 or https://host:8443")
        address = parse_address(text, name)
        if address.user is not None and "://" not in text:
            raise ConfigError(
                "holds a user", where=name, fix="use CLICKHOUSE_USER, or write http(s)://user@host:port"
            )
        # Without what stands before the @: hosts are shown.
        host = text if address.user is None else text[: text.index("://") + 3] + text.rpartition("@")[2]
        secret = None if address.password is None else Sourced(Secret.literal(address.password, name), name)
        user = Sourced(check_text("the user", address.user, name), name) if address.user else None
        return Layer(
            hosts=Sourced((host,), name),
            secure=None if address.secure is None else Sourced(address.secure, name),
            user=user,
            secret=secret,
        )
    return Layer()


def _text(environ: Mapping[str, str], name: str) -> Sourced[str] | None:
    text = environ.get(name, "")
    return Sourced(check_text("the value", text, name), name) if text else None


def _native_port(environ: Mapping[str, str]) -> Sourced[int] | None:
    # Kubernetes sets NAME_PORT=tcp://10.0.0.1:9000 for every service; one called clickhouse meets this variable.
    if environ.get("CLICKHOUSE_PORT", "").startswith(("tcp://", "udp://")):
        return None
    return _port(environ, "CLICKHOUSE_PORT")


def _port(environ: Mapping[str, str], name: str) -> Sourced[int] | None:
    text = environ.get(name, "").strip()
    return Sourced(parse_port(text, name), name) if text else None
