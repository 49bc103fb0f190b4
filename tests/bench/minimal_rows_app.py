"""The smallest Textual app with a table of 5,000 rows: what a key's way to the screen is measured against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Minimal(App[None]):
    """5,000 rows of ten columns."""

    def compose(self) -> ComposeResult:
        """Build the table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it."""
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns(*(f"COLUMN{n}" for n in range(10)))
        for row in range(5000):
            table.add_row(*(f"cell {row} {column}" for column in range(10)))


if __name__ == "__main__":
    Minimal().run(mouse=False)
