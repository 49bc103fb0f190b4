"""What fault tests look at: a session's hosts and samples, this process's lanes and sockets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from chtui.monitor.scheduler import Want
from chtui.profile.options import Effective
from chtui.records import HostId, HostState, HostStatus, Sample
from chtui.session import Session, Watch
from tests.engine.fleets import ids
from tests.support import ModernRig, fast, started, wait_until

METRICS = Want("host_metrics")


def monitored(found: Effective, into: list[Session], wants: Collection[Want] = (METRICS,)) -> Session:
    """A session at work: every host is up and has told what is wanted."""
    session = started(found, into)
    session.watch("test", Watch(lambda _: None, lambda _: None), wants)

    def complete() -> bool:
        hosts = session.snapshot.hosts
        return bool(hosts) and all(
            host.state is HostState.UP
            and all((got := sample(session, host.id, want.probe)) and got.taken_at for want in wants)
            for host in hosts
        )

    wait_until(complete, 40, "all hosts up and told")
    return session


def last_behind(rig: ModernRig, address: str, **seconds: float) -> Effective:
    """The rig with its last host at another address, asked every second."""
    addresses = {**rig.addresses(), str(ids(rig)[3]): address}
    found = rig.effective(seeds=rig.effective().profile.seeds[:3], http_addresses=MappingProxyType(addresses))
    return fast(found, **seconds)


def status(session: Session, host: HostId) -> HostStatus:
    """How a host answers now."""
    found = session.snapshot.host(host)
    assert found is not None
    return found


def sample(session: Session, host: HostId, probe: str = "host_state") -> Sample | None:
    """A host's last sample of a probe."""
    return session.store.get(host, probe)


def age_seconds(session: Session, host: HostId, probe: str = "host_state") -> float:
    """How old the last good answer to a probe is."""
    found = sample(session, host, probe)
    assert found is not None
    assert found.taken_at is not None
    return (datetime.now(UTC) - found.taken_at).total_seconds()


def seconds_until(seen: Callable[[], object], limit: float, what: str) -> float:
    """How long something takes, which must not exceed a limit."""
    began = time.monotonic()
    wait_until(seen, limit, what)
    return time.monotonic() - began


def lanes(port: int) -> int:
    """How many threads of this process serve lanes to an HTTP port."""
    return sum(
        thread.name.startswith("lane ") and thread.name.endswith(f":{port}")
        for thread in threading.enumerate()
    )


def sockets(port: int) -> int:
    """How many sockets of this process lead to a port of loopback."""
    mine = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            mine.add(target[8:-1])
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(words[9] in mine and int(words[2].rpartition(":")[2], 16) == port for words in lines)
