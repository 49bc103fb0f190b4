"""What preflight says of a spec itself, where writers go on."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from chtui.migrate import spec_file
from chtui.migrate.preflight import design
from chtui.migrate.preflight.findings import Severity
from chtui.migrate.spec import Retries, Spec


def changed(**fields: object) -> Spec:
    """The shipped spec with another first table."""
    spec = spec_file.shipped("otel_v2")
    return replace(spec, tables=(replace(spec.tables[0], **fields), *spec.tables[1:]))  # type: ignore[arg-type]


def test_live_rows_are_told_from_the_backfills_by_time_alone() -> None:
    assert design.judge_owners(spec_file.shipped("otel_v2")) == []
    wrong = changed(partition_by="(ServiceName, toYYYYMM(Date))")
    (finding,) = design.judge_owners(wrong)
    assert (finding.severity, finding.object) == (Severity.BLOCKER, "traces")
    assert "needs ServiceName" in finding.what
    assert "partition by Timestamp alone" in finding.remedy
    assert design.judge_owners(replace(wrong, hooks=MappingProxyType({}))) == [], "v1 is still"


def test_what_cannot_be_carried_out_is_no_choice() -> None:
    assert {found.severity for found in design.judge_retries(changed())} == {Severity.NOTE}
    first, *others = design.judge_retries(changed(retries=Retries.COLLAPSE))
    assert first.severity is Severity.BLOCKER
    assert 'retries = "keep"' in first.remedy
    assert {found.severity for found in others} == {Severity.NOTE}
