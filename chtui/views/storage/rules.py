"""What a table's TTL clause says, as the server writes it in `engine_full`. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

TARGET = re.compile(r" TO (VOLUME|DISK)(?: IF EXISTS)? '((?:[^'\\]|\\.)*)'$", re.DOTALL)
ACTION = re.compile(r" (TO VOLUME|TO DISK|DELETE|WHERE|GROUP BY|RECOMPRESS)\b")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
OPENING, CLOSING = "([{", ")]}"


class MoveRule(NamedTuple):
    """A rule that moves parts."""

    expression: str
    is_disk: bool
    """Whether the target is a disk, not a volume."""
    target: str


class Rules(NamedTuple):
    """A table's rules."""

    has_delete: bool
    """Whether one deletes rows without a condition."""
    conditions: tuple[str, ...]
    """Expressions of the rules that delete rows `WHERE` something holds."""
    moves: tuple[MoveRule, ...]

    def move(self, expression: str) -> MoveRule | None:
        """Return the rule that moves parts by an expression, None if there is none any more."""
        return next((rule for rule in self.moves if rule.expression == expression), None)


@lru_cache(maxsize=20_000)
def parse_clause(clause: str) -> Rules:
    """Return the rules in a text that begins with ` TTL ` and may go on with ` SETTINGS `."""
    text = clause.removeprefix(" TTL ")
    end = _masked(text).find(" SETTINGS ")
    text = text if end < 0 else text[:end]
    has_delete, is_grouped = False, False
    conditions: list[str] = []
    moves: list[MoveRule] = []
    for element in _elements(text):
        action = ACTION.search(_masked(element))
        if action is None:
            # Without a word for it a rule deletes; after GROUP BY it is one more key, or one more column that is set.
            has_delete = has_delete or not is_grouped
            continue
        expression, word = element[: action.start()], action[1]
        is_grouped = word == "GROUP BY"
        target = TARGET.search(element[action.start() :])
        if target is not None:
            moves.append(MoveRule(expression, target[1] == "DISK", ESCAPE.sub(r"\1", target[2])))
        elif word in ("DELETE", "WHERE"):
            is_partial = " WHERE " in _masked(element)
            has_delete = has_delete or not is_partial
            conditions += [expression] if is_partial else []
    return Rules(has_delete, tuple(conditions), tuple(moves))


def _elements(text: str) -> list[str]:
    """Split at the commas that stand outside of quotes and brackets."""
    masked, found, start = _masked(text), [], 0
    for index, character in enumerate(masked):
        if character == ",":
            found.append(text[start:index].strip())
            start = index + 1
    return [*found, text[start:].strip()]


def _masked(text: str) -> str:
    """Return the text, as long as before, with what is quoted or in brackets made unreadable."""
    masked: list[str] = []
    quote, depth, index = "", 0, 0
    while index < len(text):
        character = text[index]
        if quote and character == "\\":
            masked.append("\0\0")
            index += 2
            continue
        if quote:
            quote = "" if character == quote else quote
            masked.append("\0")
        elif character in "'`\"":
            quote = character
            masked.append("\0")
        else:
            depth += (character in OPENING) - (character in CLOSING)
            masked.append("\0" if depth > 0 or character in CLOSING else character)
        index += 1
    return "".join(masked)[: len(text)]
