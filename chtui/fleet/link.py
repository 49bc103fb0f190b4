"""A link: one host's connections, a lane for liveness, one for data and one for slow background work."""

from __future__ import annotations

from collections.abc import Callable

from chtui import sql
from chtui.errors import ConnectError
from chtui.fleet.capabilities import Capabilities
from chtui.fleet.driver import Driver, query_ids
from chtui.fleet.lane import Call, Lane, Outcome
from chtui.fleet.topology import Address
from chtui.profile.model import Profile
from chtui.records import HostId

LIVENESS, DATA, BACKGROUND = "liveness", "data", "background"
LOGIN_SECONDS = 8.0
"""How long logging in may wait for bytes; the call's own deadline is usually shorter and decides."""


class Link:
    """The lanes to one address.

    `host` is who should answer there, None for a seed whose identity is not known yet.
    """

    def __init__(
        self,
        profile: Profile,
        address: Address,
        host: HostId | None,
        cluster: str,
        ended: Callable[[Outcome], None],
    ) -> None:
        self.profile = profile
        self.address = address
        self.host = host
        self.cluster = cluster
        self.capabilities: Capabilities | None = None
        """Set by whoever handled a discovery; None until then and after the server came back."""
        self.is_hung = False
        """Whether the last call got no answer; then a new connection asks /ping before it sends a query."""
        self._ended = ended
        self._lanes: dict[str, Lane] = {}

    def lane(self, name: str) -> Lane:
        """Return the lane of this name, made on first use."""
        if name not in self._lanes:
            self._lanes[name] = Lane(f"{name} {self.address.endpoint}", self._connect, self._ended)
        return self._lanes[name]

    def submit(self, name: str, call: Call) -> None:
        """Put a call into a lane."""
        self.lane(name).submit(call)

    def close(self) -> None:
        """Drop all lanes; nothing is waited for."""
        for lane in self._lanes.values():
            lane.close()

    def _connect(self) -> Driver:
        driver = Driver(
            self.address.endpoint,
            self.profile.credentials,
            self.profile.tls,
            connect_seconds=self.profile.connect_timeout_seconds,
            seconds=LOGIN_SECONDS,
            ping_first=self.is_hung,
        )
        try:
            if self.host is not None and self.profile.access == "direct":
                prove_identity(driver, self.host, self.cluster, str(self.address.endpoint))
        except BaseException:
            driver.close()
            raise
        return driver


def prove_identity(driver: Driver, host: HostId, cluster: str, where: str) -> None:
    """Make sure that the server a driver talks to is the host of the cluster it was taken for.

    Raises:
        ConnectError: it is another one, or does not know that host.
        QueryError: it would not tell.
    """
    answer = driver.read(
        sql.load("monitor/identity"),
        {"cluster": cluster},
        query_id=next(IDENTITY_IDS),
        seconds=LOGIN_SECONDS,
    )
    known = {HostId(str(name), int(port)): bool(is_local) for name, port, is_local in answer.rows}
    others = sorted(other for other, is_local in known.items() if is_local)
    fix = "give its address in http_addresses of the profile"
    if host not in known:
        raise ConnectError(
            "mismatch",
            f"the server there does not know {host} of cluster {cluster}",
            where=where,
            fix=fix,
        )
    if others and host not in others:
        raise ConnectError("mismatch", f"the server there is {others[0]}, not {host}", where=where, fix=fix)


IDENTITY_IDS = query_ids("identity")
