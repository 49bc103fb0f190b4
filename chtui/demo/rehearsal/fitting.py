"""A spec as the embedded cluster can hold it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from chtui.demo import render
from chtui.demo.options import CLUSTER, SOURCE_CLUSTER
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.records import HostId

MOVES_TO = re.compile(r"\bTO\s+(DISK|VOLUME)\s+'((?:[^'\\]|\\.)*)'", re.IGNORECASE)


class Fitted(NamedTuple):
    """A spec for the embedded cluster, and what of the one given it lacks."""

    spec: Spec
    left_out: tuple[str, ...]


def fitted(spec: Spec, source: HostId) -> Fitted:
    """Return a spec whose v1 is on a host of the embedded cluster and whose v2 is all of that.

    Its tables are plain ones, made host by host; nobody writes, reads or is asked meanwhile.
    """
    left_out: list[str] = []
    if spec.target.flavour is Flavour.REPLICATED:
        left_out.append("Replicated engines and ON CLUSTER: tables are plain ones here, made host by host")
    policy, tables = spec.target.policy, spec.tables
    if policy and not (policy in render.policies() and _lead_to(render.policies()[policy], spec)):
        left_out.append(f"storage policy {policy} and moves to its volumes")
        policy, tables = "", tuple(replace(table, moves=()) for table in tables)
    if spec.hooks:
        left_out.append(f"hooks, and with them dual writing and the cutover: {', '.join(sorted(spec.hooks))}")
    target = replace(
        spec.target,
        cluster=CLUSTER,
        flavour=Flavour.PLAIN,
        ddl=DdlMode.PER_HOST,
        policy=policy,
        keeper_path="",
    )
    return Fitted(
        replace(
            spec,
            source=replace(spec.source, host=source, cluster=SOURCE_CLUSTER, collection="", profile=""),
            target=target,
            tables=tables,
            hooks=MappingProxyType({}),
            # What throttles is about servers in use.
            limits=replace(spec.limits, free_space_ratio=0.0, query_p95_seconds=0.0, probe_url=""),
            policies=(),
            disks=MappingProxyType({}),
        ),
        tuple(left_out),
    )


def _lead_to(places: Iterable[str], spec: Spec) -> bool:
    """Whether there is every disk and volume rows are moved to."""
    wanted = {name for table in spec.tables for rule in table.moves for _, name in MOVES_TO.findall(rule)}
    return wanted <= set(places)
