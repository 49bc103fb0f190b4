"""When rows expire: a TTL rule of the spec, cut in its pieces."""

from __future__ import annotations

from typing import NamedTuple

from chtui.migrate import expressions

TTL_SINCE = (20, 6)
"""The first version that materializes a TTL one partition at a time. Source: the header of `migrate/cutover_materialize_ttl`."""

EXPIRY_MARGIN_SECONDS = 86_400
"""Rows that expire so soon are not compared: a comparison may take hours; expiries are given in days."""


class Rule(NamedTuple):
    """One rule that deletes."""

    instant: str
    """The expression of the instant, a Date or DateTime, from which on a row may go."""
    where: str
    """Which rows it is for; empty for all."""

    def expired(self, at: str) -> str:
        """Return the condition for rows that may be gone at an instant, itself an expression."""
        condition = f"({self.instant}) <= {at}"
        return f"{condition} AND ({self.where})" if self.where else condition

    def kept(self, at: str) -> str:
        """Return the condition for all other rows."""
        return f"ifNull({self.expired(at)}, 0) = 0"

    @property
    def names(self) -> set[str]:
        """The columns it is made of."""
        return expressions.names(self.instant) | expressions.names(self.where)

    def over(self, values: dict[str, str]) -> Rule:
        """Return the same rule over other columns: each is replaced by the expression that gives it."""
        return Rule(*(expressions.replaced(text, values) for text in self))


def rule_of(text: str) -> Rule:
    """Return the pieces of a rule as the spec has it; DELETE between them says nothing new."""
    depth, cuts = 0, []
    for token in expressions.tokens(text):
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0
        if depth == 0 and token.text.upper() in ("DELETE", "WHERE"):
            cuts.append((token.text.upper(), token.start))
    end = cuts[0][1] if cuts else len(text)
    where = next((text[start + len("WHERE") :] for word, start in cuts if word == "WHERE"), "")
    return Rule(text[:end].strip(), where.strip())


def kept(expires: str, until_seconds: int | None, values: dict[str, str]) -> str:
    """Return the condition for rows that cannot be gone by an instant, over columns that `values` gives.

    Empty for all, where nothing expires or there is no such instant.
    """
    if until_seconds is None or not expires:
        return ""
    return rule_of(expires).over(values).kept(at(until_seconds))


def at(seconds: int) -> str:
    """Return the expression of an instant, given in seconds since 1970."""
    return f"toDateTime({seconds})"
