"""Connection profiles, settings and secrets: what the user said, in files, variables and flags, made one.

Names are looked up when they are asked for: the console must paint before it has imported what reads files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chtui.profile.check import check_file
    from chtui.profile.effective import list_profiles, resolve
    from chtui.profile.endpoint import Endpoint, parse_endpoint
    from chtui.profile.layer import Problem
    from chtui.profile.model import Access, Credentials, Intervals, Profile, Thresholds, Tls, Ui
    from chtui.profile.options import Effective, Options, Origin, ProfileEntry
    from chtui.profile.secret import Secret

ROOMS = {
    "check": ("check_file",),
    "effective": ("list_profiles", "resolve"),
    "endpoint": ("Endpoint", "parse_endpoint"),
    "layer": ("Problem",),
    "model": ("Access", "Credentials", "Intervals", "Profile", "Thresholds", "Tls", "Ui"),
    "options": ("Effective", "Options", "Origin", "ProfileEntry"),
    "secret": ("Secret",),
}
"""Module to the names it holds."""

__all__ = [
    "Access",
    "Credentials",
    "Effective",
    "Endpoint",
    "Intervals",
    "Options",
    "Origin",
    "Problem",
    "Profile",
    "ProfileEntry",
    "Secret",
    "Thresholds",
    "Tls",
    "Ui",
    "check_file",
    "list_profiles",
    "parse_endpoint",
    "resolve",
]


def __getattr__(name: str) -> object:
    for room, names in ROOMS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
