"""ClickHouse expressions as texts: cut into tokens, never understood further than a check or a comparison needs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<comment>--[^\n]*|/\*.*?(?:\*/|$))
  | (?P<string>'(?:\\.|''|[^'\\])*')
  | (?P<quoted>`(?:\\.|``|[^`\\])*`|"(?:\\.|""|[^"\\])*")
  | (?P<number>0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark>->|::|<=|>=|!=|<>|==|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
PAIRS = {")": "(", "]": "[", "}": "{"}
KEYWORDS = frozenset(
    (
        "ALL", "AND", "AS", "ASC", "BETWEEN", "CASE", "CAST", "DELETE", "DESC", "DISK", "DISTINCT", "ELSE", "END", "FALSE", "FROM",
        "GROUP", "IF", "ILIKE", "IN", "INTERVAL", "IS", "LIKE", "NOT", "NULL", "NULLS", "OR", "RECOMPRESS", "SET", "THEN", "TO",
        "TRUE", "VOLUME", "WHEN", "WHERE",
    )
)  # fmt: skip
"""Words of an expression or a TTL rule that name no column; a column of such a name is written in backquotes."""
UNITS = frozenset(("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))


class Token(NamedTuple):
    """One piece of a text."""

    kind: str
    """`string`, `quoted`, `number`, `word` or `mark`."""
    text: str
    start: int
    """Where in the text it begins."""


def tokens(text: str) -> list[Token]:
    """Return a text's tokens without blanks and comments."""
    return [
        Token(str(match.lastgroup), match.group(), match.start())
        for match in TOKEN.finditer(text)
        if match.lastgroup not in ("blank", "comment")
    ]


def trouble(text: str, *, commas: bool = False) -> str:
    """Return what is wrong with the text of one expression, empty if nothing is seen.

    `commas` says whether commas may stand outside of brackets.
    """
    if any(match.lastgroup == "comment" for match in TOKEN.finditer(text)):
        return "holds an SQL comment"
    open_marks: list[str] = []
    for token in tokens(text):
        if token.kind != "mark":
            continue
        if token.text in "'\"`":
            return f"has a {token.text} that is not closed"
        if token.text == ";":
            return "holds a semicolon: it must be one expression"
        if token.text in PAIRS.values():
            open_marks.append(token.text)
        elif token.text in PAIRS:
            if not open_marks or open_marks.pop() != PAIRS[token.text]:
                return f"has a {token.text} that closes nothing"
        elif token.text == "," and not open_marks and not commas:
            return "has a comma outside of brackets: it must be one expression"
    return f"has a {open_marks[-1]} that is not closed" if open_marks else ""


def names(text: str) -> set[str]:
    """Return the columns an expression names, as far as its text tells; of `a.b` that is `a.b`."""
    found = tokens(text)
    own = _own_names(found)
    result: set[str] = set()
    index = 0
    while index < len(found):
        name, after = _name(found, index)
        if name is None:
            index += 1
            continue
        called = after < len(found) and found[after].text == "("
        if not called and name not in own:
            result.add(name)
        index = after
    return result


def functions(text: str) -> set[str]:
    """Return the functions an expression calls."""
    found = tokens(text)
    return {
        token.text
        for token, after in pairwise(found)
        if token.kind == "word" and after.text == "(" and token.text.upper() not in KEYWORDS
    }


def parts(text: str) -> list[str]:
    """Return the pieces of a list at its commas outside of brackets; brackets around the whole are taken off."""
    found = tokens(text)
    if found and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        text = text[found[0].start + 1 : found[-1].start]
        found = tokens(text)
    depth, start, result = 0, 0, []
    for token in found:
        if token.kind != "mark":
            continue
        depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        if token.text == "," and depth == 0:
            result.append(text[start : token.start].strip())
            start = token.start + 1
    last = text[start:].strip()
    return [*result, last] if last or result else []


def normalized(text: str) -> str:
    """Return a text in one form for equal ones: blanks, comments, needless quotes of names and brackets around it gone."""
    found = tokens(text)
    while len(found) > 1 and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return " ".join(unquoted(token.text) if token.kind == "quoted" else token.text for token in found)


def unquoted(name: str) -> str:
    """Return a name without its backquotes or double quotes."""
    if name[:1] not in ("`", '"'):
        return name
    quote = name[0]
    return re.sub(rf"\\(.)|{quote}({quote})", lambda match: match[1] or match[2], name[1:-1])


def replaced(text: str, values: dict[str, str]) -> str:
    """Return an expression with columns replaced by the bracketed expressions that give them."""
    found = tokens(text)
    result, copied, index = [], 0, 0
    while index < len(found):
        name, after = _name(found, index)
        called = after < len(found) and found[after].text == "("
        if name in values and not called:
            last = found[after - 1]
            result += [text[copied : found[index].start], values[name]]
            copied = last.start + len(last.text)
        index = max(after, index + 1)
    return "".join([*result, text[copied:]])


def _name(found: list[Token], index: int) -> tuple[str | None, int]:
    """The dotted name that begins at a token, and where it ends; None where none begins."""
    if not _is_name(found, index):
        return None, index
    pieces = [unquoted(found[index].text)]
    index += 1
    while index + 1 < len(found) and found[index].text == "." and found[index + 1].kind in ("word", "quoted"):
        pieces.append(unquoted(found[index + 1].text))
        index += 2
    return ".".join(pieces), index


def _is_name(found: list[Token], index: int) -> bool:
    token = found[index]
    if token.kind != "word":
        return token.kind == "quoted"
    unit = token.text.upper() in UNITS and index > 0 and found[index - 1].kind == "number"
    return not unit and token.text.upper() not in KEYWORDS


def _own_names(found: list[Token]) -> set[str]:
    """Names an expression makes itself: arguments of lambdas and aliases."""
    own: set[str] = set()
    for index, token in enumerate(found):
        if token.text == "->" and index:
            back = index - 1
            if found[back].text == ")":
                while back and found[back].text != "(":
                    own.add(found[back].text)
                    back -= 1
            else:
                own.add(found[back].text)
        if token.kind == "word" and token.text.upper() == "AS" and index + 1 < len(found):
            own.add(unquoted(found[index + 1].text))
    return own


def _closing(found: list[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(found)):
        if found[index].kind == "mark":
            depth += (found[index].text in PAIRS.values()) - (found[index].text in PAIRS)
        if depth == 0:
            return index
    return -1
