"""A plan: what is to be done to which hosts, statement by statement, with all a person needs to say yes or no.

Every remedy is a plan. Its statements are files of `sql/act`; each goes to one host directly, never `ON CLUSTER`, which would
need the very Keeper that may be what is ill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chtui import sql
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.records import HostId
from chtui.sql import Statement

STEP_SECONDS = 10.0
"""How long a host may take to answer one step; after that nobody knows what became of it."""
CHECK_SECONDS = 30.0
"""How long the effect of the steps is waited for."""
CHECK_EVERY_SECONDS = 0.5
"""How often it is looked for meanwhile."""
IDENTIFIER = "Identifier"
"""The type of a parameter that is a name in the text, not a value: it is quoted, no server binds it alike."""


def filled(statement: Statement, params: Mapping[str, Value], *, values: bool) -> Statement:
    """Return a statement with its names quoted into the text, and with `values` its values as literals too.

    Raises:
        ValueError: the parameters are not those of the header, or a value cannot be written.
    """
    types = {column.name: column.type for column in statement.params}
    if set(types) != set(params):
        raise ValueError(f"{statement.name} takes {sorted(types)}, not {sorted(params)}")
    written = {
        name: quote_identifier(str(value)) if types[name] == IDENTIFIER else literal(value)
        for name, value in params.items()
    }
    # In one pass: what a value holds is never taken for a parameter.
    text = sql.PLACEHOLDER.sub(
        lambda match: written[match["name"]] if values or types[match["name"]] == IDENTIFIER else match[0],
        statement.text,
    )
    left = () if values else tuple(column for column in statement.params if column.type != IDENTIFIER)
    return replace(statement, text=text, params=left)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement for one host."""

    host: HostId
    statement: str
    """Its file: `act/kill_queries`."""
    params: Mapping[str, Value]
    purpose: str
    """What it is for, in a few words."""
    seconds: float = STEP_SECONDS

    @property
    def text(self) -> str:
        """The exact statement, its values written into it.

        Raises:
            ValueError: the parameters are not those of the file, or a value cannot be written.
        """
        return filled(sql.load(self.statement), self.params, values=True).text

    def for_server(self, binds_parameters: bool) -> tuple[Statement, Mapping[str, Value]]:
        """Return what is sent: values are bound by a server that can, else the text holds them."""
        statement = filled(sql.load(self.statement), self.params, values=not binds_parameters)
        return statement, {column.name: self.params[column.name] for column in statement.params}


@dataclass(frozen=True, slots=True)
class Check:
    """A question to one host that gives a row for everything that is not yet as it shall be, and none when all is.

    The statement's first column is the thing's `name`, the second `is_told`: whether the server has taken notice of the step.
    """

    host: HostId
    statement: str
    """A file of `sql/act` that reads."""
    params: Mapping[str, Value]
    names: tuple[str, ...]
    """Everything the check looks for."""
    seconds: float = CHECK_SECONDS
    every_seconds: float = CHECK_EVERY_SECONDS


@dataclass(frozen=True, slots=True)
class Target:
    """One thing the plan changes, as the person is shown it."""

    host: HostId
    name: str
    text: str
    """What else is known of it; from a server, so not yet safe to draw."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing the person asked for and the plan does not touch."""

    host: HostId
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown, confirmed, run, verified and written down.

    Raises:
        ValueError: a destructive plan names nothing to type, or another one does; a statement does not fit its parameters.
    """

    cluster: str
    title: str
    """What it does to how many, in one line."""
    kind: str
    """`kill queries`."""
    steps: tuple[Step, ...]
    """Those of one host run one after another, hosts side by side. Empty: nothing of what was asked for can be done."""
    targets: tuple[Target, ...]
    expected: str
    """What the steps will do, and what they will not undo."""
    verified_by: str
    """How it is seen afterwards that they did."""
    done_word: str = "done"
    """What is said of a target the check no longer finds."""
    left_word: str = "not done"
    """What is said of one it still finds."""
    checks: tuple[Check, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    is_destructive: bool = False
    """Whether something is lost for good."""
    typed_name: str = ""
    """What must be typed before a destructive plan runs."""
    hosts: tuple[HostId, ...] = field(init=False)
    """Every host that gets a statement, once."""

    def __post_init__(self) -> None:
        if self.is_destructive != bool(self.typed_name):
            raise ValueError("a plan has a name to type if, and only if, it is destructive")
        for step in self.steps:
            _ = step.text
        for check in self.checks:
            filled(sql.load(check.statement), check.params, values=True)
        object.__setattr__(self, "hosts", tuple(dict.fromkeys(step.host for step in self.steps)))

    def steps_of(self, host: HostId) -> tuple[Step, ...]:
        """Return the host's steps in their order."""
        return tuple(step for step in self.steps if step.host == host)

    def checks_of(self, host: HostId) -> tuple[Check, ...]:
        """Return the host's checks."""
        return tuple(check for check in self.checks if check.host == host)
