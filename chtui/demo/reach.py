"""How what runs on a demo reaches its servers: a profile that is in no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from chtui.demo.options import HOST
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Profile
from chtui.profile.secret import Secret


def profile(
    name: str,
    cluster: str,
    http_ports: Iterable[int],
    addresses: Mapping[str, str],
    *,
    user: str,
    password: str,
) -> Profile:
    """Return a profile for servers of this machine.

    `addresses` have, for each host as `system.clusters` names it with its native port, where it answers HTTP.
    """
    return Profile(
        name=name,
        seeds=tuple(Endpoint(HOST, port) for port in http_ports),
        cluster=cluster,
        credentials=Credentials(user, Secret.literal(password, name)),
        http_addresses=MappingProxyType(dict(addresses)),
    )
