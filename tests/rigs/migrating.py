"""The self test's small migration as tests need it: on either rig, and with writers that go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chtui import sql
from chtui.demo.options import SOURCE_CLUSTER
from chtui.demo.selftest import case
from chtui.migrate.spec import DdlMode, Flavour, Hook, Spec

SPEC = Path(sql.__file__).parent / "demo" / "selftest.toml"
HOOKS = ("dual_write_on", "dual_write_off", "pause_writers", "resume_writers")
LATENESS_SECONDS = 4.0
"""How late writers of a rig may be."""


@dataclass(frozen=True)
class Case(case.Case):
    """One run on a rig, and what befalls it."""

    flavour: str = "plain"
    ddl: str = "per_host"
    source_cluster: str = SOURCE_CLUSTER
    hooks_url: str = ""
    """Where writers are switched, paused and resumed; empty for none, and a v1 that is still."""
    hooks: Sequence[str] = HOOKS

    def spec(self) -> Spec:
        """What it migrates."""
        found = super().spec()
        target = replace(
            found.target,
            flavour=Flavour(self.flavour),
            ddl=DdlMode(self.ddl),
            keeper_path="/clickhouse/tables/{shard}/{database}/{table}",
        )
        found = replace(found, source=replace(found.source, cluster=self.source_cluster), target=target)
        if not self.hooks_url:
            return found
        tables = found.tables
        if target.flavour is Flavour.REPLICATED:
            # 18.16 cannot write through a Distributed table that has MATERIALIZED columns.
            events = {**tables[0].columns, "size": "UInt64 ALIAS length(id)"}
            tables = (replace(tables[0], columns=events), *tables[1:])
        return replace(
            found,
            tables=tables,
            hooks={name: Hook(url=f"{self.hooks_url}/{name}", body="{}") for name in self.hooks},
            limits=replace(found.limits, watermark_after_seconds=4.0, watermark_align_seconds=1),
            retention=replace(found.retention, lateness_seconds=LATENESS_SECONDS),
        )
