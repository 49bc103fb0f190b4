"""Statements that create, as servers write them, taken apart so that two of one object can be compared piece by piece. Pure."""

from __future__ import annotations

import re

from chtui.errors import MigrateError
from chtui.migrate import definitions, expressions
from chtui.migrate.expressions import PAIRS, UNITS, Token, tokens

CLAUSES = ("ENGINE", "PARTITION BY", "PRIMARY KEY", "ORDER BY", "SAMPLE BY", "TTL", "SETTINGS", "COMMENT")
ELEMENTS = ("INDEX", "CONSTRAINT", "PROJECTION")
DEFAULT_SETTINGS = {"index_granularity": "8192"}
"""Settings which servers write into every table. Source: seen on 18.16 and 26.9."""
SAME = {"==": "=", "<>": "!="}
CAST_AROUND = re.compile(r"CAST ?\(? ?(?P<inner>.*?) (?:,|AS) \S.*", re.DOTALL)
Pieces = dict[str, str]
"""What a statement is made of: `column NAME`, `index NAME`, `engine`, `to`, `select`, `setting NAME` and the like."""


def pieces(text: str, *, brackets: bool = True) -> Pieces:
    """Return the pieces of a CREATE TABLE or CREATE VIEW statement, each in one form for equal ones.

    Without `brackets` round ones are left out, which servers add around operators: for those that cannot format a text.
    """
    found = tokens(text)
    words = [token.text.upper() if token.kind == "word" else token.text for token in found]
    if "VIEW" in words[:4]:
        return _view(text, found, brackets)
    elements, clauses = taken_apart(text)
    result: Pieces = {}
    for element in elements:
        _add_element(element, result, brackets)
    result["columns"] = ", ".join(key.removeprefix("column ") for key in result if key.startswith("column "))
    for clause, body in clauses.items():
        if clause == "SETTINGS":
            for setting in expressions.parts(body):
                name, _, value = setting.partition("=")
                result[f"setting {name.strip()}"] = value.strip()
        else:
            result[clause.lower()] = canonical(body, brackets=brackets)
    return result


def taken_apart(text: str) -> tuple[list[str], Pieces]:
    """Return the elements in the brackets of a CREATE TABLE statement, and its clauses, all as they are written."""
    found = tokens(text)
    start = next((index for index, token in enumerate(found) if token.text == "("), len(found))
    end = _closing(found, start)
    inside = text[found[start].start : found[end].start + 1] if start < end else ""
    return expressions.parts(inside), _clauses(text, found[end + 1 :])


def element(text: str) -> tuple[str, str, str]:
    """Return what an element of a CREATE TABLE statement is (empty for a column), its name, and the rest of its text."""
    found = tokens(text)
    word = found[0].text.upper() if found[0].kind == "word" else ""
    if word in ELEMENTS and len(found) > 2:
        return word, expressions.unquoted(found[1].text), text[found[2].start :]
    # A name with dots is written in quotes as one by all servers but the oldest.
    name, rest = expressions.unquoted(found[0].text), 1
    while rest + 1 < len(found) and found[rest].text == ".":
        name += f".{expressions.unquoted(found[rest + 1].text)}"
        rest += 2
    return "", name, text[found[rest].start :]


def differences(wanted: Pieces, found: Pieces) -> list[str]:
    """Return how what was found differs from what is wanted, a line each; empty where it does not."""
    lines: list[str] = []
    for key in dict.fromkeys([*wanted, *found]):
        one, other = wanted.get(key, ""), found.get(key, "")
        name = key.removeprefix("setting ")
        if key.startswith("setting ") and other == DEFAULT_SETTINGS.get(name) and not one:
            continue
        # Where only a column is missing, the order of the others says nothing new.
        if key == "columns" and set(one.split(", ")) != set(other.split(", ")):
            continue
        if one == other or (key.startswith("column ") and one and other and _same_column(one, other)):
            continue
        lines.append(f"{key}: {other or 'none'}, wanted {one or 'none'}")
    return lines


def canonical(text: str, *, brackets: bool = True) -> str:
    """Return SQL text in one form for equal ones."""
    if brackets:
        return expressions.normalized(text)
    written = [_plain(token) for token in _rewritten(tokens(text))]
    return " ".join(word for word in written if word not in ("", "(", ")"))


