"""The self test's pure parts: its cases, its results, its figures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chtui.cli.migrating.arguments import share
from chtui.demo.selftest import case, cases, summary
from chtui.demo.selftest.case import Case
from chtui.demo.selftest.points import POINTS, Blow, stage_of
from chtui.demo.selftest.verdicts import EXACT, FAILED, Results, Verdict, read
from chtui.errors import UsageError

VERDICT = Verdict(
    case="modern/killed/wizard/copy/sent",
    rig="modern",
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
FAILURE = replace(
    VERDICT,
    case="modern/killed/wizard/drop/done",
    stage="drop",
    seconds=7.0,
    missing=7,
    extra=2,
    aggregates=1,
    manual_steps=3,
    verdict=FAILED,
    detail="why\nand \x1b[31mwhere",
)
STAGES = {"schema", "snapshot", "stage", "copy", "assemble", "states", "publish", "drop"}


def test_quick_cases_are_24_of_all_in_which_every_stage_point_and_victim_meet() -> None:
    found = cases.quick()
    assert set(found) <= set(cases.all_cases(cases.EMBEDDED, 0))
    assert len(found) == len(set(found)) == 24
    assert {each.stage for each in found} == STAGES
    assert {each.kind for each in found} == set(cases.KINDS)
    for one, other, number in (("stage", "point", 24), ("stage", "victim", 24), ("point", "victim", 9)):
        assert len({(getattr(each, one), getattr(each, other)) for each in found}) == number
    for victim in cases.EMBEDDED.victims:
        assert sum(each.victim == victim for each in found) == 8
    assert {(each.stage, each.point) for each in found if each.is_hung} == {
        (stage, POINTS[1]) for stage in cases.QUICK_HUNG
    }


def test_all_cases_are_killed_hung_together_and_recovery() -> None:
    found = cases.chosen(cases.ALL, 0, "", (1, 1))
    groups = [each.group for each in found]
    assert {name: groups.count(name) for name in set(groups)} == {
        "killed": 99,
        "hung": 31,
        "together": 9,
        "recovery": 11,
    }


def test_cases_are_chosen_by_name_and_share() -> None:
    found = cases.chosen(cases.QUICK, 3, "", (1, 1))
    assert found[:24] == cases.quick()
    assert [each.group for each in found[24:]] == ["random"] * 3
    shares = [cases.chosen(cases.QUICK, 3, "", (number, 4)) for number in (1, 2, 3, 4)]
    assert sorted(each.name for share in shares for each in share) == sorted(each.name for each in found)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [each.name for each in cases.chosen(cases.QUICK, 0, "wizard/copy", (1, 1))] == [
        "killed/wizard/copy/before"
    ]
    assert cases.chosen(cases.QUICK, 0, "nobody", (1, 1)) == []


def test_random_cases_are_the_same_for_the_same_seed() -> None:
    rig = cases.EMBEDDED
    assert cases.at_random(rig, 50) == cases.at_random(rig, 200)[:50]
    assert all(0 < each.at_ratio < 1 for each in cases.at_random(rig, 200))
    other = cases.at_random(rig, 50, seed=7)
    assert [each.at_ratio for each in other] != [each.at_ratio for each in cases.at_random(rig, 50)]
    names = {each.name for each in (*other, *cases.at_random(rig, 50))}
    assert len(names) == 100, "results of one seed must not pass for those of another"


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "1", "a/b", ""])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse says what is wrong
        share(text)
    assert share("2/3") == (2, 3)


@pytest.mark.parametrize(
    ("statement", "stage"),
    [
        ("CREATE TABLE IF NOT EXISTS `v1`.`chtui_x_v1_1` AS `v1`.`events`", "snapshot"),
        ("ALTER TABLE `v1`.`chtui_x_v1_1` ATTACH PARTITION ID '1' FROM `v1`.`events`", "assemble"),
        ("ALTER TABLE `v1`.`chtui_x_v1_1` REPLACE PARTITION ID '1' FROM `v1`.`events`", "link"),
        ("CREATE TABLE IF NOT EXISTS `v2`.`chtui_x_1` AS `v2`.`events_local`", "stage"),
        ("INSERT INTO `v2`.`chtui_x_1` SELECT", "copy"),
        ("INSERT INTO `v2`.`chtui_x_agg_1` SELECT", "states"),
        ("ALTER TABLE `v2`.`events_local` REPLACE PARTITION ID '1' FROM `v2`.`chtui_x_1`", "publish"),
        ("ALTER TABLE `v2`.`events_daily_local` REPLACE PARTITION ID '1' FROM `x`", "publish states"),
        ("DROP TABLE IF EXISTS `v2`.`chtui_x_1`", "drop"),
    ],
)
def test_the_stage_of_a_statement(statement: str, stage: str) -> None:
    assert stage_of(statement) == stage


def test_a_case_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = Case(
        "x",
        str(tmp_path),
        {"127.0.0.1:1": "127.0.0.1:2"},
        [2],
        1,
        "admin",
        "word",
        blows=(Blow("copy", "sent", 2, [3], 9),),
    )
    assert case.read(told.write()) == (told, told.spec())
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())


def test_results_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    results = Results(file)
    results.add(VERDICT)
    with file.open("a") as stream:
        stream.write('{"case": "torn')
    assert read(file) == [VERDICT]
    with pytest.raises(UsageError, match="has results already"):
        Results(file)
    again = Results(file, resumes=True)
    again.add(FAILURE)
    assert read(file) == again.verdicts == [VERDICT, FAILURE]
    Results(tmp_path / "new.jsonl", resumes=True).add(VERDICT)
    assert read(tmp_path / "new.jsonl") == [VERDICT]


@pytest.mark.parametrize("text", ["no JSON\n", "[]\n", '{"case": 1}\n', "\n", "\x00\n"])
def test_results_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps(asdict(VERDICT)) + "\n" + text)
    with pytest.raises(UsageError, match=rf"{file}:2: this is no verdict"):
        Results(file, resumes=True)


def test_a_verdict_of_other_types_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps({**asdict(VERDICT), "seconds": "5"}) + "\n")
    with pytest.raises(UsageError, match="this is no verdict"):
        read(file)


def test_results_that_cannot_be_kept_are_refused_beforehand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be kept: No such file"):
        Results(tmp_path / "none" / "results.jsonl")
    with pytest.raises(UsageError, match="cannot be kept: Is a directory"):
        Results(tmp_path)
    with pytest.raises(UsageError, match="nothing to go on with"):
        Results(None, resumes=True)
    assert Results(None).verdicts == []


def test_figures_are_counted_by_group_and_by_stage() -> None:
    found = summary.document([VERDICT, FAILURE], seed=4, generated_at="now", kept="")
    assert found["schema"] == "chtui/1 migrate selftest"
    assert (found["cases"], found["failed"], found["median_seconds"], found["worst_seconds"]) == (
        2,
        1,
        6.0,
        7.0,
    )
    assert (found["missing"], found["extra"], found["aggregates"], found["manual_steps"]) == (7, 2, 1, 3)
    assert [(each["group"], each["victim"], each["cases"]) for each in found["groups"]] == [
        ("killed", "wizard", 2)
    ]
    assert [(each["stage"], each["failed"]) for each in found["stages"]] == [("copy", 0), ("drop", 1)]
    assert [each["case"] for each in found["failures"]] == [FAILURE.case]
    assert found["kept"] is None
    nothing = summary.document([], seed=4, generated_at="now", kept="")
    assert (nothing["cases"], nothing["median_seconds"]) == (0, None)
    json.dumps(found, allow_nan=False)


def test_lines_and_tables_fit_80_columns() -> None:
    verdicts = [
        replace(
            VERDICT,
            case=f"modern/{fault.name}",
            group=fault.group,
            stage=fault.stage,
            victim=fault.victim,
            seconds=239.99,
            starts=12,
        )
        for fault in cases.all_cases(cases.EMBEDDED, 200)
    ]
    # Before a verdict stands how many there are.
    assert max(len(f"350/350 {summary.line(each)}") for each in verdicts) <= 80
    table = summary.table([*verdicts, *verdicts])
    assert max(map(len, table)) <= 80
    assert table[-1].split()[:5] == ["all,", "on", "26.9.2.1", "700", "0"]
    assert summary.table([]) == ["no case was done"]


def test_a_failed_case_tells_what_is_wrong_in_one_line() -> None:
    assert summary.line(FAILURE) == (
        f"failed {'killed/wizard/drop/done':<44}   7.0 s  2 starts  7 missing, 2 extra, 1 aggregates  why and ?[31mwhere"
    )
