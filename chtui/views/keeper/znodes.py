"""A znode: its children and its data, drawn inert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chtui.monitor.keeper_probes import CONNECTION
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER
from chtui.records.keeper import Znode
from chtui.text import format_bytes, format_count, sanitize, sanitize_block
from chtui.views.lines import line_rows
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Piece
from chtui.views.table import Cell, Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class ZnodeFact:
    """A znode."""

    path: str
    name: str
    children: int
    data_size_bytes: int
    version: int
    created_at: datetime
    modified_at: datetime
    ephemeral_owner: str
    zxid: str


@dataclass(frozen=True, slots=True)
class ZnodeLineFact:
    """One line of a znode's data."""

    line: int
    text: str


def _znode_wants(subject: Subject) -> tuple[Want, ...]:
    return (Want("znode", args=(("path", subject[0]),)), Want(CONNECTION))


def _znodes(snapshot: Snapshot, subject: Subject) -> tuple[Znode, ...]:
    return snapshot.rows(KEEPER, _znode_wants(subject)[0].key)


def child_facts(snapshot: Snapshot, subject: Subject) -> tuple[ZnodeFact, ...]:
    """Return the znode's children, by name."""
    found = _znodes(snapshot, subject)[1:]
    return tuple(sorted((_znode(row) for row in found), key=lambda fact: fact.name))


def _znode(row: Znode) -> ZnodeFact:
    return ZnodeFact(
        row.path, row.name, row.children, row.data_size_bytes, row.version, row.created_at, row.modified_at,
        row.ephemeral_owner, row.zxid,
    )  # fmt: skip


def data_facts(snapshot: Snapshot, subject: Subject) -> tuple[ZnodeLineFact, ...]:
    """Return the lines of the znode's own data, made safe to draw."""
    found = _znodes(snapshot, subject)
    if not found or not found[0].data:
        return ()
    lines = sanitize_block(found[0].data).split("\n")
    return tuple(ZnodeLineFact(index + 1, text) for index, text in enumerate(lines))


CHILD_COLUMNS = (
    Column("name", "NAME", max_width=60, help="the znode's name; enter opens it"),
    Column("children", "CHILDREN", True, help="how many znodes are below it"),
    Column("data_size_bytes", "SIZE", True, help="bytes of data"),
    Column("version", "VERSION", True, help="how often its data was changed"),
    Column("modified_at", "MODIFIED", help="when its data was changed last, by the ensemble's clock"),
    Column("created_at", "CREATED", help="when it was made, by the ensemble's clock"),
    Column("ephemeral_owner", "OWNER", help="the session it ends with; empty if it stays"),
)
DATA_COLUMNS = (
    Column("line", "LINE", True, help="line of the data"),
    Column("text", "DATA", max_width=400, help="the data as text; what is none is shown as ?"),
)


def child_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[ZnodeFact]) -> tuple[Row, ...]:
    """Return a row for each child."""
    return tuple(
        Row(
            fact.path,
            (
                cell(fact.name, "accent" if fact.children else ""),
                number(fact.children, format_count),
                number(fact.data_size_bytes, format_bytes),
                number(fact.version, format_count),
                _instant(fact.modified_at),
                _instant(fact.created_at),
                cell(fact.ephemeral_owner, "muted"),
            ),
            link=Link("znode", (fact.path,)),
            copy=fact.path,
        )
        for fact in facts
    )


def _instant(instant: datetime) -> Cell:
    return Cell(instant.astimezone().strftime("%Y-%m-%d %H:%M:%S %z"), "", instant.timestamp())


def data_rows(snapshot: Snapshot, subject: Subject, facts: Sequence[ZnodeLineFact]) -> tuple[Row, ...]:
    """Return a row for each line."""
    found = _znodes(snapshot, subject)
    whole = sanitize_block(found[0].data or "") if found else ""
    return line_rows(facts, whole)


def znode_heading(snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return the path and the znode's own figures."""
    pieces = [Piece(sanitize(subject[0]), "accent")]
    if found := _znodes(snapshot, subject):
        own = found[0]
        pieces.append(
            Piece(f"{format_count(own.children)} children, {format_bytes(own.data_size_bytes)}", "")
        )
        if own.ephemeral_owner:
            pieces.append(Piece(f"ephemeral, session {sanitize(own.ephemeral_owner)}", "muted"))
        if own.is_data_cut:
            pieces.append(Piece("only the beginning of the data is shown", "warning"))
    return tuple(pieces)


PAGES = (
    Page(
        "znode",
        (
            Part(
                "children",
                "children",
                ZnodeFact,
                CHILD_COLUMNS,
                _znode_wants,
                child_facts,
                child_rows,
                {CONNECTION: ()},
                empty="no children",
            ),
            Part(
                "data",
                "data",
                ZnodeLineFact,
                DATA_COLUMNS,
                _znode_wants,
                data_facts,
                data_rows,
                {CONNECTION: ()},
                empty="no data",
            ),
        ),
        subject=("path",),
        heading=znode_heading,
    ),
)
