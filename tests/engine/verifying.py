"""What tests of a verification share: a small migration that is done, with one replica that is damaged and made whole again."""

from __future__ import annotations

import re
from typing import NamedTuple

from chtui.migrate import verify
from chtui.migrate.layout import Ground
from chtui.migrate.verification import Verification
from tests.rigs.migrating import Case
from tests.support import ModernRig

VICTIM = 1
"""The second replica of the first shard: all damage is done there."""
OTHER = 3
"""A replica of the other shard."""
TABLES = ("events", "clicks", "events_daily")
GIVEN = "ts, day, id, kind, value, note"


class Migrated(NamedTuple):
    """A migration that is done."""

    rig: ModernRig
    case: Case
    ground: Ground

    @property
    def database(self) -> str:
        return self.case.target_database

    def query(self, index: int, text: str) -> str:
        return self.rig.query(index, re.sub(r"\bv2\.", f"{self.database}.", text)).rstrip("\n")

    def damage(self, *statements: str) -> None:
        """Run statements on the victim; mutations are waited for."""
        for statement in statements:
            is_mutation = statement.startswith("ALTER")
            self.query(VICTIM, statement + (" SETTINGS mutations_sync = 1" if is_mutation else ""))

    def row(self, condition: str = "1") -> str:
        """The time of a row the victim has, as seconds: the only row of its hour unless the condition says otherwise."""
        return self.query(
            VICTIM,
            f"SELECT toUnixTimestamp(ts) FROM v2.events_local GROUP BY ts HAVING count() = 1 AND min({condition}) "
            "ORDER BY ts LIMIT 1 OFFSET 3",
        )

    def verify(self, until_seconds: float | None = None) -> Verification:
        """Verify the table that is damaged, and its aggregate."""
        return verify.run(self.ground, tables=("events",), until_seconds=until_seconds)

    def restore(self) -> None:
        """Put back on the victim what was kept."""
        for name in TABLES:
            local, kept = f"v2.{name}_local", f"v2.{name}_kept"
            ids = "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = '{}' AND table = '{}'"
            there = self.query(VICTIM, ids.format(self.database, f"{name}_local")).split()
            own = self.query(VICTIM, ids.format(self.database, f"{name}_kept")).split()
            for key in set(there) - set(own):
                self.query(VICTIM, f"ALTER TABLE {local} DROP PARTITION ID '{key}'")
            for key in own:
                self.query(VICTIM, f"ALTER TABLE {local} REPLACE PARTITION ID '{key}' FROM {kept}")


def keep(case: Case, rig: ModernRig) -> None:
    """Keep what the victim has, by hard links."""
    for name in TABLES:
        local, kept = (f"{case.target_database}.{name}_{end}" for end in ("local", "kept"))
        rig.query(VICTIM, f"CREATE TABLE {kept} AS {local}")
        ids = rig.query(
            VICTIM,
            f"SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = '{case.target_database}' "
            f"AND table = '{name}_local'",
        )
        for key in ids.split():
            rig.query(VICTIM, f"ALTER TABLE {kept} ATTACH PARTITION ID '{key}' FROM {local}")
