"""What a rehearsal makes of a spec, and which parts it takes rows of."""

from __future__ import annotations

import re

import pytest

from chtui.demo.rehearsal.fitting import fitted
from chtui.demo.rehearsal.sample import parts_pattern, spread
from chtui.migrate import spec_file
from chtui.migrate.spec import DdlMode, Flavour, Hook, Spec
from chtui.records import HostId
from tests.support import replace

HOST = HostId("127.0.0.1", 9000)
PLAIN = "Replicated engines and ON CLUSTER: tables are plain ones here, made host by host"


@pytest.fixture
def spec() -> Spec:
    return spec_file.shipped("otel_v2")


def test_the_shipped_spec_keeps_its_tiers(spec: Spec) -> None:
    found = fitted(spec, HOST)
    assert found.left_out[0] == PLAIN
    assert not any("policy" in text for text in found.left_out)
    target = found.spec.target
    assert (target.flavour, target.ddl, target.policy) == (Flavour.PLAIN, DdlMode.PER_HOST, "tiered_storage")
    assert [table.moves for table in found.spec.tables] == [table.moves for table in spec.tables]
    assert any(table.moves for table in spec.tables)
    assert found.spec.source.host == HOST
    assert not found.spec.hooks


@pytest.mark.parametrize("policy", ["another", "tiered_storage"])
def test_a_policy_the_cluster_lacks_goes_with_its_moves(spec: Spec, policy: str) -> None:
    tables = tuple(replace(table, moves=("Timestamp TO DISK 'it''s'",)) for table in spec.tables)
    tables = spec.tables if policy == "another" else tables
    changed = replace(spec, target=replace(spec.target, policy=policy), tables=tables)
    found = fitted(changed, HOST)
    assert f"storage policy {policy} and moves to its volumes" in found.left_out
    assert found.spec.target.policy == ""
    assert not any(table.moves for table in found.spec.tables)


def test_hooks_are_called_by_nobody(spec: Spec) -> None:
    changed = replace(spec, hooks={"dual_write_on": Hook(url="http://localhost/")})
    found = fitted(changed, HOST)
    assert "hooks, and with them dual writing and the cutover: dual_write_on" in found.left_out


@pytest.mark.parametrize(
    ("partition_id", "part", "is_of_it"),
    [
        ("202610", "202610_1_1_0", True),
        ("202610", "20261001_20261031_1_1_0", True),
        ("20261001", "20261001_5_7_2", True),
        ("1", "1_5_5_0", True),
        ("1", "10_5_5_0", False),
        ("1", "101_12_12_0", False),
        ("all", "all_1_9_2_15", True),
        ("a.l", "all_1_9_2", False),
    ],
)
def test_parts_are_told_by_their_partition(partition_id: str, part: str, is_of_it: bool) -> None:
    assert bool(re.search(parts_pattern(partition_id), part)) is is_of_it


@pytest.mark.parametrize(
    ("number", "chosen"), [(1, "e"), (2, "ae"), (3, "ace"), (4, "abde"), (5, "abcde"), (9, "abcde")]
)
def test_partitions_are_taken_from_the_first_to_the_last(number: int, chosen: str) -> None:
    assert "".join(spread(list("abcde"), number)) == chosen
    assert spread([], number) == []
