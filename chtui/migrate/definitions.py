"""Column definitions as CREATE TABLE has them: type, kind, expression, codec."""

from __future__ import annotations

from dataclasses import dataclass

from chtui.errors import MigrateError
from chtui.migrate import expressions
from chtui.migrate.expressions import PAIRS, tokens

DEFAULT, MATERIALIZED, ALIAS = "DEFAULT", "MATERIALIZED", "ALIAS"
CLAUSES = (DEFAULT, MATERIALIZED, ALIAS, "CODEC", "COMMENT")
REFUSED = {
    "EPHEMERAL": "a column that is never stored cannot be migrated",
    "TTL": "a column's own TTL empties values that were proven: only whole rows may expire",
    "NULL": "write Nullable(...) around the type",
    "PRIMARY": "the key stands in order_by",
    "STATISTICS": "statistics cannot be set here",
    "SETTINGS": "settings of a column cannot be set here",
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One column's definition."""

    type: str
    kind: str = ""
    """DEFAULT, MATERIALIZED or ALIAS; empty for a column that is only given."""
    expression: str = ""
    codec: str = ""
    """`CODEC(...)` as written; empty for the server's default."""
    comment: str = ""
    """A literal, with its quotes."""

    @property
    def is_given(self) -> bool:
        """Whether INSERT may name the column."""
        return self.kind in ("", DEFAULT)

    def text(self, *, stored: bool = True) -> str:
        """Return the definition as CREATE TABLE has it; without its codec where nothing is `stored`."""
        pieces = [self.type]
        if self.kind:
            pieces += [self.kind, self.expression]
        if stored and self.comment:
            pieces += ["COMMENT", self.comment]
        if stored and self.codec:
            pieces.append(self.codec)
        return " ".join(pieces)


def parse(text: str) -> Definition:
    """Return the definition in a text.

    Raises:
        MigrateError: it is none; says why.
    """
    if wrong := expressions.trouble(text):
        raise MigrateError(wrong)
    found = tokens(text)
    cuts: list[tuple[str, int, int]] = [("", 0, 0)]
    depth = 0
    for index, token in enumerate(found):
        if token.kind == "mark":
            depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        word = token.text.upper() if token.kind == "word" and depth == 0 and index else ""
        in_expression = cuts[-1][0] in (DEFAULT, MATERIALIZED, ALIAS)
        if word in REFUSED and not (in_expression and word == "NULL"):
            raise MigrateError(f"has {word}", fix=REFUSED[word])
        if word in CLAUSES:
            cuts.append((word, token.start, token.start + len(token.text)))
    ends = [start for _, start, _ in cuts[1:]] + [len(text)]
    pieces: dict[str, str] = {}
    for (word, start, after), end in zip(cuts, ends, strict=True):
        if word in pieces:
            raise MigrateError(f"has {word} twice")
        pieces[word] = text[start if word == "CODEC" else after : end].strip()
    return _made(pieces)


def type_text(text: str) -> str:
    """Return a type in one form for equal ones."""
    return expressions.normalized(text).replace(" ( ", "(").replace(" )", ")").replace(" , ", ", ")


def arguments(text: str) -> tuple[str, list[str]]:
    """Return a type's name and its arguments: of `DateTime64(9)` they are `DateTime64` and `9`."""
    head, bracket, rest = text.strip().partition("(")
    return head.strip(), expressions.parts(rest.rstrip()[:-1]) if bracket else []


def _made(pieces: dict[str, str]) -> Definition:
    kinds = [word for word in (DEFAULT, MATERIALIZED, ALIAS) if word in pieces]
    if len(kinds) > 1:
        raise MigrateError(f"has both {kinds[0]} and {kinds[1]}")
    kind = kinds[0] if kinds else ""
    head = tokens(pieces[""])
    if not head or head[0].kind != "word" or head[0].text.upper() in CLAUSES:
        raise MigrateError("has no type", fix="begin it with the column's type")
    if any(piece.kind == "word" for piece in _outside(pieces[""])[1:]):
        raise MigrateError(f"has no type ClickHouse would read: {pieces['']}")
    for word, piece in pieces.items():
        if word and not piece:
            raise MigrateError(f"has {word} with nothing after it")
    return Definition(
        pieces[""], kind, pieces[kind] if kind else "", pieces.get("CODEC", ""), pieces.get("COMMENT", "")
    )


def _outside(text: str) -> list[expressions.Token]:
    """The tokens outside of brackets."""
    depth, result = 0, []
    for token in tokens(text):
        if token.kind == "mark":
            depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        if depth == 0:
            result.append(token)
    return result