def _view(text: str, found: list[Token], brackets: bool) -> Pieces:
    """TO and the SELECT; columns and the like which a server adds are of no interest."""
    result: Pieces = {"kind": "materialized view" if _has(found[:3], "MATERIALIZED") else "view"}
    depth = 0
    for index, token in enumerate(found):
        if token.kind == "mark":
            depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        if depth or token.kind != "word":
            continue
        if token.text.upper() == "TO":
            result["to"] = ".".join(expressions.unquoted(t.text) for t in found[index + 1 : index + 4 : 2])
        elif token.text.upper() == "SECURITY":
            # Who the definer is depends on who made it.
            result["rights"] = found[index + 1].text.upper()
        elif token.text.upper() == "ENGINE":
            result["engine"] = found[index + 2].text
        elif token.text.upper() == "AS":
            result["select"] = canonical(text[token.start + 2 :], brackets=brackets)
            break
    return result


def _add_element(text: str, result: Pieces, brackets: bool) -> None:
    word, name, rest = element(text)
    if word:
        result[f"{word.lower()} {name}"] = canonical(rest, brackets=brackets)
    else:
        result[f"column {name}"] = _column(rest, brackets)


def _column(text: str, brackets: bool) -> str:
    try:
        parsed = definitions.parse(text)
    except MigrateError:
        return canonical(text, brackets=brackets)
    expression = canonical(parsed.expression, brackets=brackets)
    if around := CAST_AROUND.fullmatch(expression):
        expression = around["inner"]
    words = [definitions.type_text(parsed.type), parsed.kind, expression, definitions.type_text(parsed.codec)]
    return " ".join(word for word in words if word)


def _same_column(one: str, other: str) -> bool:
    """Servers write the width into codecs that take it from the type: Delta becomes Delta(8)."""
    bare = re.compile(r"\b(Delta|DoubleDelta|Gorilla|T64|FPC)\((?:\d+|'\w+')\)")
    return one == bare.sub(r"\1", other)


def _clauses(text: str, found: list[Token]) -> Pieces:
    cuts: list[tuple[str, int, int]] = []
    depth = 0
    for index, token in enumerate(found):
        if token.kind == "mark":
            depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        if depth or token.kind != "word":
            continue
        pair = " ".join(other.text.upper() for other in found[index : index + 2])
        clause = next((name for name in CLAUSES if name in (token.text.upper(), pair)), "")
        if clause:
            last = found[index + clause.count(" ")]
            cuts.append((clause, token.start, last.start + len(last.text)))
    ends = [start for _, start, _ in cuts[1:]] + [len(text)]
    return {
        clause: text[after:end].strip().removeprefix("=").strip()
        for (clause, _, after), end in zip(cuts, ends, strict=True)
    }


def _rewritten(found: list[Token]) -> list[Token]:
    """CASE and INTERVAL as the functions servers make of them."""
    result: list[Token] = []
    fresh: list[bool] = []
    for index, token in enumerate(found):
        word = token.text.upper() if token.kind == "word" else ""
        before = found[index - 1].text.upper() if index else ""
        if word == "CASE":
            bare = found[index + 1].text.upper() == "WHEN"
            fresh.append(bare)
            result.append(token._replace(text="multiIf" if bare else "caseWithExpression"))
        elif word == "WHEN" and fresh:
            if not fresh[-1]:
                result.append(Token("mark", ",", token.start))
            fresh[-1] = False
        elif word in ("THEN", "ELSE") and fresh:
            result.append(Token("mark", ",", token.start))
        elif word == "END" and fresh:
            fresh.pop()
        elif word == "INTERVAL" and index + 2 < len(found) and found[index + 2].text.upper() in UNITS:
            unit = found[index + 2].text.capitalize()
            result.append(token._replace(text=f"toInterval{unit}"))
        elif not (word in UNITS and index > 1 and found[index - 2].text.upper() == "INTERVAL" and before):
            result.append(token)
    return result


def _plain(token: Token) -> str:
    if token.kind == "quoted":
        return expressions.unquoted(token.text)
    return SAME.get(token.text, token.text)


def _closing(found: list[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(found)):
        if found[index].kind == "mark":
            depth += (found[index].text in PAIRS.values()) - (found[index].text in PAIRS)
        if depth == 0:
            return index
    return start


def _has(found: list[Token], word: str) -> bool:
    return any(token.text.upper() == word for token in found)
