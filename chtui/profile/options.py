"""What the command line says about the connection, and what comes out when every source has been heard."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from chtui.profile.model import Access, Intervals, Profile, Thresholds, Ui


class Options(NamedTuple):
    """The flags; None (for hosts: empty) for what was not given. No flag takes a password."""

    profile_name: str | None = None
    """`-C`."""
    hosts: tuple[str, ...] = ()
    """`--host`, each `host`, `host:http_port` or an http(s) URL without a user."""
    user: str | None = None
    """`--user`."""
    cluster: str | None = None
    """`--cluster`."""
    secure: bool | None = None
    """`--secure`: HTTPS."""
    insecure: bool = False
    """`--insecure`: do not check the server's certificate."""
    ca_file: Path | None = None
    """`--ca-file`."""
    access: Access | None = None
    """`--access`."""
    password_file: Path | None = None
    """`--password-file`."""
    ask_password: bool = False
    """`--ask-password`."""
    config_file: Path | None = None
    """`--config`: instead of the platform's `config.toml`; must be there."""
    theme: str | None = None
    """`--theme`."""
    mouse: bool | None = None
    """`--mouse`."""
    ascii: bool | None = None
    """`--ascii`."""
    slow_link: bool | None = None
    """`--slow-link`."""
    default_pane: str | None = None
    """`--pane`."""


class Origin(NamedTuple):
    """One effective value and where it came from."""

    key: str
    """Dotted, as in `config.toml`; a profile's own keys stand without the profile's name."""
    value_shown: str
    """Drawable; `***` for a secret, `-` for none."""
    origin: str
    """`FILE:LINE`, a flag, a variable, or `default`."""


class Effective(NamedTuple):
    """What chtui will work with."""

    profile: Profile
    ui: Ui
    intervals: Intervals
    thresholds: Thresholds
    origins: tuple[Origin, ...]
    """Every value, in the order to print them."""
    warnings: tuple[str, ...] = ()
    """One line each, without secrets."""


class ProfileEntry(NamedTuple):
    """A connection that `-C` can name."""

    name: str
    kind: Literal["own", "client"]
    """From `config.toml`, or from clickhouse-client's file."""
    origin: str
    """`FILE:LINE`."""
    hosts: tuple[str, ...]
    """As written; empty where other sources are to give them."""
    default: bool
    """Whether it is the one taken without `-C` and `--host`."""
    problem: str = ""
    """What keeps it from being used, one line; empty if nothing does."""
