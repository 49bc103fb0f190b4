"""The fault matrix as a list: nothing of it is left out, twice in it, or struck where nothing happens; and its figures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.faults import cases, control, matrix, summary
from tests.faults.carrying import EXACT, FAILED, Verdict
from tests.rigs.faults_rigs import MODERN, REPLICATED

VERDICT = Verdict(
    case="modern/killed/wizard/copy/sent",
    rig=MODERN,
    version="26.9.2.1",
    group="killed",
    stage="copy",
    kind="copy",
    point="sent",
    victim="wizard",
    is_hung=False,
    struck=1,
    seconds=5.0,
    starts=2,
    missing=0,
    extra=0,
    aggregates=0,
    left_over=0,
    manual_steps=0,
    verdict=EXACT,
)


@pytest.mark.parametrize(("rig", "victims", "least"), [(MODERN, 3, 72), (REPLICATED, 4, 96)])
def test_every_stage_point_and_victim_is_struck(rig: str, victims: int, least: int) -> None:
    found = cases.killed(rig)
    assert len({each.stage for each in found}) == 8
    assert len({(each.stage, each.point, each.victim) for each in found}) == 8 * 3 * victims == least
    assert len(found) == len({(each.kind, each.point, each.victim) for each in found}) == 11 * 3 * victims


@pytest.mark.parametrize("rig", [MODERN, REPLICATED])
def test_cases_have_names_of_their_own(rig: str) -> None:
    names = [each.name for each in cases.all_cases(rig, 200)]
    assert len(names) == len(set(names))


def test_random_cases_are_the_same_each_time() -> None:
    assert cases.at_random(MODERN, 50) == cases.at_random(MODERN, 200)[:50]
    assert cases.at_random(MODERN, 50) != cases.at_random(REPLICATED, 50)
    assert all(0 < each.at_ratio < 1 for each in cases.at_random(MODERN, 200))


def test_the_control_is_struck_by_every_kind_of_kill() -> None:
    struck = {(each.victim, each.point, each.is_hung) for each in control.all_cases()}
    assert {(blow[0], blow[1], blow[2]) for blow in control.BLOWS} | {("", "", False)} == struck
    assert len({each.name for each in control.all_cases()}) == len(control.all_cases())


def test_results_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("")
    assert matrix.main(["--results", str(file)]) == 2
    assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        matrix.main(["--shard", text])


def test_shares_are_all_of_it() -> None:
    names = [each.name for each in cases.all_cases(MODERN, 20)]
    shares = [matrix.share(names, (number, 3)) for number in (1, 2, 3)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        VERDICT,
        replace(VERDICT, case="2", seconds=7.0),
        replace(VERDICT, case="3", seconds=9.0, verdict=FAILED, missing=1),
        replace(VERDICT, case="4", group="control", stage="stops", verdict=control.WRONG, extra=12),
    ]
    file = tmp_path / "results.jsonl"
    file.write_text("".join(json.dumps(asdict(each)) + "\n" for each in lines) + '{"case": "torn')
    assert summary.show([file]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["modern", "killed", "copy", "wizard", "3", "1", "7.0", "9.0"]
    assert printed[-1].split() == ["modern", "stops", "wizard", "1", "1", "0", "12", "0"]
    file.write_text(json.dumps(asdict(VERDICT)) + "\n")
    assert summary.show([file]) == 0
