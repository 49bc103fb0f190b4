"""What four-letter words answer, made into records. Pure; takes ZooKeeper's and ClickHouse Keeper's ways of saying it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from chtui.errors import ConnectError
from chtui.keeper.words import NOT_SERVING
from chtui.records.keeper import KeeperNode, KeeperSession
from chtui.text import one_line

ROLES = ("leader", "follower", "observer", "standalone", "read-only")
LONGEST_NUMBER = 40
NO_SESSION = 0xFFFF_FFFF_FFFF_FFFF
"""What ClickHouse Keeper tells as the session of a connection that has none yet."""
SESSION_LINE = re.compile(r"\s*/?(?P<client>\S+?)(?:\[\d+\])?\((?P<values>[^()]*)\)\s*")
SERVER_LINE = re.compile(r"\s*server\.(?P<id>\d{1,9})=(?P<value>.+?)\s*")
LARGEST_INSTANT_MILLISECONDS = 253_402_300_799_999
"""The last millisecond of the year 9999: later ones are no instants to Python."""
MOST_PEERS = 99


class Peer(NamedTuple):
    """One member by the ensemble's own configuration."""

    server_id: int
    host_name: str
    client_port: int | None
    """None where the configuration has none: it is then the same as on other members, or unknown."""
    votes: bool


class Conf(NamedTuple):
    """What a member tells of its configuration."""

    server_id: int | None
    peers: tuple[Peer, ...]


def is_not_serving(text: str) -> bool:
    """Whether an answer says that the member belongs to no quorum now."""
    return NOT_SERVING in text[:200]


def parse_mntr(text: str, where: str) -> KeeperNode:
    """Return what `mntr` tells.

    Raises:
        ConnectError: this is no answer of a Keeper (`not_keeper`).
    """
    if is_not_serving(text):
        return KeeperNode("not serving", product=_product(text))
    values = {
        name.strip().removeprefix("zk_"): value.strip()
        for name, tab, value in (line.partition("\t") for line in text.splitlines())
        if tab and name.startswith("zk_")
    }
    if "server_state" not in values:
        raise not_keeper(text, where)
    return node_of(values, "4lw", "ZooKeeper" if "global_sessions" in values else "")


def node_of(values: Mapping[str, object], source: str, product: str = "") -> KeeperNode:
    """Return the record in the values of `mntr` or of the AdminServer's `monitor`, by name without `zk_`."""
    version = str(values.get("version", ""))
    role = _role(str(values.get("server_state", "")))
    uptime = number(values.get("uptime"))
    return KeeperNode(
        role=role,
        version=clean_version(version),
        product=product or ("ClickHouse Keeper" if version.startswith("v") else "ZooKeeper"),
        latency_min_milliseconds=number(values.get("min_latency")),
        latency_avg_milliseconds=number(values.get("avg_latency")),
        latency_max_milliseconds=number(values.get("max_latency")),
        outstanding_requests=whole(values.get("outstanding_requests")),
        alive_connections=whole(values.get("num_alive_connections")),
        znode_count=whole(values.get("znode_count")),
        watch_count=whole(values.get("watch_count")),
        ephemeral_count=whole(values.get("ephemerals_count")),
        data_size_bytes=whole(values.get("approximate_data_size")),
        followers=whole(values.get("followers", values.get("learners"))),
        synced_followers=whole(values.get("synced_followers")),
        voters=whole(values.get("quorum_size")),
        uptime_seconds=None if uptime is None else uptime / 1000,
        is_read_only=role == "read-only",
        source=source,
    )


def parse_srvr(text: str, where: str) -> KeeperNode:
    """Return what `srvr` (or `stat`) tells; less than `mntr`, but the last transaction too.

    Raises:
        ConnectError: this is no answer of a Keeper (`not_keeper`).
    """
    if is_not_serving(text):
        return KeeperNode("not serving", product=_product(text))
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            values.setdefault(name.strip().lower(), value.strip())
    if "mode" not in values:
        raise not_keeper(text, where)
    latency = [number(part) for part in values.get("latency min/avg/max", "").split("/")]
    low, average, high = latency if len(latency) == 3 else (None, None, None)
    role = _role(values["mode"])
    own = values.get("clickhouse keeper version")
    return KeeperNode(
        role=role,
        version=clean_version(own if own is not None else values.get("zookeeper version", "")),
        product="ZooKeeper" if own is None else "ClickHouse Keeper",
        latency_min_milliseconds=low,
        latency_avg_milliseconds=average,
        latency_max_milliseconds=high,
        outstanding_requests=whole(values.get("outstanding")),
        alive_connections=whole(values.get("connections")),
        znode_count=whole(values.get("node count")),
        zxid=hexadecimal(values.get("zxid")),
        is_read_only=role == "read-only",
    )


