"""What a probe is: an SQL file, the record its rows become, how often, how long, and for whom it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_type_hints

from chtui import sql
from chtui.fleet.link import DATA
from chtui.fleet.literal import Value
from chtui.profile.model import Thresholds
from chtui.records import Sample

Args = tuple[tuple[str, int | str], ...]
"""Values for a probe's parameters by name, from whoever wants it."""

IDLE_SECONDS = 60.0
"""How often it is looked whether there is something to watch now. Source: chtui's choice, as tables are read."""


class Context(NamedTuple):
    """What a probe's parameters may depend on."""

    thresholds: Thresholds
    sample: Callable[[str], Sample | None]
    """The last sample of another probe on the same host."""
    peer_missing: bool
    """Whether another replica of the host's shard does not answer."""


Params = Mapping[str, Value]


class Probe(NamedTuple):
    """One question to one host."""

    name: str
    """What samples are stored under, and its SQL file below `monitor/` unless `file` names another."""
    record: type
    interval: str
    """Which of the profile's intervals holds."""
    deadline_seconds: float
    always: bool = False
    """Asked whether a pane wants it or not."""
    lane: str = DATA
    params: Callable[[Context], Params | None] = lambda _: {}
    """Values for the statement beside those it is wanted with; None: there is no reason to ask now."""
    max_rows: int | None = None
    """The most rows the statement gives, its parameter `max_rows`; None for one that has no such parameter."""
    text_from: str = ""
    """An SQL file that gives the statement this one holds as `{statement:Statement}`, and the database it belongs to: asked first."""
    counts: bool = False
    """Whether a rate is made of two samples: whoever asks once and wants rates must ask it twice."""
    shape: Callable[[Iterable[Sequence[Any]]], tuple[Any, ...]] | None = None
    """Makes records of the rows; None: a row is a record, its columns the fields."""

    is_idle: Callable[[Sample], bool] = lambda _: False
    """Whether an answer says that there is nothing to watch there: then it is asked every `IDLE_SECONDS` only."""
    file: str = ""
    """The SQL file of a probe that asks the same as another one with other values; empty where it bears the probe's name."""
    fallback: str = ""
    """Another SQL file with the same columns, for servers that lack what the first one needs."""

    @property
    def statement(self) -> sql.Statement:
        """The probe's SQL file."""
        return sql.load(f"monitor/{self.file or self.name}")

    @property
    def statements(self) -> tuple[sql.Statement, ...]:
        """The probe's SQL files, the preferred one first."""
        return (self.statement, sql.load(f"monitor/{self.fallback}")) if self.fallback else (self.statement,)

    def records(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
        """Return one host's rows as records.

        Raises:
            ValueError: a field has no column.
        """
        given = list(rows)
        if self.shape is None:
            return to_records(self.record, columns, given)
        # Without a row the server may not even tell the columns.
        declared = [columns.index(column.name) for column in self.statement.columns] if given else []
        return self.shape([row[index] for index in declared] for row in given)


class Ask(NamedTuple):
    """A probe with the values it is asked for."""

    probe: Probe
    args: Args = ()

    @property
    def key(self) -> str:
        """What its samples are stored under."""
        return sample_key(self.probe.name, self.args)


def sample_key(probe: str, args: Args = ()) -> str:
    """Return what a probe's samples are stored under: its name, and what it was asked for."""
    return f"{probe}?{'&'.join(f'{name}={value}' for name, value in args)}" if args else probe


@cache
def _plan(record: type) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((name, bool if hint is bool else None) for name, hint in get_type_hints(record).items())


def to_records(record: type, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Return rows as records: fields are found by column name, further columns are left out.

    Raises:
        ValueError: a field has no column.
    """
    given = list(rows)
    # Without a row the server may not even tell the columns.
    plan = [(columns.index(name), convert) for name, convert in _plan(record)] if given else []
    return tuple(
        record(
            *[
                convert(row[index]) if convert and row[index] is not None else row[index]
                for index, convert in plan
            ]
        )
        for row in given
    )
