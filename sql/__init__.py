"""The SQL chtui sends, one statement a file, and the reader of the files' headers.

A file is a header of `--` lines and one statement. The header's first paragraph says what the statement gives; then come
`params:` and `columns:` (name, type, unit, with two blanks or more between them), `needs:`, `cost:` and `engines:` on a line each. A select line that ends in
`-- optional: database.table.column` is replaced by a typed NULL on a server that lacks the column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

OPTIONAL = re.compile(
    r"^(?P<indent>\s*)(?P<expression>.+?)\s+AS\s+(?P<name>\w+)(?P<comma>,?)\s*--\s*optional:\s*(?P<needs>[\w.]+)$"
)
PLACEHOLDER = re.compile(r"\{(?P<name>\w+):(?P<type>[^{}]+)\}")
SECTION = re.compile(r"^(params|columns|cost|engines|needs):\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A parameter or a result column as its header declares it."""

    name: str
    type: str
    """ClickHouse's own type name."""
    unit: str = ""
    """`s`, `B`, `1/s` and the like; empty for a count, a name or an instant."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL file."""

    name: str
    """Folder and file without suffix: `monitor/host_state`."""
    text: str
    """The statement without its header."""
    purpose: str
    params: tuple[Column, ...] = ()
    columns: tuple[Column, ...] = ()
    cost: str = ""
    """`cheap`, `moderate` or `costly`, and why."""
    engines: str = ""
    """The oldest server version the text runs on, as `18.16+`."""
    needs: frozenset[str] = field(default_factory=frozenset)
    """System tables (`system.parts`) and columns (`system.parts.rows`) without which the statement has no answer."""

    def optional_needs(self) -> frozenset[str]:
        """Return the `database.table.column` names whose absence turns a result column into NULL."""
        found = (OPTIONAL.match(line) for line in self.text.splitlines())
        return frozenset(match["needs"] for match in found if match)

    def adapted(self, absent: Collection[str]) -> tuple[str, dict[str, str]]:
        """Return the text for a server that lacks `absent` (`database.table.column` names), and why each NULL is one.

        The second value maps a result column to its reason.
        """
        types = {column.name: column.type for column in self.columns}
        lines: list[str] = []
        missing: dict[str, str] = {}
        for line in self.text.splitlines():
            match = OPTIONAL.match(line)
            if match is None:
                lines.append(line)
            elif match["needs"] in absent:
                name = match["name"]
                missing[name] = f"this server has no {match['needs']}"
                bare = (
                    types[name].removeprefix("Nullable(").removesuffix(")")
                    if types[name].startswith("Nullable(")
                    else types[name]
                )
                lines.append(f"{match['indent']}CAST(NULL, 'Nullable({bare})') AS {name}{match['comma']}")
            else:
                lines.append(f"{match['indent']}{match['expression']} AS {match['name']}{match['comma']}")
        return "\n".join(lines), missing

    def about(self, statement: str) -> Statement:
        """Return this statement with another one in the place of its parameter `{statement:Statement}`.

        `statement` must be text a server itself has written of one statement it could parse.
        """
        return replace(self, text=self.text.replace("{statement:Statement}", statement), params=())

    def bound(self, text: str, literals: Mapping[str, str]) -> str:
        """Return `text` with every `{name:Type}` replaced by its literal, for servers that bind no parameters.

        Raises:
            KeyError: a parameter has no literal.
        """
        return PLACEHOLDER.sub(lambda match: literals[match["name"]], text)


def parse(name: str, source: str) -> Statement:
    """Return the statement in `source`, the text of the file called `name`.

    Raises:
        ValueError: the header is malformed.
    """
    lines = source.splitlines()
    body_start = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    purpose: list[str] = []
    values: dict[str, str] = {}
    tables: dict[str, list[Column]] = {"params": [], "columns": []}
    section = ""
    for line in lines[:body_start]:
        text = line.removeprefix("--")
        match = SECTION.match(text.strip())
        if match and not text.startswith("   "):
            section = match[1]
            values[section] = match[2].strip()
        elif section in tables:
            words = re.split(r"\s{2,}", text.strip(), maxsplit=2)
            if len(words) < 2:
                raise ValueError(f"{name}: header line has no type: {line}")
            tables[section].append(Column(words[0], words[1], words[2] if len(words) > 2 else ""))
        elif section:
            values[section] += " " + text.strip()
        else:
            purpose.append(text.strip())
    return Statement(
        name=name,
        text="\n".join(lines[body_start:]).strip().rstrip(";"),
        purpose=" ".join(purpose).strip(),
        params=tuple(tables["params"]),
        columns=tuple(tables["columns"]),
        cost=values.get("cost", ""),
        engines=values.get("engines", ""),
        needs=frozenset(values.get("needs", "").replace(",", " ").split()),
    )


@cache
def load(name: str) -> Statement:
    """Return the statement of `NAME.sql` below this folder (`monitor/host_state`).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its header is malformed.
    """
    return parse(name, (files(__name__) / f"{name}.sql").read_text(encoding="utf-8"))


def names(folder: str) -> list[str]:
    """Return the names of all statements in one folder, sorted."""
    return sorted(
        f"{folder}/{entry.name.removesuffix('.sql')}"
        for entry in (files(__name__) / folder).iterdir()
        if entry.name.endswith(".sql")
    )


def through(statement: Statement) -> Statement:
    """Return `statement` as one that asks every host of a cluster through one of them (`monitor/through`)."""
    outer = load("monitor/through")
    return Statement(
        name=f"{statement.name} through",
        text=outer.text.replace("{probe}", statement.text),
        purpose=statement.purpose,
        params=outer.params + statement.params,
        columns=outer.columns + statement.columns,
        cost=statement.cost,
        engines=outer.engines,
        needs=statement.needs,
    )
