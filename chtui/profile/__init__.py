"""Connection profiles, settings and secrets: what the user said, in files, variables and flags, made one."""

from __future__ import annotations

from chtui.profile.check import check_file
from chtui.profile.effective import list_profiles, resolve
from chtui.profile.endpoint import Endpoint, parse_endpoint
from chtui.profile.layer import Problem
from chtui.profile.model import Access, Credentials, Intervals, Profile, Thresholds, Tls, Ui
from chtui.profile.options import Effective, Options, Origin, ProfileEntry
from chtui.profile.secret import Secret

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
