"""What tests of preflight share: a small spec on a rig, v1 made as a test wants it, users with settings of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from chtui.clock import Clock
from chtui.migrate.hosts import Hosts, connect
from chtui.migrate.preflight import Finding, Kind, Report, Severity, run
from chtui.migrate.spec import DdlMode, Flavour, Source, SourceTable, Spec, TableSpec, Target
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Profile
from chtui.records import HostId
from tests.engine.fleets import ids, restart
from tests.support import CLUSTER, SOURCE_CLUSTER, ModernRig, effective, replace

V1, V2 = "preflight_v1", "preflight_v2"
COLUMNS: Mapping[str, str] = MappingProxyType(
    {"Time": "DateTime64(3)", "Service": "LowCardinality(String)", "Value": "Int64"}
)
EVENTS = TableSpec(
    "events",
    (SourceTable("events"),),
    "Time",
    COLUMNS,
    "cityHash64(Service)",
    "toYYYYMM(Time)",
    "(Service, Time)",
)


def with_table(spec: Spec, **changes: Any) -> Spec:
    """The spec with other values in some fields of its only table."""
    return replace(spec, tables=(replace(spec.tables[0], **changes),))


def with_source(spec: Spec, **changes: Any) -> Spec:
    """The spec with other values in some fields of the only source table."""
    return with_table(spec, sources=(replace(spec.tables[0].sources[0], **changes),))


def with_columns(spec: Spec, **columns: str) -> Spec:
    """The spec with some columns defined otherwise, or more of them."""
    return with_table(spec, columns=MappingProxyType({**spec.tables[0].columns, **columns}))


def found(report: Report, kind: Kind, severity: Severity | None = None, name: str = "") -> list[Finding]:
    """The findings of a kind, about something whose name has `name` in it."""
    return [
        finding
        for finding in report.findings
        if finding.kind is kind and severity in (None, finding.severity) and name in finding.object
    ]


def the(report: Report, kind: Kind, severity: Severity, name: str = "") -> Finding:
    """The first finding of a kind; there must be one, and it must say all it should."""
    findings = found(report, kind, severity, name)
    told = [
        finding
        for finding in report.findings
        if finding.severity is not Severity.NOTE or finding.kind is kind
    ]
    assert findings, told
    finding = findings[0]
    assert finding.what
    assert severity is Severity.NOTE or finding.remedy or finding.evidence
    return finding


class Planting:
    """A rig with a small v1 on its first host, and a spec that takes it to v2."""

    def __init__(self, rig: ModernRig) -> None:
        self.rig = rig
        self.spec = Spec(
            "planted",
            Source(ids(rig)[0], V1, cluster=SOURCE_CLUSTER),
            Target(CLUSTER, V2, Flavour.PLAIN, DdlMode.PER_HOST),
            (EVENTS,),
        )

    def clear(self) -> None:
        """Drop both databases on every host."""
        for index in range(len(self.rig.nodes)):
            for database in (V1, V2):
                self.rig.query(index, f"DROP DATABASE IF EXISTS {database} SYNC")

    def v1(
        self,
        columns: str = "Time DateTime64(3), Service LowCardinality(String), Value Int64",
        rows: str = "toDateTime64('2026-09-01 00:00:00', 3) + number * 60, concat('s', toString(number % 3)), number",
        *,
        number: int = 1000,
        rest: str = "PARTITION BY toYYYYMM(Time) ORDER BY (Service, Time)",
        hosts: Sequence[int] = (0,),
    ) -> None:
        """Make v1's table with these columns, and rows of these expressions over `number`."""
        for index in hosts:
            self.rig.query(index, f"CREATE DATABASE IF NOT EXISTS {V1}")
            self.rig.query(index, f"CREATE TABLE {V1}.events ({columns}) ENGINE = MergeTree {rest}")
            if number:
                self.rig.query(index, f"INSERT INTO {V1}.events SELECT {rows} FROM numbers({number})")

    def v2(self, statement: str, index: int = 1) -> None:
        """Run a statement in v2's database on one host."""
        self.rig.query(index, f"CREATE DATABASE IF NOT EXISTS {V2}")
        self.rig.query(index, statement)

    def look(self, spec: Spec | None = None, user: str = "admin", clock: Clock | None = None) -> Report:
        """What preflight finds, asked as a user."""
        wanted = spec or self.spec
        hosts = self.hosts(wanted, user)
        try:
            return run(wanted, hosts, clock)
        finally:
            hosts.close()

    def hosts(self, spec: Spec, user: str = "admin") -> Hosts:
        """The hosts of the migration."""
        return connect(self.profile(user), spec.target.cluster, spec.source.host)

    def profile(self, user: str) -> Profile:
        """A profile that leads to the rig; users that `users` has made have no password."""
        if user in USERS:
            seeds = tuple(Endpoint("127.0.0.1", port) for port in self.rig.http_ports)
            addresses = MappingProxyType(self.rig.addresses())
            return effective(user, "", seeds=seeds, http_addresses=addresses).profile
        return self.rig.effective(user).profile


