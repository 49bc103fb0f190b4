"""What tests of the storage pane share: tables with TTL on the first host, and what the pane and the engine say of them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.options import Effective
from chtui.views import storage
from chtui.views.storage.tables import TableVolumeFact
from chtui.views.storage.ttl import TtlFact
from tests.engine.fleets import collected
from tests.support import ModernRig, wait_until

(PAGE,) = storage.PAGES
DATABASE = "storage"
TTL = (
    "d + INTERVAL 1 DAY TO VOLUME 'cold_volume', d + INTERVAL 3 DAY TO VOLUME 'archive_volume', "
    "d + INTERVAL 6 DAY DELETE"
)


@contextmanager
def database(rig: ModernRig) -> Iterator[ModernRig]:
    """The rig with an empty database on its first host."""
    rig.query(0, f"CREATE DATABASE {DATABASE}")
    yield rig
    rig.heal()
    rig.query(0, f"DROP DATABASE {DATABASE} SYNC")


def wants(part: str) -> tuple[Want, ...]:
    found = PAGE.part(part)
    assert found is not None
    return found.wants(())


def look(found: Effective, part: str) -> Snapshot:
    """One look at what a part reads, when every host answers: on a busy machine one may miss a deadline."""

    def whole() -> Snapshot | None:
        snapshot = collected(found, wants(part))
        samples = [snapshot.sample(host.id, want.key) for host in snapshot.hosts for want in wants(part)]
        return snapshot if all(sample and sample.taken_at for sample in samples) else None

    seen: Snapshot = wait_until(whole, 120, f"an answer of every host to {part}")
    return seen


def facts(found: Effective, part: str) -> Sequence[Any]:
    """The facts of a part, of all hosts."""
    made = PAGE.part(part)
    assert made is not None
    return made.facts(look(found, part), ())


def ttl(rig: ModernRig, table: str) -> list[TtlFact]:
    return [
        fact for fact in facts(rig.effective(), "ttl") if (fact.database, fact.table) == (DATABASE, table)
    ]


def tables(rig: ModernRig, table: str) -> list[TableVolumeFact]:
    return [
        fact for fact in facts(rig.effective(), "tables") if (fact.database, fact.table) == (DATABASE, table)
    ]


def create(rig: ModernRig, rules: str, settings: str = "", stopped: str = "") -> str:
    """A table on the first host, with what it may not do by itself."""
    name = f"t{secrets.token_hex(4)}"
    rig.query(
        0,
        f"CREATE TABLE {DATABASE}.{name} (d DateTime, k UInt64, v String) ENGINE = MergeTree "
        f"PARTITION BY toDate(d) ORDER BY k TTL {rules} SETTINGS storage_policy = 'tiered_storage' {settings}",
    )
    for what in stopped.split(","):
        if what:
            rig.query(0, f"SYSTEM STOP {what.strip()} {DATABASE}.{name}")
    return name


def insert(rig: ModernRig, table: str, ages: str, count: int, size: int = 10) -> None:
    """Rows whose ages in seconds are an expression of `number`."""
    rig.query(
        0,
        f"INSERT INTO {DATABASE}.{table} SELECT now() - ({ages}), number, randomPrintableASCII({size}) "
        f"FROM numbers({count})",
    )


def parts(rig: ModernRig, table: str) -> list[dict[str, Any]]:
    """The active parts, as the engine tells them."""
    text = rig.query(
        0,
        "SELECT name, disk_name, rows, toInt64(bytes_on_disk) AS size, toInt64(delete_ttl_info_min) AS delete_min, "
        "toInt64(delete_ttl_info_max) AS delete_max, arrayMap(at -> toInt64(at), move_ttl_info.max) AS move_max, "
        "toInt64(now()) AS present FROM system.parts "
        f"WHERE active AND database = '{DATABASE}' AND table = '{table}' ORDER BY name "
        "FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0",
    )
    return [json.loads(line) for line in text.splitlines()]


def on_disks(rig: ModernRig, table: str) -> set[str]:
    return {part["disk_name"] for part in parts(rig, table) if part["rows"]}


def partition(rig: ModernRig, table: str) -> str:
    text = f"SELECT partition_id FROM system.parts WHERE active AND database = '{DATABASE}' AND table = '{table}'"
    return rig.query(0, f"{text} ORDER BY bytes_on_disk DESC LIMIT 1").strip()
