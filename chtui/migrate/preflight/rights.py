"""What the migration's user may do: every right it needs, on every host it needs it on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from chtui.errors import QueryError
from chtui.fleet.capabilities import SYNTAX_ERROR_CODE
from chtui.fleet.literal import quote_identifier
from chtui.migrate.hosts import Host
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.records import HostId

GRANTS_SINCE = (20, 4)
"""The first version with grants. Source: ClickHouse 20.4 changelog."""
EVERYWHERE = "*.*"


class Right(NamedTuple):
    """One right and what it is for."""

    right: str
    where: str
    """As GRANT has it after ON."""
    purpose: str


def check(look: Look) -> None:
    """Ask every host about each right."""
    source = look.source
    for host in look.everyone:
        wanted = [
            *(target_rights(look.spec) if host in look.targets else ()),
            *(source_rights(look.spec) if host is source else ()),
        ]
        if host.version < GRANTS_SINCE:
            look.add(judge_old(host.id))
            continue
        lacking = look.one(host, "privileges", partial(_lacking, wanted))
        if lacking is not None:
            look.add(judge(host.id, lacking, wanted))


def target_rights(spec: Spec) -> list[Right]:
    """Return what is needed on each host of the target cluster."""
    own = f"{quote_identifier(spec.target.database)}.*"
    rights = [
        Right("SELECT", "system.*", "reading the servers' state"),
        Right("SHOW DATABASES, SHOW TABLES, SHOW COLUMNS", EVERYWHERE, "seeing what is there"),
        Right("CREATE DATABASE", own, "making v2's database"),
        *(
            Right(right, own, purpose)
            for right, purpose in (
                ("CREATE TABLE", "making tables, staging and the lease"),
                ("CREATE VIEW", "making views and aggregates"),
                ("DROP TABLE", "dropping staging"),
                ("DROP VIEW", "replacing views"),
                ("SELECT", "proving what was copied"),
                ("INSERT", "copying"),
                ("ALTER DELETE", "publishing partitions in the place of others"),
                ("ALTER TTL", "setting the expiry after the seal"),
                ("ALTER MATERIALIZE TTL", "applying it to what is there"),
            )
        ),
        Right("REMOTE", EVERYWHERE, "reading v1 and other hosts"),
        Right("KILL QUERY", EVERYWHERE, "ending statements of an earlier try"),
    ]
    engines = ["MergeTree", "AggregatingMergeTree", "Null", "Distributed"]
    if spec.target.flavour is Flavour.REPLICATED:
        engines += ["ReplicatedMergeTree", "ReplicatedAggregatingMergeTree"]
        rights.append(Right("SYNC REPLICA", own, "waiting for replicas"))
    if spec.target.ddl is DdlMode.ON_CLUSTER:
        rights.append(Right("CLUSTER", EVERYWHERE, "statements with ON CLUSTER"))
    rights += [Right("TABLE ENGINE", engine, "making tables and staging") for engine in engines]
    if spec.source.collection:
        rights.append(Right("NAMED COLLECTION", quote_identifier(spec.source.collection), "reading v1"))
    return rights


def source_rights(spec: Spec) -> list[Right]:
    """Return what is needed on v1's host."""
    own = f"{quote_identifier(spec.source.database)}.*"
    return [
        Right("SELECT", own, "reading v1"),
        Right("SHOW TABLES, SHOW COLUMNS", own, "seeing v1's tables"),
        *(
            Right(right, own, purpose)
            for right, purpose in (
                ("CREATE TABLE", "taking snapshots"),
                ("INSERT", "taking snapshots"),
                ("ALTER DELETE", "taking snapshots"),
                ("DROP TABLE", "dropping snapshots"),
            )
        ),
        Right("TABLE ENGINE", "MergeTree", "taking snapshots"),
        Right("KILL QUERY", EVERYWHERE, "ending statements of an earlier try"),
    ]


def judge(host: HostId, lacking: Sequence[Right] | str, wanted: Sequence[Right]) -> list[Finding]:
    """Every right that lacks is a blocker; where a server cannot be asked for one, its grants are shown."""
    if isinstance(lacking, str):
        what = "this version cannot be asked for one right: see that its grants cover all that are needed"
        needed = "; ".join(f"{right.right} ON {right.where}" for right in wanted)
        return [warning(Kind.PRIVILEGE, "", host, what, evidence=lacking, remedy=f"needed: {needed}")]
    found = [
        blocker(
            Kind.PRIVILEGE,
            f"{right.right} ON {right.where}",
            host,
            f"the user has no {right.right} ON {right.where}, for {right.purpose}",
            remedy=f"GRANT {right.right} ON {right.where} TO the user of the profile's [write]",
        )
        for right in lacking
    ]
    return found or [note(Kind.PRIVILEGE, "", host, f"the user has all {len(wanted)} rights that are needed")]


def judge_old(host: HostId) -> list[Finding]:
    """A server without grants: users may do everything, but for readonly and allow_databases."""
    what = "this version has no grants: only readonly and allow_databases in its users.xml bound a user"
    remedy = "see there that the user of the profile's [write] has neither"
    return [note(Kind.PRIVILEGE, "", host, what, remedy=remedy)]


def _lacking(wanted: Sequence[Right], host: Host) -> list[Right] | str:
    """The rights that lack; or the grants as the server shows them, where it cannot be asked for one."""
    found = []
    for right in wanted:
        params = {"rights": right.right, "where": right.where}
        try:
            # Under readonly = 1, which every other read has, no right to change anything is there.
            rows = host.rows("preflight_grant", params, settings={"readonly": 0})
        except QueryError as error:
            if error.code != SYNTAX_ERROR_CODE:
                raise
            return "; ".join(str(row[0]) for row in host.rows("monitor/show_grants"))
        if not int(rows[0][0]):
            found.append(right)
    return found
