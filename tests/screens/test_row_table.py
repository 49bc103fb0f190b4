from __future__ import annotations

from textual.app import App, ComposeResult
from textual.geometry import Region

from chtui.views.table import Arrangement, Cell, Column, Row, Table
from chtui.widgets.row_table import RowTable
from tests.support import replace

COLUMNS = (Column("name", "NAME"), Column("size", "SIZE", right=True), Column("why", "WHY", max_width=200))


def rows(count: int, shift: int = 0) -> Table:
    return Table(
        COLUMNS,
        tuple(
            Row(f"row {n}", (Cell(f"row {n}", sort=n), Cell(f"{n} KiB", sort=-n), Cell("x" * 150)))
            for n in range(shift, count + shift)
        ),
    )


class Bench(App[None]):
    """One table and nothing else; it notes what is redrawn."""

    def compose(self) -> ComposeResult:
        """Build the table."""
        yield Spied(COLUMNS, frozen=1)


class Spied(RowTable):
    """A table that remembers which regions it was asked to draw again."""

    regions: list[Region | None]

    def refresh(self, *regions: Region, **options: bool) -> Spied:
        """Note the regions; none means everything."""
        if not hasattr(self, "regions"):
            self.regions = []
        self.regions.extend(regions or (None,))
        return super().refresh(*regions, **options)


def text(table: RowTable, line: int) -> str:
    return "".join(segment.text for segment in table.render_line(line))


async def test_five_thousand_rows_draw_only_what_is_seen() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(RowTable)
        table.show(table.prepared(rows(5000)))
        await pilot.pause()
        table.move_to(4999)
        await pilot.pause()
        assert "row 4999" in text(table, 23)
        assert table.scroll_offset.y == 5000 - 23


async def test_a_changed_cell_redraws_its_own_cells_only() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(Spied)
        table.show(table.prepared(rows(100)))
        await pilot.pause()
        before = rows(100)
        changed = replace(
            before.rows[5], cells=(before.rows[5].cells[0], Cell("6 KiB", sort=-6), before.rows[5].cells[2])
        )
        table.regions.clear()
        table.show(table.prepared(replace(before, rows=(*before.rows[:5], changed, *before.rows[6:]))))
        assert len(table.regions) == 1
        region = table.regions[0]
        assert region is not None
        assert (region.y, region.height) == (6, 1)
        assert region.width < 12


async def test_the_cursor_keeps_its_place_on_screen_when_rows_come_in_above() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(RowTable)
        table.show(table.prepared(rows(100, 50)))
        await pilot.pause()
        table.move_to(30)
        await pilot.pause()
        line = table.row_index - table.scroll_offset.y
        table.show(table.prepared(rows(150)))
        await pilot.pause()
        assert table.row is not None
        assert table.row.key == "row 80"
        assert table.row_index - table.scroll_offset.y == line


async def test_the_cursor_stays_near_when_its_row_goes() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(RowTable)
        table.show(table.prepared(rows(10)))
        await pilot.pause()
        table.move_to(9)
        table.show(table.prepared(rows(4)))
        await pilot.pause()
        assert table.row is not None
        assert table.row.key == "row 3"
        table.show(table.prepared(rows(0)))
        await pilot.pause()
        assert not table.table.rows
        assert "nothing to show" in text(table, 2)


async def test_the_first_column_stays_while_the_others_scroll() -> None:
    app = Bench()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show(table.prepared(rows(20)))
        await pilot.pause()
        table.move_to(0, 2)
        await pilot.pause()
        assert table.scroll_offset.x > 0
        assert "row 3" in text(table, 4)
        assert "3 KiB" not in text(table, 4)
        table.move_to(0, 0)
        await pilot.pause()
        assert "3 KiB" in text(table, 4)


async def test_sorting_is_kept_when_other_rows_come() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(RowTable)
        table.rearrange(Arrangement(sort="size"))
        table.show(table.prepared(rows(10)))
        await pilot.pause()
        assert [row.key for row in table.table.rows][:2] == ["row 9", "row 8"]
        stale = (rows(20), rows(20), Arrangement())
        table.show(stale)
        assert table.table.rows[0].key == "row 19", "a table built before the order changed is put in order"


async def test_every_line_is_as_wide_as_the_widget() -> None:
    app = Bench()
    async with app.run_test(size=(57, 12)) as pilot:
        table = app.query_one(RowTable)
        wide = Table(COLUMNS, (Row("1", (Cell("表" * 30), Cell("1"), Cell("é" * 70))), *rows(20).rows))
        table.show(table.prepared(wide))
        await pilot.pause()
        for column in range(3):
            table.move_to(0, column)
            await pilot.pause()
            assert {table.render_line(line).cell_length for line in range(12)} == {57}
