"""The smallest Textual app with a table: what first paint is measured against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Minimal(App[None]):
    """Four rows of ten columns."""

    def compose(self) -> ComposeResult:
        """Build the table."""
        yield DataTable()

    def on_mount(self) -> None:
        """Fill it."""
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns(*(f"COLUMN{n}" for n in range(10)))
        for row in range(4):
            table.add_row(*(f"cell {row} {column}" for column in range(10)))


if __name__ == "__main__":
    Minimal().run(mouse=False)
