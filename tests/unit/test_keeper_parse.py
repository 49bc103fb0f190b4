"""What four-letter words answer, made into records: recorded answers, and hostile ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from chtui.errors import ConnectError
from chtui.keeper.parse import (
    ROLES,
    Peer,
    clean_version,
    hexadecimal,
    instant,
    node_of,
    number,
    parse_conf,
    parse_cons,
    parse_mntr,
    parse_peers,
    parse_srvr,
    whole,
)
from chtui.records.keeper import KeeperNode
from chtui.text import UNSAFE
from tests.unit import keeper_recorded as recorded

WHERE = "zk:2181"


def test_mntr_of_zookeeper() -> None:
    assert parse_mntr(recorded.ZOOKEEPER_MNTR, WHERE) == KeeperNode(
        role="leader",
        version="3.8.0",
        product="ZooKeeper",
        latency_min_milliseconds=0,
        latency_avg_milliseconds=5.3385,
        latency_max_milliseconds=66,
        outstanding_requests=2,
        alive_connections=3,
        znode_count=110,
        watch_count=11,
        ephemeral_count=8,
        data_size_bytes=9008,
        followers=2,
        synced_followers=1,
        voters=3,
        uptime_seconds=22.586,
    )


def test_mntr_of_clickhouse_keeper() -> None:
    assert parse_mntr(recorded.KEEPER_MNTR, WHERE) == KeeperNode(
        role="leader",
        version="21.11.1.1-prestable",
        product="ClickHouse Keeper",
        latency_min_milliseconds=0,
        latency_avg_milliseconds=0,
        latency_max_milliseconds=7,
        outstanding_requests=0,
        alive_connections=1,
        znode_count=4,
        watch_count=1,
        ephemeral_count=0,
        data_size_bytes=723,
        followers=2,
        synced_followers=2,
    )


def test_srvr_tells_less_but_the_transaction() -> None:
    assert parse_srvr(recorded.ZOOKEEPER_SRVR, WHERE) == KeeperNode(
        role="follower",
        version="3.8.0",
        product="ZooKeeper",
        latency_min_milliseconds=0,
        latency_avg_milliseconds=5.3947,
        latency_max_milliseconds=66,
        outstanding_requests=0,
        alive_connections=3,
        znode_count=110,
        zxid="0x10000007d",
    )
    keeper = parse_srvr(recorded.KEEPER_SRVR, WHERE)
    assert (keeper.product, keeper.role, keeper.zxid) == ("ClickHouse Keeper", "follower", "0x24")
    assert (keeper.latency_avg_milliseconds, keeper.latency_max_milliseconds) == (1, 9)


def test_stat_reads_as_srvr() -> None:
    assert parse_srvr(recorded.ZOOKEEPER_STAT, WHERE).role == "leader"


@pytest.mark.parametrize("parse", [parse_mntr, parse_srvr])
def test_a_member_without_quorum_is_not_serving(parse: Callable[[str, str], KeeperNode]) -> None:
    assert parse(recorded.ZOOKEEPER_NOT_SERVING, WHERE) == KeeperNode("not serving", product="ZooKeeper")
    assert parse(recorded.KEEPER_NOT_SERVING, WHERE).role == "not serving"


def test_a_read_only_member_is_known() -> None:
    found = parse_mntr(recorded.ZOOKEEPER_MNTR.replace("\tleader", "\tread-only"), WHERE)
    assert (found.role, found.is_read_only) == ("read-only", True)


@pytest.mark.parametrize("parse", [parse_mntr, parse_srvr])
def test_what_is_no_keeper_is_an_error_that_can_be_drawn(parse: Callable[[str, str], KeeperNode]) -> None:
    with pytest.raises(ConnectError, match="neither ZooKeeper nor Keeper") as caught:
        parse("HTTP/1.1 400 Bad Request\r\n\x1b]0;owned\x07\r\n" * 50, WHERE)
    assert caught.value.kind == "not_keeper"
    assert not UNSAFE.search(caught.value.line)
    assert len(caught.value.line) < 200


def test_sessions_of_zookeeper() -> None:
    sessions, count = parse_cons(recorded.ZOOKEEPER_CONS, 10)
    assert [(found.sid, found.client) for found in sessions] == [
        ("0x10000b1c2170002", "127.0.0.1:60450"),
        ("0x10000b1c2170001", "0:0:0:0:0:0:0:1:60460"),
    ]
    assert count == 2
    first, second = sessions
    assert (first.outstanding_requests, first.received, first.sent) == (1, 103, 105)
    assert (first.latency_avg_milliseconds, first.latency_max_milliseconds) == (4, 66)
    assert (first.last_operation, second.last_operation) == ("PING", "")
    assert first.established_at == datetime(2026, 11, 22, 12, 2, 10, 424000, UTC)
    assert first.timeout_milliseconds == 5000


def test_sessions_of_clickhouse_keeper_without_the_connections_that_have_none() -> None:
    sessions, count = parse_cons(recorded.KEEPER_CONS, 10)
    assert [(found.sid, found.client, found.last_operation) for found in sessions] == [
        ("0x1", "192.168.1.1:52042", "List")
    ]
    assert count == 1


def test_sessions_beyond_the_limit_are_counted() -> None:
    line = " /10.0.0.1:{}[1](queued=0,recved=1,sent=1,sid=0x{:x})\n"
    text = "".join(line.format(index, index + 1) for index in range(100))
    sessions, count = parse_cons(text, 7)
    assert (len(sessions), count) == (7, 100)


def test_peers_in_every_way_they_are_written() -> None:
    found = parse_conf(recorded.ZOOKEEPER_CONF)
    assert found.server_id == 1
    assert found.peers == (
        Peer(1, "127.0.0.1", None, True),
        Peer(2, "zk-2.example", 2182, True),
        Peer(3, "fd00::3", 2183, False),
    )
    assert parse_conf(recorded.KEEPER_CONF) == (1, ())
    assert parse_peers(recorded.KEEPER_CONFIG_ZNODE) == (
        Peer(1, "keeper-1", None, True),
        Peer(2, "keeper-2", None, True),
        Peer(3, "keeper-3", None, False),
    )
    assert parse_peers("server.5=a:1:2|b:1:2:participant;2181") == (Peer(5, "a", 2181, True),)


def test_the_admin_server_tells_the_same() -> None:
    found = node_of(recorded.ADMIN_MONITOR, "admin server", "ZooKeeper")
    assert (found.role, found.version, found.source) == ("standalone", "3.8.0", "admin server")
    assert (found.znode_count, found.data_size_bytes, found.uptime_seconds) == (5, 44, 4.927)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.8.0-${mvngit.commit.id}, built on 2024", "3.8.0"),
        ("3.5.9-83df9301aa5c2a5d284a9940177808c01bc35cef, built on 01/06/2021 19:49 GMT", "3.5.9"),
        ("v24.8.4.13-lts-53195bc189bc9a9bd1c3b0aed5a1f1a3a1c2f3d4", "24.8.4.13-lts"),
        ("x" * 10_000, "x" * 40),
        ("", ""),
    ],
)
def test_versions_are_told_without_the_build(text: str, expected: str) -> None:
    assert clean_version(text) == expected


@pytest.mark.parametrize(
    "value", ["", "nan", "inf", "1e400", "9" * 500, "0x10", "1_000", "٣", None, [], "-", "1.2.3"]
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert number(value) is None
    assert whole(value) is None


def test_numbers() -> None:
    assert (number("5.25"), number("-3"), number("1.0E-5"), whole("2.0"), whole("2.5")) == (
        5.25,
        -3,
        1e-5,
        2,
        None,
    )
    assert whole("9e99") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0x0000000000000001", "0x1"),
        (-1, "0xffffffffffffffff"),
        (144115951541616640, "0x20000b1c21b0000"),
        ("0x" + "f" * 17, ""),
        ("lots", ""),
        (None, ""),
    ],
)
def test_session_ids_have_one_form(value: object, expected: str) -> None:
    assert hexadecimal(value) == expected


def test_instants_out_of_range_are_none() -> None:
    assert instant(10**18) is None
    assert instant(-1) is None
    assert instant(1) == datetime(1970, 1, 1, 0, 0, 0, 1000, UTC)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_answers_are_records_or_errors_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    for text in recorded.ALL.values():
        damaged = list(text)
        for _ in range(chance.randrange(1, 30)):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randrange(3)] = chance.choices(
                "\0\x1b\n\t=:;,()[]{}|/9-.e\u202e\x85\ud800", k=3
            )
        broken = "".join(damaged)
        parse_cons(broken, 100)
        parse_conf(broken)
        for parse in (parse_mntr, parse_srvr):
            outcome = told(parse, broken)
            if isinstance(outcome, ConnectError):
                assert not UNSAFE.search(outcome.line)
            else:
                assert outcome.role in (*ROLES, "not serving")


def told(parse: Callable[[str, str], KeeperNode], text: str) -> KeeperNode | ConnectError:
    try:
        return parse(text, WHERE)
    except ConnectError as error:
        return error


def test_a_huge_answer_is_bounded() -> None:
    peers = "\n".join(f"server.{index}=host-{index}:1:2" for index in range(10_000))
    assert len(parse_peers(peers)) == 99
    assert parse_peers("server.1=" + "h" * 300 + ":1:2") == ()
