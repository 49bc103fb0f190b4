"""What preflight says of a spec itself, where writers go on."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from chtui.migrate import spec_file
from chtui.migrate.preflight import design, retries
from chtui.migrate.preflight.findings import Severity
from chtui.migrate.preflight.look import Feed, SourceColumn
from chtui.migrate.shape import shape_of
from chtui.migrate.spec import Retries, SourceTable, Spec, TableSpec


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


def test_retries_cannot_be_collapsed_while_writers_send_more() -> None:
    assert {found.severity for found in design.judge_retries(changed())} == {Severity.NOTE}
    first, *others = design.judge_retries(changed(retries=Retries.COLLAPSE))
    assert first.severity is Severity.BLOCKER
    assert "come to v2 twice" in first.what
    assert 'retries = "keep"' in first.remedy
    assert "dual_write_on" in first.remedy
    assert {found.severity for found in others} == {Severity.NOTE}


def test_retries_of_a_still_source_are_what_v2_cannot_tell_apart() -> None:
    still = replace(changed(retries=Retries.COLLAPSE, sources=(SourceTable("a"),)), hooks={})
    first, *_ = design.judge_retries(still)
    assert (first.severity, first.object) == (Severity.NOTE, "traces")
    assert "once" in first.what
    lossy = (SourceTable("a", drops={"Nonce": True}), SourceTable("b"))
    several = replace(changed(retries=Retries.COLLAPSE, sources=lossy), hooks={})
    first, second, *_ = design.judge_retries(several)
    assert "equal rows of a and b are not compared with each other" in first.what
    assert (second.severity, second.object) == (Severity.WARNING, "a > traces")
    assert second.evidence == "Nonce"


def fed(**mapping: str) -> Feed:
    table = TableSpec(
        "t",
        (source := SourceTable("old", mapping),),
        "at",
        {"at": "DateTime", "tenant": "String"},
        "1",
        "",
        "at",
    )
    types = {"at": "DateTime", "tenant": "String", "region": "String"}
    columns = tuple(SourceColumn(name, kind, "", "", 0) for name, kind in types.items())
    return Feed(table, source, columns, shape_of(table, source, types))


def test_equal_rows_lie_in_one_partition_of_v1_by_its_key_or_as_it_happens() -> None:
    assert retries.follows(fed(), "(toYYYYMM(at), `tenant`)")
    assert retries.follows(fed(), "tuple()")
    assert not retries.follows(fed(), "(toYYYYMM(at), region)")
    assert not retries.follows(fed(tenant="lower(tenant)"), "tenant")
    apart = [("1", "202601", 0, 5), ("2", "202601", 3600, 5), ("2", "202602", 0, 5)]
    assert retries.shared(apart) == 0
    assert retries.shared([*apart, ("3", "202601", 3600, 1)]) == 1
    assert retries.judge_partitions(fed(), "region", 0) == []
    (finding,) = retries.judge_partitions(fed(), "region", 2)
    assert (finding.severity, finding.object) == (Severity.BLOCKER, "old > t")
    assert "2 hours of v2 have rows in more than one" in finding.what
    assert "region" in finding.remedy