def parse_cons(text: str, limit: int) -> tuple[tuple[KeeperSession, ...], int]:
    """Return at most `limit` sessions in the answer to `cons`, and how many there are.

    Connections without a session, like the one that asks, are left out.
    """
    found: list[KeeperSession] = []
    count = 0
    for line in text.splitlines():
        match = SESSION_LINE.fullmatch(line)
        if match is None:
            continue
        values = dict(_pairs(match["values"].split(",")))
        if not (sid := hexadecimal(values.get("sid"))) or int(sid, 16) == NO_SESSION:
            continue
        count += 1
        if len(found) < limit:
            found.append(_session(sid, match["client"], values))
    return tuple(found), count


def _session(sid: str, client: str, values: Mapping[str, str]) -> KeeperSession:
    return KeeperSession(
        sid=sid,
        client=client,
        outstanding_requests=whole(values.get("queued")),
        received=whole(values.get("recved")),
        sent=whole(values.get("sent")),
        last_operation="" if values.get("lop", "NA") == "NA" else values["lop"],
        established_at=instant(whole(values.get("est"))),
        timeout_milliseconds=whole(values.get("to")),
        latency_last_milliseconds=number(values.get("llat")),
        latency_min_milliseconds=number(values.get("minlat")),
        latency_avg_milliseconds=number(values.get("avglat")),
        latency_max_milliseconds=number(values.get("maxlat")),
    )


def parse_conf(text: str) -> Conf:
    """Return what `conf` tells of the ensemble; ClickHouse Keeper tells no peers there."""
    values = dict(_pairs(text.splitlines()))
    return Conf(whole(values.get("serverId", values.get("server_id"))), parse_peers(text))


def parse_peers(text: str) -> tuple[Peer, ...]:
    """Return the members in lines like `server.1=...`, of `conf`, `/zookeeper/config` or `/keeper/config`.

    ZooKeeper writes `host:quorum_port:election_port:role;client_address:client_port`, the last part often missing;
    ClickHouse Keeper `host:raft_port;role;priority`.
    """
    found: dict[int, Peer] = {}
    for line in text.splitlines():
        match = SERVER_LINE.fullmatch(line)
        if match is not None and len(found) < MOST_PEERS:
            peer = _peer(int(match["id"]), match["value"])
            if peer is not None:
                found[peer.server_id] = peer
    return tuple(found.values())


def _peer(server_id: int, value: str) -> Peer | None:
    address, *rest = value.split(";")
    # Several addresses of one member stand side by side: the first will do.
    address = address.partition("|")[0]
    if address.startswith("["):
        host_name, _, tail = address[1:].partition("]")
    else:
        host_name, _, tail = address.partition(":")
    words = {word.strip().lower() for part in (tail, *rest) for word in part.split(":")}
    client = rest[0].rpartition(":")[2] if rest else ""
    # ClickHouse Keeper has the role there, never the client port.
    port = int(client) if re.fullmatch(r"[0-9]{1,5}", client) and 0 < int(client) < 65536 else None
    if not host_name or len(host_name) > 253:
        return None
    return Peer(server_id, host_name, port, not words & {"observer", "learner"})


def not_keeper(text: str, where: str) -> ConnectError:
    """Return the error for something that answers, but not as a Keeper does."""
    return ConnectError(
        "not_keeper", f"is neither ZooKeeper nor Keeper; it says: {one_line(text, 60)}", where=where
    )


def clean_version(text: str) -> str:
    """Return a version without the build it came from."""
    head = re.split(r"[,\s]|-[$]|-[0-9a-f]{12,}", text.strip(), maxsplit=1)[0]
    return head.removeprefix("v")[:LONGEST_NUMBER]


def whole(value: object) -> int | None:
    """Return a whole number that fits a record, None for anything else."""
    found = number(value)
    return int(found) if found is not None and found == int(found) and abs(found) < 2**63 else None


def number(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    text = str(value).strip()
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,12})?([eE]-?[0-9]{1,2})?", text):
        return None
    return float(text) if "." in text or "e" in text.lower() else int(text)


def hexadecimal(value: object) -> str:
    """Return a 64-bit number written in hexadecimal or decimal as `0x...`; empty for anything else."""
    text = str(value).strip().lower()
    if re.fullmatch(r"0x[0-9a-f]{1,16}", text):
        return f"0x{int(text, 16):x}"
    if re.fullmatch(r"-?[0-9]{1,20}", text):
        return f"0x{int(text) & NO_SESSION:x}"
    return ""


def instant(milliseconds: int | None) -> datetime | None:
    """Return an instant told in milliseconds since 1970, None for what is none."""
    if milliseconds is None or not 0 < milliseconds <= LARGEST_INSTANT_MILLISECONDS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _pairs(parts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _role(text: str) -> str:
    word = text.strip().lower()
    return word if word in ROLES else "not serving"


def _product(text: str) -> str:
    return "ZooKeeper" if "ZooKeeper" in text else "ClickHouse Keeper"
