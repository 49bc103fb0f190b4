"""Figures of the fault matrix's results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.faults.carrying import EXACT, Verdict

Line = Mapping[str, Any]
HEAD = "{:<11}{:<12}{:<10}{:<18}{:>6}{:>8}{:>8}{:>8}"
ROW = "{:<11}{:<12}{:<10}{:<18}{:>6}{:>8}{:>8.1f}{:>8.1f}"
CONTROL_HEAD = "{:<11}{:<12}{:<18}{:>6}{:>8}{:>9}{:>9}{:>12}"


def line(verdict: Verdict) -> str:
    """Return a verdict as one line of text."""
    told = f"{verdict.verdict:<7} {verdict.case:<52} {verdict.seconds:6.1f} s {verdict.starts} starts"
    if verdict.verdict == EXACT:
        return told
    counts = f"{verdict.missing} missing, {verdict.extra} extra, {verdict.aggregates} aggregates"
    return f"{told} {counts} {' '.join(verdict.detail.split())[:300]}"


def read(files: Iterable[Path]) -> list[Line]:
    """Return all lines of results; a last one that is not whole is left out: its case was not done."""
    found = []
    for file in files:
        for text in file.read_text().splitlines(keepends=True):
            if text.endswith("\n"):
                found.append(json.loads(text))
    return found


def show(files: Sequence[Path]) -> int:
    """Print the figures; return 0 where every case held."""
    lines = read(files)
    own = [each for each in lines if each["group"] != "control"]
    print(HEAD.format("rig", "group", "stage", "victim", "cases", "failed", "median", "worst s"))
    for key, members in _grouped(
        own, lambda each: (each["rig"], each["group"], each["stage"], _victim(each))
    ):
        print(_row(key, members))
    for rig, members in _grouped(own, lambda each: (each["rig"],)):
        print(_row((rig[0], "all", "", ""), members))
    controls = [each for each in lines if each["group"] == "control"]
    if controls:
        print("\nthe control: the plan's script")
        print(
            CONTROL_HEAD.format("rig", "script", "victim", "cases", "wrong", "missing", "extra", "aggregates")
        )
    for key, members in _grouped(controls, lambda each: (each["rig"], each["stage"], _victim(each))):
        sums = [sum(each[name] for each in members) for name in ("missing", "extra", "aggregates")]
        print(CONTROL_HEAD.format(*key, len(members), _failed(members), *sums))
    return int(any(each["verdict"] != EXACT for each in own))


def _victim(each: Line) -> str:
    return f"{each['victim']}{' hung' * each['is_hung']}"


def _failed(lines: Sequence[Line]) -> int:
    return sum(each["verdict"] != EXACT for each in lines)


def _row(key: Sequence[str], lines: Sequence[Line]) -> str:
    seconds = [each["seconds"] for each in lines]
    return ROW.format(*key, len(lines), _failed(lines), median(seconds), max(seconds))


def _grouped(
    lines: Iterable[Line], key: Callable[[Line], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Line]]]:
    """Lines by key, in the order in which keys come first."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for each in lines:
        found.setdefault(key(each), []).append(each)
    return list(found.items())
