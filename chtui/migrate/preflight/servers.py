"""The servers themselves: whether they answer, versions, types they lack, clocks, time zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chtui.clock import Clock
from chtui.fleet.driver import parse_version
from chtui.migrate import definitions, expressions
from chtui.migrate.expiry import TTL_SINCE
from chtui.migrate.hosts import Host
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look, stored_by
from chtui.migrate.preflight.reader import Reader
from chtui.migrate.spec import Spec
from chtui.records import HostId
from chtui.text import format_seconds

EXACT_CLOCK_SINCE = (20, 6)
"""The first version with `now64` and `toUnixTimestamp64Milli`. Source: ClickHouse 20.6 changelog."""
SKEW_SECONDS = 1.0
"""From here a clock is reported: every reading here is good to a second at worst, and NTP holds a clock far below that."""


WHOLE_NUMBERS = 10_000
"""How many numbers `preflight_whole` asks for."""


UTC_NAMES = frozenset(
    f"{area}{name}"
    for area in ("", "Etc/")
    for name in ("UTC", "UCT", "Zulu", "Universal", "GMT", "GMT0", "Greenwich")
)
"""Names of one time zone. Source: the links of the IANA time zone database."""


class Server(NamedTuple):
    """What one server says of itself."""

    version: str
    time_zone: str


class Reading(NamedTuple):
    """One server's clock against this machine's, in seconds: the true difference lies between the two."""

    least: float
    most: float

    def against(self, other: Reading) -> Reading:
        """Return this clock against another one, of which the same is known."""
        return Reading(self.least - other.most, self.most - other.least)


def check(look: Look, clock: Clock) -> None:
    """Find out who answers, and go on with those alone; then look at versions, types, clocks and time zones."""
    known = look.each(look.everyone, "the server", _columns_of)
    look.only(host for host in look.everyone if host.id in known)
    look.known = known
    answers = look.each(look.everyone, "whether answers are whole", _numbers)
    for host_id, numbers in answers.items():
        look.add(judge_whole(host_id, numbers))
    look.only(host for host in look.everyone if len(answers.get(host.id, ())) == WHOLE_NUMBERS)
    servers = look.each(look.everyone, "versions and time zones", _server)
    look.add(judge_versions(servers))
    look.add(judge_expiry(look.spec, {host.id: host.version for host in look.targets}))
    look.add(judge_zones(servers, look.source.id if look.source else None))
    readings = look.each(look.everyone, "the clock", lambda host: _clock(host, clock))
    source = look.source.id if look.source else None
    look.add(judge_clocks(readings, source, look.spec.retention.lateness_seconds))
    wanted = type_names(look.spec)
    types = look.each(
        look.targets,
        "types",
        lambda host: {str(row[0]) for row in host.rows("preflight_type_names", {"names": [*wanted]})},
    )
    for host, there in types.items():
        look.add(judge_types(host, wanted, there))


def judge_whole(host: HostId, numbers: Sequence[int]) -> list[Finding]:
    """A user whose answers are cut sees less of everything, and so would the migration: nothing else is asked of the host."""
    if len(numbers) == WHOLE_NUMBERS:
        return []
    what = "every answer to this user is cut, with success: nothing that the host tells can be believed"
    begins = f", from {numbers[0]} on" if numbers else ""
    evidence = f"of {WHOLE_NUMBERS} numbers {len(numbers)} came{begins}"
    remedy = "take limit, offset, max_rows_to_read and overflow modes of break out of the user's profile"
    return [blocker(Kind.SETTING, "limit", host, what, evidence=evidence, remedy=remedy)]


def judge_versions(servers: Mapping[HostId, Server]) -> list[Finding]:
    """Versions are noted; different ones deserve a look, for defaults differ with them."""
    found = [note(Kind.VERSION, "", host, f"ClickHouse {server.version}") for host, server in servers.items()]
    releases = {parse_version(server.version)[:2] for server in servers.values()}
    if len(releases) > 1:
        told = ", ".join(f"{host} {server.version}" for host, server in servers.items())
        found.append(
            warning(
                Kind.VERSION,
                "",
                None,
                "the servers' versions differ",
                evidence=told,
                remedy="defaults differ with versions: see the findings on settings and deduplication of each host",
            )
        )
    return found


def judge_expiry(spec: Spec, versions: Mapping[HostId, tuple[int, ...]]) -> list[Finding]:
    """Rows expire last of all, once readers are on v2: a server that cannot do it must be known before."""
    names = [table.name for table in spec.tables if table.expires]
    names += [aggregate.name for aggregate in spec.aggregates if aggregate.expires]
    if not names:
        return []
    what = "this version cannot have rows expire one partition at a time"
    remedy = "update the server, or leave out expires in the spec"
    return [
        blocker(Kind.VERSION, "expires", host, what, evidence=f"expires of {', '.join(names)}", remedy=remedy)
        for host, version in versions.items()
        if version < TTL_SINCE
    ]


def judge_zones(servers: Mapping[HostId, Server], source: HostId | None) -> list[Finding]:
    """Days and months begin at other instants in other zones: a row would be of another partition on each host."""
    zones = {"UTC" if server.time_zone in UTC_NAMES else server.time_zone for server in servers.values()}
    if len(zones) == 1:
        zone = zones.pop()
        return [note(Kind.TIME_ZONE, "", None, f"all queries see days in time zone {zone}")]
    told = ", ".join(
        f"{host}{' (v1)' if host == source else ''} {server.time_zone}" for host, server in servers.items()
    )
    return (
        [
            blocker(
                Kind.TIME_ZONE,
                "",
                None,
                "the hosts see days begin at different instants: rows near midnight would be of another partition on each",
                evidence=told,
                remedy="give all servers one time zone, and take session_timezone out of the user's profile",
            )
        ]
        if zones
        else []
    )


def judge_clocks(
    readings: Mapping[HostId, Reading], source: HostId | None, lateness_seconds: float
) -> list[Finding]:
    """A host whose clock surely differs from v1's by more than rows may come late breaks the watermark; less is a warning.

    So is any difference from this machine, whose clock decides nothing.
    """
    found = []
    remedy = "set the clocks by NTP; retention.lateness_seconds must be greater than any skew"
    origin = readings.get(source) if source else None
    for host, reading in readings.items():
        skew = reading.against(origin) if origin and host != source else Reading(0.0, 0.0)
        for whose, each in (("v1's", skew), ("this machine's", reading)):
            off = max(each.least, -each.most, 0.0)
            if off < SKEW_SECONDS:
                continue
            judge = blocker if whose == "v1's" and off >= lateness_seconds else warning
            what = f"its clock is {format_seconds(off)} {'ahead of' if each.least > 0 else 'behind'} {whose}"
            evidence = f"difference between {each.least:.3f} s and {each.most:.3f} s"
            found.append(judge(Kind.CLOCK, "", host, what, evidence=evidence, remedy=remedy))
    if readings and not found:
        what = f"no clock is more than {format_seconds(SKEW_SECONDS)} off, as far as can be told"
        told = ", ".join(f"{host} {each.least:.3f} to {each.most:.3f} s" for host, each in readings.items())
        found.append(note(Kind.CLOCK, "", None, what, evidence=told))
    return found


def type_names(spec: Spec) -> list[str]:
    """Return the names of all types in the columns of a spec, nested ones too."""
    texts = [text for each in stored_by(spec) for text in each.columns.values()]
    return sorted({name for text in texts for name in _heads(definitions.parse(text).type)})


def judge_types(host: HostId, wanted: Sequence[str], there: set[str]) -> list[Finding]:
    """A type the server does not have cannot be created there."""
    return [
        blocker(
            Kind.VERSION,
            name,
            host,
            f"this server has no type {name}",
            remedy="upgrade it, or take another type in the spec",
        )
        for name in wanted
        if name not in there
    ]


def _heads(kind: str) -> set[str]:
    head, arguments = definitions.arguments(kind)
    names = {head}
    if head in ("AggregateFunction", "SimpleAggregateFunction"):
        arguments = arguments[1:]
    elif head in ("Tuple", "Nested"):
        arguments = [
            argument.rpartition(" ")[2] if "(" not in argument else argument for argument in arguments
        ]
    elif head not in ("Array", "Nullable", "LowCardinality", "Map"):
        return names
    for argument in arguments:
        if expressions.tokens(argument)[:1] and expressions.tokens(argument)[0].kind == "word":
            names |= _heads(argument)
    return names


def _columns_of(host: Host) -> frozenset[str]:
    rows = host.rows("monitor/capabilities")
    tables = {f"system.{table}" for table, _ in rows}
    return frozenset(tables | {f"system.{table}.{name}" for table, columns in rows for name in columns})


def _numbers(host: Host) -> list[int]:
    assert isinstance(host, Reader)
    return [int(row[0]) for row in host.as_the_profile_has_it("preflight_whole")]


def _server(host: Host) -> Server:
    return Server(*(str(value) for value in host.rows("preflight_server")[0]))


def _clock(host: Host, clock: Clock) -> Reading:
    host.version  # noqa: B018 - so that logging in is not measured
    exact = host.version >= EXACT_CLOCK_SINCE
    before = clock.now().timestamp()
    now_ms = int(host.rows("preflight_clock" if exact else "preflight_clock_old")[0][0])
    after = clock.now().timestamp()
    # The answer was true at some instant between the two; one in whole seconds may lack almost one.
    return Reading(now_ms / 1000 - after, now_ms / 1000 + (0.001 if exact else 1.0) - before)
