"""HTTP addresses: how people write them, and the one form chtui keeps."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from chtui.errors import ConfigError
from chtui.text import UNSAFE

HTTP_PORT = 8123
"""ClickHouse's port for HTTP without TLS."""
HTTPS_PORT = 8443
"""ClickHouse's port for HTTP over TLS."""

SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
HOST = re.compile(r"[\w.\-]{1,253}")


class Endpoint(NamedTuple):
    """An HTTP address."""

    host: str
    """A name or an IP address, IPv6 without brackets."""
    port: int
    """The TCP port of HTTP or HTTPS, 1 to 65535."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """What was written for one host, taken apart; None where nothing was written."""

    host: str
    port: int | None
    secure: bool | None
    """True for `https://`, False for `http://`, None without a scheme."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_endpoint(text: str, default_port: int, where: str) -> Endpoint:
    """Return the address in `host`, `host:port`, `[v6]`, `[v6]:port`, a bare IPv6 address or an http(s) URL.

    A URL without a port means ClickHouse's own ports, 8123 and 8443, not 80 and 443.

    Raises:
        ConfigError: it is none of these, or it holds a user or a password.
    """
    address = parse_address(text, where)
    if address.user is not None:
        raise credentials_in_host(where)
    scheme_port = default_port if address.secure is None else default_http_port(address.secure)
    return Endpoint(address.host, address.port or scheme_port)


def default_http_port(secure: bool) -> int:
    """Return the port ClickHouse listens on for HTTPS or HTTP unless told otherwise."""
    return HTTPS_PORT if secure else HTTP_PORT


def credentials_in_host(where: str) -> ConfigError:
    """Return the error for a user or password written into a host; it shows neither."""
    return ConfigError(
        "a host cannot hold a user name or a password",
        where=where,
        fix="give the user apart, and the password by prompt, password_command, password_file or CLICKHOUSE_PASSWORD",
    )


def parse_address(text: str, where: str) -> Address:
    """Take one written host apart; `where` names the file and line, flag or variable it came from.

    Raises:
        ConfigError: it is no host; the error shows no part of a text in which a password may stand.
    """
    shown = "the address" if any(char in text for char in "@?#") else f"'{text}'"
    scheme = SCHEME.match(text)
    rest, secure = text, None
    if scheme:
        if scheme["scheme"].lower() not in {"http", "https"}:
            raise ConfigError(
                f"{shown} is no HTTP address", where=where, fix="write host:port, http:// or https://"
            )
        secure = scheme["scheme"].lower() == "https"
        rest = text[scheme.end() :]
    userinfo, at, rest = rest.rpartition("@")
    rest = rest.removesuffix("/") if scheme else rest
    if any(char in rest for char in "/?#"):
        raise ConfigError(
            f"{shown} holds a path or a query", where=where, fix="write only the host and its port"
        )
    host, port_text = _split(rest, shown, where)
    port = None if port_text is None else parse_port(port_text, where, shown)
    if not at:
        return Address(host, port, secure)
    user, colon, password = userinfo.partition(":")
    return Address(host, port, secure, unquote(user), unquote(password) if colon else None)


def parse_port(text: str, where: str, shown: str = "") -> int:
    """Return a TCP port; `shown` is the address it stands in.

    Raises:
        ConfigError: it is no whole number of 1 to 65535.
    """
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65535:
        return int(text)
    hidden = shown == "the address"
    named = (
        f"a port of {shown}" if hidden or not text else f"port '{text}'" + (f" in {shown}" if shown else "")
    )
    raise ConfigError(f"{named} is not a port", where=where, fix="a port is a number of 1 to 65535")


def _split(rest: str, shown: str, where: str) -> tuple[str, str | None]:
    """Return the host, checked, and the port's text, not checked."""
    if rest.startswith("["):
        host, closing, tail = rest[1:].partition("]")
        if not closing or not _is_ipv6(host) or (tail and not tail.startswith(":")):
            raise ConfigError(
                f"{shown} is no IPv6 address", where=where, fix="write [address]:port, as in [::1]:8123"
            )
        return host, tail[1:] if tail else None
    if rest.count(":") > 1:
        if not _is_ipv6(rest):
            raise ConfigError(
                f"{shown} has too many colons", where=where, fix="write host:port, or [address]:port"
            )
        return rest, None
    host, colon, port_text = rest.partition(":")
    if not HOST.fullmatch(host) or UNSAFE.search(host):
        what = "an empty host" if not host else f"{shown} is no host name"
        raise ConfigError(what, where=where, fix="write one host, as in ch-1.example:8123")
    return host, port_text if colon else None


def _is_ipv6(host: str) -> bool:
    # ipaddress takes any text for a zone (after %), a terminal does not.
    if UNSAFE.search(host):
        return False
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
