"""What ClickHouse 18.16 and 26.9 say of entries in replication queues, the DDL queue and fetches, as rows a statement can read.

The exceptions of 18.16 were seen on its own rig; the other texts are those in the two engines' binaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chtui.fleet.literal import quote_string
from chtui.sql import Statement
from tests.support import replace

GET, MERGE, MUTATE = "GET_PART", "MERGE_PARTS", "MUTATE_PART"
BACKOFF = "Not executing log entry queue-1 of type GET_PART because recently it has failed. According to exponential backoff policy, put aside this log entry for 8000 ms."
POOL = "Not executing log entry queue-1 of type MERGE_PARTS for part p because source parts size (9.00 GiB) is greater than the current maximum (1.00 GiB)."
LOST = "Code: 234, e.displayText() = DB::Exception: No active replica has part p or covering part, e.what() = DB::Exception"
REFUSED = (
    "Code: 210. DB::NetException: Connection refused (10.0.0.1:9009). (NETWORK_ERROR) (version 26.9.2.1)"
)


class Said(NamedTuple):
    """An entry of a queue, and the cause that has to come of it."""

    cause: str
    exception: str = ""
    reason: str = ""
    type: str = GET
    executing: bool = False
    tries: int = 3
    tried: int = 5
    """Seconds since it was tried, 0 for never."""
    put_off: int = 0
    """Seconds since it was put off, 0 for never."""


def _postponed(cause: str, reason: str, kind: str = GET) -> Said:
    return Said(cause, reason=reason, type=kind, tries=0, tried=0, put_off=2)


SAID: tuple[Said, ...] = (
    # How an entry stands.
    Said("executing", executing=True, tries=1),
    Said("executing", "Code: 236, e.displayText() = DB::Exception: Fetching of part was cancelled", executing=True, tried=30),
    Said("fetches stopped", "Code: 236, e.displayText() = DB::Exception: Fetching of part was cancelled", executing=True, tried=1),
    Said("not tried yet", tries=0, tried=0),
    Said("between tries"),
    Said("fetch failing", REFUSED, executing=True),
    # Which of two texts counts.
    Said("fetch failing", REFUSED, BACKOFF, tried=500, put_off=1),
    Said("merge failing", REFUSED, POOL, MERGE, tried=30, put_off=1),
    Said("waiting on merge pool", REFUSED, POOL, MERGE, tried=90, put_off=1),
    Said("between tries", reason=POOL, type=MERGE, tried=5, put_off=50),
    # Exceptions.
    Said("no replica has the part", LOST),
    Said("no replica has the part", "Code: 234. DB::Exception: No active replica has part p or covering part (cannot execute queue-1: GET_PART). (NO_REPLICA_HAS_PART)"),
    Said("fetches stopped", "Code: 236, e.displayText() = DB::Exception: Fetching of part was cancelled, e.what() = DB::Exception"),
    Said("disk full", "Code: 243. DB::Exception: Cannot reserve 1.00 GiB, not enough space. (NOT_ENOUGH_SPACE)", type=MERGE),
    Said("disk full", "Code: 243. DB::Exception: Not enough space for merging parts. (NOT_ENOUGH_SPACE)", type=MERGE),
    Said("disk full", "Code: 27. DB::Exception: Cannot write to file: errno: 28, strerror: No space left on device", type=MERGE),
    Said("Keeper failing", "Code: 999. Coordination::Exception: Session expired. (KEEPER_EXCEPTION)"),
    Said("memory limit", "Code: 241. DB::Exception: Memory limit (total) exceeded: would use 9 GiB. (MEMORY_LIMIT_EXCEEDED)", type=MERGE),
    Said("data damaged", "Code: 40. DB::Exception: Checksum doesn't match: corrupted data. (CHECKSUM_DOESNT_MATCH)"),
    Said("waiting on another entry", "Code: 384. DB::Exception: Part p is temporarily locked. (PART_IS_TEMPORARILY_LOCKED)"),
    Said("mutation failing", "Code: 6. DB::Exception: Cannot parse string 'x' as UInt8. (CANNOT_PARSE_TEXT)", type=MUTATE),
    Said("other exception", "Code: 1001. std::exception: surprise", type="DROP_RANGE"),
    # Reasons.
    _postponed("fetches stopped", "Not executing fetch of part p because replicated fetches are cancelled now."),
    _postponed("waiting on fetch pool", "Not executing fetch of part p because 8 fetches already executing, max 8."),
    _postponed("waiting on fetch pool", "Not executing fetch of part p because fetches have already throttled by network settings <x>."),
    _postponed("waiting on another entry", "Not executing fetch of part p because we still have broken part with that name. Waiting for the broken part to be removed first."),
    _postponed("merges stopped", "Not executing log entry for part p because merges and mutations are cancelled now.", MERGE),
    _postponed("merges stopped", "Not executing log entry queue-1 for part p because merges with TTL are cancelled now.", MERGE),
    _postponed("waiting on merge pool", POOL, MERGE),
    _postponed("waiting on merge pool", "Not executing log entry queue-1 for part p because 2 merges with TTL already executing, maximum 2.", MERGE),
    _postponed("waiting on another replica", "Not executing merge for the part p, waiting for r2 to execute merge.", MERGE),
    _postponed("waiting on another replica", "Not executing merge/mutation for the part p, waiting for r2 to execute it and will fetch after.", MUTATE),
    _postponed("superseded", "Not executing queue-1 because it produces part p that is going to be dropped by q"),
    _postponed("superseded", "Not executing queue-1 of type GET_PART for part p (actual part p) because there is a drop or replace intent with part name q."),
    _postponed("waiting on another entry", "Not executing log entry queue-1 of type MERGE_PARTS for part p because part q is not ready yet (log entry for that part is being processed).", MERGE),
    _postponed("waiting on another entry", "Not executing log entry queue-1 of type GET_PART for part p (actual part p) because another log entry queue-0 of type GET_PART for the same part (p) is being processed."),
    _postponed("waiting on another entry", "Not executing log entry queue-1 for part p because it is not disjoint with part q that is currently executing."),
    _postponed("waiting on another entry", "Cannot execute alter data queue-1 with version 2 because metadata still not altered", MUTATE),
    _postponed("waiting on another entry", "Not executing log entry queue-1 of type DROP_PART for part p because it probably depends on queue-0 (REPLACE_RANGE).", "DROP_PART"),
    _postponed("postponed", BACKOFF),
    _postponed("postponed", "Not executing it because of something no version has said yet"),
)  # fmt: skip


def _row(index: int, said: Said) -> str:
    def ago(seconds: int) -> str:
        return f"now() - {seconds}" if seconds else "toDateTime(0)"

    values = {
        "database": "'d'",
        "table": "'t'",
        "replica_name": "'r1'",
        "node_name": f"'queue-{index:010d}'",
        "type": quote_string(said.type),
        "create_time": "now() - 600",
        "source_replica": "'r2'",
        "new_part_name": "'202601_1_1_0'",
        "is_currently_executing": f"toUInt8({int(said.executing)})",
        "num_tries": f"toUInt32({said.tries})",
        "last_exception": quote_string(said.exception),
        "last_attempt_time": ago(said.tried),
        "num_postponed": f"toUInt32({int(bool(said.put_off))})",
        "postpone_reason": quote_string(said.reason),
        "last_postpone_time": ago(said.put_off),
    }
    return "SELECT " + ", ".join(f"{value} AS {name}" for name, value in values.items())


def reading(statement: Statement, table: str, rows: Sequence[str]) -> Statement:
    """The statement, reading these rows (each a SELECT) where it reads `table`."""
    assert statement.text.count(f"FROM {table}") == 1
    return replace(
        statement, text=statement.text.replace(f"FROM {table}", f"FROM ({' UNION ALL '.join(rows)})")
    )


def queue_of(said: Sequence[Said]) -> list[str]:
    """The entries as rows of `system.replication_queue`."""
    return [_row(index, each) for index, each in enumerate(said)]
