"""The text of a CREATE statement: laid out in lines, and rid of passwords. Pure; it reads the text, it does not parse SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

HIDDEN = "'[HIDDEN]'"
"""What newer servers write for a password, and chtui for older ones."""
SECRET_ARGUMENTS: Mapping[str, int] = MappingProxyType(
    {
        "mysql": 4,
        "postgresql": 4,
        "materializedpostgresql": 3,
        "mongodb": 4,
        "externaldistributed": 5,
        "redis": 2,
        "s3": 2,
        "s3cluster": 3,
        "cosn": 2,
        "oss": 2,
        "remote": 3,
        "remotesecure": 3,
        "odbc": 0,
        "jdbc": 0,
        "azureblobstorage": 0,
    }
)
"""Engine or table function to its first argument that may be secret; strings from there on are hidden, rather one too many."""
CALL = re.compile(r"\b(?P<name>[A-Za-z]\w*)\s*\(")
NAMED_SECRET = re.compile(
    r"(?P<name>\b\w*(?:password|secret|access_key)\w*\b\s*=?\s*)'(?:[^'\\]|\\.|'')*'",
    re.IGNORECASE,
)
URL_PASSWORD = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*://[^\s:/@']*):[^\s/@']+@")

KEYWORDS = (
    "ENGINE", "PARTITION BY", "PRIMARY KEY", "ORDER BY", "SAMPLE BY", "TTL", "SETTINGS", "COMMENT", "AS", "FROM", "PREWHERE",
    "WHERE", "GROUP BY", "HAVING", "LIMIT", "UNION ALL", "SOURCE", "LIFETIME", "LAYOUT",
)  # fmt: skip
"""Words before which a line begins where no bracket is open."""
LISTS = ("TTL", "SETTINGS")
"""Words after which every comma begins a line."""
KEYWORD = re.compile("(?:" + "|".join(KEYWORDS) + r")\b")


def laid_out(statement: str) -> tuple[str, ...]:
    """Return a statement in lines: one for each column, one for each clause; quoted text is left as it is."""
    head, columns, tail = _split(statement.strip())
    lines = [f"{head} (" if columns else head]
    lines += [
        f"    {column}{',' if number < len(columns) else ''}" for number, column in enumerate(columns, 1)
    ]
    if columns:
        lines.append(")")
    for clause in _clauses(tail):
        word = next((word for word in LISTS if clause.startswith(word + " ")), "")
        items = _at_commas(clause.removeprefix(word))
        if word and len(items) > 1:
            lines.append(word)
            lines += [
                f"    {item}{',' if number < len(items) else ''}" for number, item in enumerate(items, 1)
            ]
        else:
            lines.append(clause)
    return tuple(line for line in lines if line.strip())


def _tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield position, bracket depth before it, and character of everything outside quotes; a quoted text counts as none."""
    depth, index = 0, 0
    while index < len(text):
        char = text[index]
        if char in "'`\"":
            index = _end_of_quote(text, index)
            continue
        yield index, depth, char
        depth += (char in "([{") - (char in ")]}")
        index += 1


def _end_of_quote(text: str, start: int) -> int:
    """Return the position after the quoted text that begins at `start`."""
    quote, index = text[start], start + 1
    while index < len(text):
        if text[index] == "\\":
            index += 2
        elif text[index] != quote:
            index += 1
        elif text[index + 1 : index + 2] == quote:
            index += 2
        else:
            return index + 1
    return len(text)


def _split(statement: str) -> tuple[str, list[str], str]:
    """Return what stands before the list of columns, the columns, and what stands after; no columns where there is no list."""
    start = end = -1
    for index, depth, char in _tokens(statement):
        if depth == 0 and start < 0:
            if char == "(":
                start = index
            elif KEYWORD.match(statement, index) and index and statement[index - 1].isspace():
                return statement[:index].rstrip(), [], statement[index:]
        elif char == ")" and depth == 1 and start >= 0:
            end = index
            break
    if end < 0:
        return statement, [], ""
    return statement[:start].rstrip(), _at_commas(statement[start + 1 : end]), statement[end + 1 :].strip()


def _at_commas(text: str) -> list[str]:
    cuts = [index for index, depth, char in _tokens(text) if depth == 0 and char == ","]
    edges = zip([-1, *cuts], [*cuts, len(text)], strict=True)
    return [text[first + 1 : last].strip() for first, last in edges]


def _clauses(text: str) -> list[str]:
    cuts = [
        index
        for index, depth, _ in _tokens(text)
        if depth == 0 and KEYWORD.match(text, index) and (index == 0 or text[index - 1].isspace())
    ]
    edges = zip([0, *cuts], [*cuts, len(text)], strict=True)
    return [clause for first, last in edges if (clause := text[first:last].strip())]


def hidden(statement: str) -> str:
    """Return a statement without passwords and keys. Servers since 23.x leave them out themselves; older ones do not."""
    masked = _without_arguments(statement)
    masked = NAMED_SECRET.sub(lambda match: match["name"] + HIDDEN, masked)
    return URL_PASSWORD.sub(lambda match: f"{match['scheme']}:[HIDDEN]@", masked)


def _without_arguments(text: str) -> str:
    outside = {index for index, _, _ in _tokens(text)}
    pieces: list[str] = []
    done = 0
    for match in CALL.finditer(text):
        first = SECRET_ARGUMENTS.get(match["name"].lower())
        if first is None or match.start() not in outside or match.end() <= done:
            continue
        end = _end_of_call(text, match.end())
        arguments = _at_commas(text[match.end() : end])
        kept = [
            HIDDEN if number >= first and each[:1] in "'\"" else each for number, each in enumerate(arguments)
        ]
        pieces += [text[done : match.end()], ", ".join(kept)]
        done = end
    return "".join([*pieces, text[done:]])


def _end_of_call(text: str, start: int) -> int:
    """Return the position of the bracket that closes the call whose arguments begin at `start`."""
    for index, depth, char in _tokens(text[start:]):
        if char == ")" and depth == 0:
            return start + index
    return len(text)
