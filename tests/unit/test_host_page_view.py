"""One host's page, as facts and rows of records made by hand."""

from __future__ import annotations

import pytest

from chtui.errors import UsageError
from chtui.records import HostLimits, HostMetrics, HostTable, PartsSummary, ServerError, ServerWarning
from chtui.text import NEVER_SECONDS
from chtui.views import host_page
from chtui.views.pages import table
from chtui.views.table import Link
from tests.support import replace
from tests.unit.hand import A, B, blank, good
from tests.unit.test_replica_view import part_of, seen

HOST = (str(A),)


def test_tables_of_a_host() -> None:
    plain = blank(HostTable, database="shop", table="plain", engine="MergeTree", parts=3)
    replicated = replace(
        plain, table="copy", engine="ReplicatedMergeTree", is_replicated=True, queue_entries=2
    )
    never = replace(replicated, table="never", absolute_delay_seconds=NEVER_SECONDS)
    found = seen(host_tables=good(plain, replicated, never))
    facts = host_page.table_facts(found, HOST)
    assert [(fact.table, fact.is_readonly, fact.never_synced, fact.absolute_delay_seconds, fact.queue_entries) for fact in facts] == [
        ("plain", None, None, None, None), ("copy", False, False, 0, 2), ("never", False, True, None, 2),
    ]  # fmt: skip
    links = [row.link for row in table(part_of("host"), found, HOST).rows]
    assert links == [
        Link("table", ("shop", "plain")),
        Link("replica", ("shop", "copy")),
        Link("replica", ("shop", "never")),
    ]


def test_errors_that_grew_come_first_and_warnings_last() -> None:
    old = blank(ServerError, name="OLD", code=1, errors=5, last_error_age_seconds=9)
    grown = blank(ServerError, name="GROWN", code=2, errors=7, last_error_age_seconds=99)
    restarted = blank(ServerError, name="FEWER", code=3, errors=1, last_error_age_seconds=5)
    before = good(old, replace(grown, errors=4), replace(restarted, errors=8), age=5)
    found = seen(
        server_errors=good(old, grown, restarted, previous=before),
        server_warnings=good(ServerWarning("beware")),
    )
    facts = host_page.trouble_facts(found, HOST)
    assert [(fact.kind, fact.name, fact.count, fact.new) for fact in facts] == [
        ("error", "GROWN", 7, 3), ("error", "FEWER", 1, None), ("error", "OLD", 5, 0), ("warning", None, None, None),
    ]  # fmt: skip
    assert facts[3].message == "beware"
    assert [fact.new for fact in host_page.trouble_facts(seen(server_errors=good(old)), HOST)] == [None]
    assert len(table(part_of("host", "errors"), found, HOST).rows) == 4


def test_figures_of_a_host_have_units_or_a_reason() -> None:
    now = blank(
        HostMetrics,
        uptime_seconds=60,
        queries=3,
        memory_bytes=2048,
        queries_total=50,
        cpu_microseconds_total=3_000_000,
    )
    before = now._replace(uptime_seconds=50, queries_total=20, cpu_microseconds_total=1_000_000)
    found = seen(
        host_metrics=good(now, previous=good(before, age=10)),
        host_load=good()._replace(unavailable="no such table here"),
        host_limits=good(HostLimits(100, None)),
        parts_summary=good(blank(PartsSummary, active_parts=12)),
    )
    facts = {fact.name: fact for fact in host_page.figure_facts(found, HOST)}
    assert (facts["memory"].value, facts["memory"].unit, facts["memory"].why) == (2048, "B", None)
    assert (facts["queries"].value, facts["queries"].unit) == (3.0, "1/s")
    assert (facts["query threads"].value, facts["query threads"].unit) == (0.2, "cores")
    assert (facts["CPU user"].value, facts["CPU user"].why) == (None, "no such table here")
    assert facts["memory limit"].why == "the server does not measure it"
    assert facts["running queries limit"].value == 100
    rows = {
        row.cells[0].text: [cell.text for cell in row.cells[1:]]
        for row in table(part_of("host", "figures"), found, HOST).rows
    }
    assert rows["memory"] == ["2.0 KiB", ""]
    assert rows["queries"] == ["3.00/s", ""]
    assert rows["uptime"] == ["1m", ""]
    assert rows["CPU user"] == ["-", "no such table here"]
    once = {fact.name: fact.why for fact in host_page.figure_facts(seen(host_metrics=good(now)), HOST)}
    assert once["queries"] == "needs two samples"


@pytest.mark.parametrize("name", ["", "host", "host:", ":9000", "host:x", "host:²"])
def test_what_is_no_host_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no host"):
        part_of("host").wants((name,))


def test_the_heading_says_whether_the_host_is_in_the_cluster() -> None:
    assert [piece.text for piece in host_page.heading(seen(), HOST)] == [str(A), "up", "0 tables"]
    assert [piece.text for piece in host_page.heading(seen(), (str(B),))] == [f"{B} is not in the cluster"]