USERS = ("cut", "skipping", "limited", "fixed", "berlin", "poor")
POOR = ("SELECT ON system.*", "SHOW ON *.*", "REMOTE ON *.*", f"SELECT ON {V1}.*")


@contextmanager
def users(rig: ModernRig, **grants: Sequence[str]) -> Iterator[None]:
    """Users with settings and rights of their own: `berlin` has its time zone on the second host alone.

    `grants` are more users, who have these rights alone. None has a password.
    """
    paths = [Path(str(getattr(node, "directory"))) / "users.xml" for node in rig.nodes]  # noqa: B009
    before = [path.read_text() for path in paths]
    try:
        for index, path in enumerate(paths):
            path.write_text(_with_users(before[index], {"poor": POOR, **grants}, is_second=index == 1))
            restart(rig, index)
        yield
    finally:
        for index, path in enumerate(paths):
            path.write_text(before[index])
            restart(rig, index)


SETTINGS: Mapping[str, Mapping[str, str]] = {
    "cut": {"limit": "500"},
    "skipping": {"max_rows_to_read": "500", "read_overflow_mode": "break"},
    "limited": {
        "read_overflow_mode": "break",
        "timeout_overflow_mode": "break",
        "max_rows_to_read": "1000000000",
        "wait_for_async_insert": "0",
    },
    "fixed": {
        "result_overflow_mode": "break",
        "max_partition_size_to_drop": "1",
        "insert_null_as_default": "1",
    },
}


def _with_users(text: str, grants: Mapping[str, Sequence[str]], *, is_second: bool) -> str:
    tree = ElementTree.fromstring(text)
    profiles, own = tree.find("profiles"), tree.find("users")
    assert profiles is not None
    assert own is not None
    for name in {**dict.fromkeys(USERS), **grants}:
        profile = ElementTree.SubElement(profiles, name)
        settings = dict(SETTINGS.get(name, {}))
        if name == "berlin" and is_second:
            settings["session_timezone"] = "Europe/Berlin"
        for setting, value in settings.items():
            ElementTree.SubElement(profile, setting).text = value
        if name == "fixed":
            constraints = ElementTree.SubElement(profile, "constraints")
            for setting in settings:
                ElementTree.SubElement(ElementTree.SubElement(constraints, setting), "const")
        user = ElementTree.SubElement(own, name)
        ElementTree.SubElement(user, "password")
        ElementTree.SubElement(user, "profile").text = name
        ElementTree.SubElement(ElementTree.SubElement(user, "networks"), "ip").text = "127.0.0.1"
        if name in grants:
            element = ElementTree.SubElement(user, "grants")
            for grant in grants[name]:
                ElementTree.SubElement(element, "query").text = f"GRANT {grant}"
        else:
            ElementTree.SubElement(user, "access_management").text = "1"
    return ElementTree.tostring(tree, encoding="unicode")


def host_of(rig: ModernRig, index: int) -> HostId:
    """One host of the rig."""
    return ids(rig)[index]
