"""One source of values (flags, a profile, the environment ...), and what every reader of one needs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from chtui.errors import ConfigError
from chtui.profile.endpoint import Address, Endpoint, credentials_in_host, parse_address
from chtui.profile.model import Access, Credentials
from chtui.profile.secret import Secret
from chtui.text import UNSAFE, one_line

T_co = TypeVar("T_co", covariant=True)

TRUE_WORDS = frozenset({"1", "true", "yes", "on", "t", "y"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", "f", "n"})
LONGEST_TEXT = 1024


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T_co]):
    """A value and where it came from: `FILE:LINE`, a flag, a variable, `default`."""

    value: T_co
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source says about the connection; None where it says nothing."""

    hosts: Sourced[tuple[str, ...]] | None = None
    """Checked, as written: the port to assume is known only when all sources have been heard."""
    http_port: Sourced[int] | None = None
    native_port: Sourced[int] | None = None
    cluster: Sourced[str] | None = None
    user: Sourced[str] | None = None
    secret: Sourced[Secret] | None = None
    secure: Sourced[bool] | None = None
    verify: Sourced[bool] | None = None
    ca_file: Sourced[Path] | None = None
    cert_file: Sourced[Path] | None = None
    key_file: Sourced[Path] | None = None
    server_name: Sourced[str] | None = None
    access: Sourced[Access] | None = None
    http_template: Sourced[str] | None = None
    http_addresses: Sourced[Mapping[str, str]] | None = None
    write: Sourced[Credentials] | None = None
    write_allowed: Sourced[bool] | None = None
    connect_timeout_seconds: Sourced[float] | None = None
    keeper: Sourced[tuple[Endpoint, ...]] | None = None
    keeper_root: Sourced[str] | None = None
    keeper_admin_port: Sourced[int] | None = None
    ddl_queue_path: Sourced[str] | None = None


class Context(NamedTuple):
    """What surrounds the reading of a source."""

    environ: Mapping[str, str]
    home: Path | None
    """The home directory; None where there is none."""
    prompt: Callable[[str], str] | None = None
    """Asks a person for a password; None where nobody can be asked."""

    def path(self, text: str, base: Path | None = None) -> Path:
        """Return a written path: `~/` is the home directory; a relative one starts at `base` if given."""
        if self.home is not None and (text == "~" or text.startswith("~/")):
            return self.home / text[2:]
        return base / text if base is not None else Path(text)


class Problem(NamedTuple):
    """One thing wrong with a file; every part is drawable and holds no secret."""

    where: str
    """`FILE:LINE`, or the file where the line is unknown."""
    what: str
    fix: str
    profile: str | None = None
    """The only profile it concerns; None if it concerns all."""

    @property
    def line(self) -> str:
        """The problem as one line of text."""
        return self.error().line

    def error(self) -> ConfigError:
        """Return the problem as an error to raise."""
        return ConfigError(self.what, where=self.where, fix=self.fix)

    @classmethod
    def of(cls, error: ConfigError, profile: str | None = None) -> Problem:
        """Return an error as a problem."""
        return cls(error.where, error.what, error.fix, profile)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to say to someone who wrote an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower().replace("-", "_"), names, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?"
    return one_line(f"known: {', '.join(names)}") if names else "none exists"


def check_text(label: str, text: str, where: str) -> str:
    """Return `text` if it can be drawn and sent.

    Raises:
        ConfigError: it is empty, too long, or holds a control or invisible character.
    """
    if not text.strip():
        raise ConfigError(f"{label} is empty", where=where, fix="give it a value, or leave it out")
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"{label} is longer than {LONGEST_TEXT} characters", where=where)
    if UNSAFE.search(text):
        raise ConfigError(
            f"{label} holds a control or invisible character", where=where, fix="write it anew by hand"
        )
    return text


def check_boolean(label: str, text: str, where: str) -> bool:
    """Return the truth in `1`, `true`, `yes`, `on` or their opposites.

    Raises:
        ConfigError: it is none of them.
    """
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ConfigError(f"{label} is '{text}', neither true nor false", where=where, fix="write 1 or 0")


def check_hosts(texts: Iterable[str], where: str) -> tuple[tuple[str, ...], bool | None]:
    """Return hosts as written, each once, and whether their schemes ask for TLS (None: no scheme).

    Raises:
        ConfigError: one is no host, holds a user, or their schemes differ.
    """
    hosts = tuple(dict.fromkeys(texts))
    addresses: list[Address] = [parse_address(text, where) for text in hosts]
    if any(address.user is not None for address in addresses):
        raise credentials_in_host(where)
    schemes = {address.secure for address in addresses if address.secure is not None}
    if len(schemes) > 1:
        raise ConfigError(
            "some hosts say http:// and some https://", where=where, fix="one profile speaks one of them"
        )
    return hosts, schemes.pop() if schemes else None


def settle_secure(secure: Sourced[bool] | None, implied: bool | None, where: str) -> Sourced[bool] | None:
    """Return whether one source asks for TLS, by what it says and by the schemes of its hosts.

    Raises:
        ConfigError: the two contradict each other.
    """
    if implied is None:
        return secure
    if secure is not None and secure.value != implied:
        scheme = "https" if implied else "http"
        raise ConfigError(
            f"secure is {str(secure.value).lower()} but a host says {scheme}://",
            where=where,
            fix="leave one out",
        )
    return secure or Sourced(implied, where)
