"""Clusters, the choice of one, and where its hosts are asked."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from chtui.errors import ConfigError, UsageError
from chtui.fleet.topology import Address, address_of, choose, match_host, match_ports, to_clusters
from chtui.profile.endpoint import Endpoint
from chtui.records import Cluster, HostId
from tests.unit.hand import A, B, C, D, profile, replica

SEED = Endpoint("seed.example", 8124)
ROWS = [
    ("big", 1, 1, "ch1.example", 9000, 1),
    ("big", 1, 2, "ch2.example", 9000, 0),
    ("big", 2, 1, "ch3.example", 9000, 0),
    ("ring", 1, 1, "ch1.example", 9000, 1),
    ("ring", 1, 2, "ch2.example", 9000, 0),
    ("ring", 2, 1, "ch2.example", 9000, 0),
    ("ring", 2, 2, "ch1.example", 9000, 1),
    ("other", 1, 1, "ch1.example", 9001, 0),
]


def test_clusters_out_of_rows() -> None:
    found = to_clusters(ROWS)
    assert list(found) == ["big", "ring", "other"]
    assert found["big"].hosts == (A, B, C)
    assert found["big"].replicas[0] == replica(A, 1, 1, local=True, cluster="big")
    assert found["big"].replicas[2] == replica(C, 2, 1, cluster="big")
    assert to_clusters([]) == {}


def test_a_host_in_several_shards_is_one_host() -> None:
    assert to_clusters(ROWS)["ring"].hosts == (A, B)


def test_another_port_is_another_host() -> None:
    assert to_clusters(ROWS)["other"].hosts == (HostId("ch1.example", 9001),)


def test_the_wanted_cluster_is_chosen() -> None:
    assert choose(to_clusters(ROWS), "ring", "x").name == "ring"


def test_a_cluster_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        choose(to_clusters(ROWS), "no\x1bpe", "seed:8123")
    expected = "seed:8123: cluster 'no?pe' does not exist; the server knows: big, other, ring; choose one with --cluster"
    assert caught.value.line == expected


@pytest.mark.parametrize("wanted", [None, "c"])
def test_a_server_without_clusters_is_an_error(wanted: str | None) -> None:
    with pytest.raises(UsageError, match=r"knows no cluster|knows: none"):
        choose({}, wanted, "seed:8123")


def test_the_largest_cluster_that_holds_the_server_itself_is_chosen() -> None:
    made = {
        "small": Cluster("small", (replica(A, local=True),)),
        "own": Cluster("own", (replica(A, local=True), replica(B))),
        "huge": Cluster("huge", (replica(B), replica(C), replica(D))),
    }
    assert choose(made, None, "x").name == "own"
    assert choose({"huge": made["huge"]}, None, "x").name == "huge"


def test_clusters_of_one_size_are_chosen_by_name() -> None:
    made = {name: Cluster(name, (replica(A, local=True), replica(B))) for name in ("b", "a", "c")}
    made["ring"] = Cluster(
        "ring", (replica(A, local=True), replica(B), replica(A, 2, local=True), replica(B, 2))
    )
    assert choose(made, None, "x").name == "a"


def test_the_profiles_map_comes_first() -> None:
    mapped = profile(
        http_addresses=MappingProxyType({str(A): "mapped.example:1"}), http_template="{host_name}.template:2"
    )
    cached = {str(host): "cached.example:3" for host in (A, B)}
    assert address_of(A, mapped, SEED, cached) == Address(Endpoint("mapped.example", 1), "profile")
    assert address_of(B, mapped, SEED, cached) == Address(Endpoint("ch2.example.template", 2), "profile")


def test_without_a_word_of_the_profile_the_cache_and_then_the_seeds_port_say_where() -> None:
    cached = {str(A): "cached.example:3", str(B): "portless.example"}
    assert address_of(A, profile(), SEED, cached) == Address(Endpoint("cached.example", 3), "cache")
    assert address_of(B, profile(), SEED, cached) == Address(Endpoint("portless.example", 8124), "cache")
    assert address_of(C, profile(), SEED, cached) == Address(Endpoint("ch3.example", 8124), "seed port")


def test_a_host_of_ipv6_is_found_in_the_map_with_or_without_brackets() -> None:
    host = HostId("fd00::1", 9000)
    for key in ("[fd00::1]:9000", "fd00::1:9000"):
        mapped = profile(http_addresses=MappingProxyType({key: "[fd00::1]:8123"}))
        assert address_of(host, mapped, SEED, {}).endpoint == Endpoint("fd00::1", 8123)
    assert address_of(host, profile(), SEED, {str(host): "[fd00::1]:5"}).endpoint == Endpoint("fd00::1", 5)


def test_a_name_that_makes_no_address_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError):
        address_of(HostId("no host/at all", 9000), profile(http_template="{host_name}:1"), SEED, {})


@pytest.mark.parametrize(
    ("origin", "firm"),
    [("profile", True), ("proven", True), ("discovered", False), ("cache", False), ("seed port", False)],
)
def test_what_the_user_or_the_host_said_is_firm(origin: str, firm: bool) -> None:
    assert Address(SEED, origin).is_firm is firm


def shard(*hosts: HostId) -> Cluster:
    return Cluster("c", tuple(replica(host, 1, number + 1) for number, host in enumerate(hosts)))


def test_a_row_is_numbered_by_the_place_of_its_replica_in_the_cluster() -> None:
    made = Cluster("c", (replica(A, 1, 1), replica(B, 1, 2), replica(C, 2, 1), replica(D, 2, 2)))
    assert [match_host(made, number, "box", 9000) for number in (1, 2, 3, 4)] == [A, B, C, D]
    assert match_host(made, 5, "box", 9000) is None
    assert match_host(made, 3, "box", 9001) is None


def test_a_number_that_the_port_contradicts_gives_way_to_port_and_name() -> None:
    made = shard(HostId("127.0.0.1", 9001), HostId("127.0.0.1", 9002))
    assert match_host(made, 1, "box", 9002) == HostId("127.0.0.1", 9002)
    assert match_host(made, 1, "box", 9003) is None
    assert match_host(shard(A, HostId("CH2", 9000), C), 9, "ch2.example", 9000) == HostId("CH2", 9000)
    assert match_host(shard(A, B, C), 9, "ch1", 9000) == A
    assert match_host(shard(A, B, C), 9, "ch10", 9000) is None


def test_a_name_that_fits_two_hosts_is_unsure() -> None:
    made = shard(HostId("ch1.east", 9000), HostId("ch1.west", 9000))
    assert match_host(made, 0, "ch1", 9000) is None
    assert match_host(made, 0, "ch1.west", 9000) == HostId("ch1.west", 9000)


def test_ports_that_are_sure() -> None:
    made = Cluster("c", (replica(A, 1, 1), replica(B, 1, 2), replica(C, 2, 1)))
    rows = [(1, "ch1", 9000, 8001), (3, "whatever", 9000, 8003), (7, "unheard", 9000, 8004)]
    assert match_ports(made, rows) == {A: 8001, C: 8003}
