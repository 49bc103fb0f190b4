"""Every page: its parts fit together, and say what they are."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest

from chtui.commands import PANES
from chtui.monitor.keeper_probes import KEEPER_PROBES
from chtui.monitor.probes import PROBES
from chtui.profile.model import Intervals
from chtui.sql import load
from chtui.views.pages import Page, Part, notes, table, unavailable
from chtui.views.panes import PAGE_NAMES, page
from tests import json_docs
from tests.unit.hand import A, B, good, snapshot, status

PAGES = [page(name) for name in PAGE_NAMES]
PARTS = [pytest.param(whole, part, id=f"{whole.name}.{part.name}") for whole in PAGES for part in whole.parts]


def subject(whole: Page) -> tuple[str, ...]:
    return tuple("host:9000" if word == "host" else word for word in whole.subject)


def test_every_pane_is_a_page_without_a_subject() -> None:
    assert all(page(name).subject == () for name in PANES)


@pytest.mark.parametrize(("whole", "part"), PARTS)
def test_a_part_says_what_it_is(whole: Page, part: Part) -> None:
    assert is_dataclass(part.record)
    assert part.record.__doc__
    assert hasattr(part.record, "__slots__")
    keys = [column.key for column in part.columns]
    assert len(set(keys)) == len(keys)
    assert all(column.help for column in part.columns)
    names = {item.name for item in fields(part.record)}
    assert {name for known in part.fields.values() for name in known} <= names | {"*"}
    assert whole.part(part.name) is part


@pytest.mark.parametrize(("whole", "part"), PARTS)
def test_it_wants_probes_that_there_are(whole: Page, part: Part) -> None:
    wants = part.wants(subject(whole))
    assert {want.probe for want in wants} <= set(PROBES) | KEEPER_PROBES
    assert set(part.fields) <= set(PROBES) | KEEPER_PROBES
    for want in wants:
        if want.probe in PROBES:
            probe = PROBES[want.probe]
            assert hasattr(Intervals(), probe.interval)
            given = {name for name, _ in want.args} | ({"max_rows"} if probe.max_rows is not None else set())
            asked = probe.statements
            if probe.text_from:
                asked = (load(f"monitor/{probe.text_from}"),)
            for statement in asked:
                assert given <= {column.name for column in statement.params}, statement.name


@pytest.mark.parametrize(("whole", "part"), PARTS)
def test_without_anything_known_it_says_so(whole: Page, part: Part) -> None:
    about = subject(whole)
    assert table(part, snapshot(error="seed: refused"), about).empty == "seed: refused"
    nothing = snapshot(status(A), status(B))
    drawn = table(part, nothing, about)
    assert drawn.rows or drawn.empty
    assert isinstance(unavailable(part, nothing, about), dict)
    assert part.figures is None or isinstance(part.figures(nothing, about), tuple)


@pytest.mark.parametrize(("whole", "part"), PARTS)
def test_a_host_that_cannot_answer_is_named_with_its_reason(whole: Page, part: Part) -> None:
    about = subject(whole)
    keys = [
        want.key
        for want in part.wants(about)
        if want.probe in PROBES and part.fields.get(want.probe) != () and want.host is None
    ]
    if not keys:
        return
    samples = {(A, key): good()._replace(unavailable="no such table here") for key in keys}
    given = snapshot(status(A), status(B), samples={**samples, **{(B, key): good() for key in keys}})
    said = " ".join(piece.text for piece in notes(part, given, about))
    assert f"{A}: no such table here" in said


def test_the_reference_of_the_json_is_that_of_the_program() -> None:
    assert json_docs.TARGET.read_text(encoding="utf-8") == json_docs.reference(), (
        "run python -m tests.json_docs"
    )
