"""A plan as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from chtui.text import format_bytes, one_line, plural, sanitize_block


def to_text(document: Mapping[str, Any]) -> str:
    """Return what a plan's document says, a fact a line; `document` is `plan.to_document`'s."""
    return "\n".join(_lines(document))


def summary(document: Mapping[str, Any]) -> str:
    """Return what a person is shown before it is carried out: how much, from where, to where."""
    groups, shards = document["groups"], plural(len(document["shards"]), "shard")
    cells, slices = sum(len(each["hosts"]) for each in groups), sum(len(each["slices"]) for each in groups)
    size, made = format_bytes(document["bytes_on_disk"]), plural(len(document["schema_statements"]), "object")
    cut = f"{plural(len(groups), 'partition')} in {plural(slices, 'slice')}, {plural(cells, 'chunk')} to publish"
    cluster = f"cluster {one_line(document['cluster'])}, {document['flavour']} tables on {shards}"
    return "\n".join(
        (
            f"plan {document['hash']}",
            f"spec {one_line(document['spec'])}: {plural(document['rows'], 'row')}, {size} on v1's disks",
            f"from {document['source_host']} to {cluster}",
            f"{cut}; {made} of v2",
        )
    )


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"plan {document['hash']}"
    yield f"spec {document['spec']}: {document['rows']} rows, {format_bytes(document['bytes_on_disk'])} on v1's disks"
    yield f"from {document['source_host']} to cluster {document['cluster']}, {document['flavour']} tables"
    for shard in document["shards"]:
        low, high = shard["slots"]
        yield f"  shard {shard['shard_num']}: slots {low} to {high - 1}, {', '.join(shard['hosts'])}"
    yield from _departures(document)
    yield ""
    yield "schema, in this order:"
    for made in document["schema_statements"]:
        yield f"-- {made['kind']} {made['object']}"
        yield from _statement(made["statement"])
    yield ""
    yield "copies, one for each slice and shard; SNAPSHOT and STAGING are named anew by every attempt:"
    for copied in document["copy_statements"]:
        yield f"-- {copied['source']} to {copied['table']}, shard {copied['shard_num']}, for example {copied['example']}"
        yield from _statement(copied["statement"])
    yield ""
    yield from _groups(document)


def _departures(document: Mapping[str, Any]) -> Iterator[str]:
    if document["deviations"]:
        yield ""
        yield "departures from the plan's text:"
    for each in document["deviations"]:
        yield f"  {one_line(each['object'])}: {one_line(each['what'])}"
        yield f"    because {one_line(each['why'])}"
    if document["drops"] or document["not_mapped"]:
        yield ""
        yield "left behind:"
    for each in document["drops"]:
        accepted = "accepted" if each["accepted"] else "NOT ACCEPTED"
        yield f"  column {one_line(each['table'])}.{one_line(each['column'])}: {accepted}"
    for name, why in document["not_mapped"].items():
        yield f"  {one_line(name)}: {one_line(why)}"


def _statement(text: str) -> Iterator[str]:
    yield from sanitize_block(text).splitlines()
    yield ";"


def _groups(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'TABLE':<24}  {'PARTITION':<12}  {'ROWS':>14}  {'BYTES':>10}  {'SLICES':>6}  PULLED BY"
    for table, members in groupby(document["groups"], key=lambda group: str(group["table"])):
        found = list(members)
        for group in found:
            yield (
                f"{one_line(table):<24}  {group['partition_id']:<12}  {group['rows']:>14}  "
                f"{format_bytes(group['bytes_on_disk']):>10}  {len(group['slices']):>6}  {', '.join(group['hosts'])}"
            )
        rows, size = sum(group["rows"] for group in found), sum(group["bytes_on_disk"] for group in found)
        yield f"{one_line(table):<24}  {'all':<12}  {rows:>14}  {format_bytes(size):>10}"
