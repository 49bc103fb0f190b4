"""Figures of verdicts: over all, by what was done to whom, by stage; as text of 80 columns and as JSON holds them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from chtui.demo.selftest.verdicts import EXACT, Verdict
from chtui.text import one_line, plural

HEAD = "{:<21} {:>6}{:>7}{:>8}{:>6}{:>7}{:>8}{:>7}{:>8}"
ROW = "{:<21} {:>6}{:>7}{:>8}{:>6}{:>7}{:>8}{:>7.1f}{:>8.1f}"
TITLES = ("cases", "failed", "missing", "extra", "totals", "by hand", "median", "worst s")
DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Figures:
    """What verdicts come to."""

    cases: int
    failed: int
    missing: int
    """Rows, over replicas."""
    extra: int
    """Rows, over replicas."""
    aggregates: int
    """Keys whose count or sum is wrong, over replicas."""
    left_over: int
    """Tables and statements of runs that were still there."""
    manual_steps: int
    median_seconds: float | None
    """None without a case."""
    worst_seconds: float | None
    """None without a case."""


def figures(verdicts: Sequence[Verdict]) -> Figures:
    """Return the figures of some verdicts."""
    seconds = [each.seconds for each in verdicts]
    return Figures(
        cases=len(verdicts),
        failed=sum(each.verdict != EXACT for each in verdicts),
        missing=sum(each.missing for each in verdicts),
        extra=sum(each.extra for each in verdicts),
        aggregates=sum(each.aggregates for each in verdicts),
        left_over=sum(each.left_over for each in verdicts),
        manual_steps=sum(each.manual_steps for each in verdicts),
        median_seconds=round(median(seconds), 2) if seconds else None,
        worst_seconds=max(seconds, default=None),
    )


def line(verdict: Verdict) -> str:
    """Return a verdict as one line of text, without the rig."""
    name = verdict.case.partition("/")[2]
    told = f"{verdict.verdict:<6} {name:<44}{verdict.seconds:6.1f} s  {plural(verdict.starts, 'start')}"
    if verdict.verdict == EXACT:
        return told
    counts = f"{verdict.missing} missing, {verdict.extra} extra, {verdict.aggregates} aggregates"
    return f"{told}  {counts}  {one_line(verdict.detail, DETAIL_CHARACTERS)}"


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the figures as lines of text: by group and victim, by stage, over all."""
    if not verdicts:
        return ["no case was done"]
    found = [HEAD.format("what, whom", *TITLES)]
    found += [_row(" ".join(key), figures(members)) for key, members in grouped(verdicts, _who)]
    stages = [each for each in verdicts if each.stage]
    if stages:
        found += ["", HEAD.format("stage", *TITLES)]
        found += [
            _row(key[0], figures(members)) for key, members in grouped(stages, lambda each: (each.stage,))
        ]
    versions = ", ".join(sorted({each.version for each in verdicts}))
    return [*found, "", _row(f"all, on {versions}", figures(verdicts))]


def document(verdicts: Sequence[Verdict], *, seed: int, generated_at: str, kept: str) -> dict[str, Any]:
    """Return the figures as JSON holds them; `kept` is where folders of failed cases are, empty for none."""
    return {
        "schema": "chtui/1 migrate selftest",
        "generated_at": generated_at,
        "clickhouse_versions": sorted({each.version for each in verdicts}),
        "seed": seed,
        **asdict(figures(verdicts)),
        "groups": [
            {"group": group, "victim": victim, **asdict(figures(members))}
            for (group, victim), members in grouped(verdicts, _who)
        ],
        "stages": [
            {"stage": stage, **asdict(figures(members))}
            for (stage,), members in grouped(verdicts, lambda each: (each.stage,))
            if stage
        ],
        "failures": [asdict(each) for each in verdicts if each.verdict != EXACT],
        "kept": kept or None,
    }


def grouped(
    verdicts: Sequence[Verdict], key: Callable[[Verdict], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Verdict]]]:
    """Return verdicts by key, in the order in which keys come first."""
    found: dict[tuple[str, ...], list[Verdict]] = {}
    for each in verdicts:
        found.setdefault(key(each), []).append(each)
    return list(found.items())


def _who(verdict: Verdict) -> tuple[str, str]:
    return verdict.group, verdict.victim


def _row(name: str, found: Figures) -> str:
    told: Mapping[str, Any] = asdict(found)
    counts = [told[key] for key in ("cases", "failed", "missing", "extra", "aggregates", "manual_steps")]
    return ROW.format(name, *counts, found.median_seconds or 0.0, found.worst_seconds or 0.0)
