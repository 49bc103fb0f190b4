"""The storage pane on 18.16, which has neither disks nor volumes nor TTL: every part says so."""

from __future__ import annotations

from chtui.views import storage
from chtui.views.pages import nothing, unavailable
from tests.engine.fleets import collected
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster


def test_every_part_says_that_the_server_is_too_old(replicated_cluster: ReplicatedCluster) -> None:
    (page,) = storage.PAGES
    wants = {want for part in page.parts for want in part.wants(())}
    snapshot = collected(effective_of(replicated_cluster), wants)
    assert len(snapshot.hosts) == 4
    for part in page.parts:
        assert part.facts(snapshot, ()) == ()
        assert nothing(part, snapshot, ()).startswith("not known: this server is older than"), part.name
        reasons = unavailable(part, snapshot, ())
        assert reasons, part.name
        assert all("which brought system." in reason for reason in reasons.values()), reasons
