"""The reference of what `show --json` prints, made of the pages' records; `python -m tests.json_docs` writes it anew."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from pathlib import Path

from chtui.views import fleet
from chtui.views.pages import Page, Part
from chtui.views.panes import PAGE_NAMES, page

TARGET = Path(__file__).resolve().parents[1] / "docs" / "json.md"
HEAD = """# What `chtui show --json` prints

Every answer is `{schema, generated_at, profile, cluster, hosts, rows, unavailable}`. `schema` is `chtui/1 PAGE` or `chtui/1 PAGE.PART`;
`hosts` has `{id, state, age_seconds, error}` for every host of the cluster; `unavailable` maps a key of the rows to the reason why it
is null, `*` for the rows of a host as a whole. Instants are RFC 3339 in UTC; ages are told by the server's clock. Keys carry their unit:
`_seconds`, `_milliseconds`, `_bytes`, `_ratio` (0 to 1 for a share), `_per_second`. What is not known is null. A key keeps its meaning as long as
`chtui/1` stands in the schema; further keys may come.

`chtui show PAGE[.PART] [SUBJECT ...]`: without a part the first one is printed. This file is made of the program's own records, and a
test holds it against them.
"""


def described(record: type) -> dict[str, str]:
    """Each field's docstring, empty where it has none."""
    tree = ast.parse(inspect.getsource(record)).body[0]
    assert isinstance(tree, ast.ClassDef)
    found, last = {item.name: "" for item in fields(record)}, ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last in found:
            found[last] = " ".join(str(node.value.value).split())
    return found


def json_type(annotation: str) -> str:
    """A field's type in JSON's words."""
    words = {
        "str": "string",
        "int": "integer",
        "float": "number",
        "bool": "boolean",
        "datetime": "instant",
        "None": "null",
    }
    parts = [part.strip() for part in annotation.split("|")]
    return " or ".join("list" if part.startswith("tuple") else words.get(part, "object") for part in parts)


def of_part(whole: Page, part: Part) -> list[str]:
    """The lines of one part."""
    name = whole.name if part.name == whole.name else f"{whole.name}.{part.name}"
    subject = "".join(f" {word.upper()}" for word in whole.subject)
    return of_record(f"{name}{subject}", part.record)


def of_record(name: str, record: type) -> list[str]:
    """The lines of one kind of row."""
    doc = " ".join((inspect.getdoc(record) or "").split())
    lines = [f"## `{name}`", "", doc, "", "| key | type | |", "|---|---|---|"]
    texts = described(record)
    for item in fields(record):
        text = texts[item.name].replace("|", "\\|")
        lines.append(f"| `{item.name}` | {json_type(str(item.type))} | {text} |")
    return [*lines, ""]


def reference() -> str:
    """The whole file."""
    lines = [HEAD]
    for name in PAGE_NAMES:
        whole = page(name)
        for part in whole.parts:
            lines.extend(of_part(whole, part))
    lines.extend(of_record("fleet", fleet.FleetFact))
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
