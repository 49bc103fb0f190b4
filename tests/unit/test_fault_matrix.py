"""The fault matrix as a list: nothing of it is left out, twice in it, or struck where nothing happens; and its figures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chtui.demo.selftest import cases
from chtui.demo.selftest.cases import Setting
from tests.faults import control, matrix
from tests.rigs.faults_rigs import REPLICATED, SETTINGS
from tests.unit.test_selftest import FAILURE, VERDICT


@pytest.mark.parametrize(("rig", "least"), [(cases.EMBEDDED, 72), (REPLICATED, 96)])
def test_every_stage_point_and_victim_is_struck(rig: Setting, least: int) -> None:
    found, victims = cases.killed(rig), len(rig.victims)
    assert len({each.stage for each in found}) == 8
    assert len({(each.stage, each.point, each.victim) for each in found}) == 8 * 3 * victims == least
    assert len(found) == len({(each.kind, each.point, each.victim) for each in found}) == 11 * 3 * victims


@pytest.mark.parametrize("rig", SETTINGS.values())
def test_cases_have_names_of_their_own(rig: Setting) -> None:
    names = [each.name for each in cases.all_cases(rig, 200)]
    assert len(names) == len(set(names))


def test_random_cases_of_two_rigs_differ() -> None:
    assert cases.at_random(cases.EMBEDDED, 50) != cases.at_random(REPLICATED, 50)


def test_the_control_is_struck_by_every_kind_of_kill() -> None:
    struck = {(each.victim, each.point, each.is_hung) for each in control.all_cases()}
    assert {(blow[0], blow[1], blow[2]) for blow in control.BLOWS} | {("", "", False)} == struck
    assert len({each.name for each in control.all_cases()}) == len(control.all_cases())


def test_results_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("something")
    assert matrix.main(["--results", str(file)]) == 2
    assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        matrix.main(["--shard", text])


def test_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        VERDICT,
        FAILURE,
        replace(VERDICT, case="4", group="control", stage="stops", verdict=control.WRONG, extra=12),
    ]
    file = tmp_path / "results.jsonl"
    file.write_text("".join(json.dumps(asdict(each)) + "\n" for each in lines) + '{"case": "torn')
    assert matrix.main(["--summary", str(file)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == cases.MODERN
    assert printed[2].split() == ["killed", "wizard", "2", "1", "7", "2", "1", "3", "6.0", "7.0"]
    assert printed[-1].split() == ["modern", "stops", "wizard", "1", "1", "0", "12", "0"]
    file.write_text(json.dumps(asdict(VERDICT)) + "\n")
    assert matrix.main(["--summary", str(file)]) == 0
