"""The demo's live load, a process of its own: `python -m chtui.demo.load DIRECTORY [--no-telemetry]`; it ends when its standard input does.

Every host has three threads of its own, for quick statements, for those that reach other hosts through it, and for slow ones, so that a
hung host stops nothing elsewhere.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from chtui.demo.client import Client, Param
from chtui.demo.directory import STATE, DemoDirectory, Held, State, decode
from chtui.demo.options import NO_TELEMETRY
from chtui.demo.render import places
from chtui.errors import ConnectError, DeadlineError, QueryError
from chtui.sql import load

INGESTION, BACKEND, ANALYST = "telemetry-ingestion", "appsentry-backend", "analyst"
USERS = (INGESTION, BACKEND, ANALYST)
QUICK_SECONDS = 5.0
SLOW_SECONDS = 30.0
LEAST_BACKOFF_SECONDS, MOST_BACKOFF_SECONDS = 1.0, 10.0
SERVICES = ("frontend", "api-gateway", "checkout", "payment", "inventory")
Params = Callable[[random.Random], dict[str, Param]]


@dataclass(slots=True)
class Habit:
    """A statement somebody sends again and again."""

    user: str
    statement: str
    every_seconds: float
    """On average; each pause is a little different."""
    params: Params
    fails: bool = False
    """It is meant to fail."""
    due: float = 0.0


def nothing(_chooser: random.Random) -> dict[str, Param]:
    """Return no parameters."""
    return {}


def service(chooser: random.Random) -> dict[str, Param]:
    """Return a service's name."""
    return {"service": chooser.choice(SERVICES)}


def tenths(chooser: random.Random) -> dict[str, Param]:
    """Return how long a slow query takes, in tenths of a second."""
    return {"rows": chooser.randrange(20, 60)}


def rows_of_now(count: int, **more: Param) -> Params:
    """Return parameters for `count` rows within the last seconds, never the same rows twice."""

    def params(chooser: random.Random) -> dict[str, Param]:
        return {
            "seed": chooser.getrandbits(63),
            "count": count,
            "days": 2 / 86400,
            "from_ns": time.time_ns() - 4 * 10**9,
            **more,
        }

    return params


def events(days_ago: int, count: int) -> Params:
    """Return parameters for `count` events of some days ago."""
    return lambda chooser: {"seed": chooser.getrandbits(63), "count": count, "days_ago": days_ago}


def quick_habits(telemetry: bool) -> list[Habit]:
    """Return the quick statements for one host, with those on telemetry where that lives."""
    found = [
        Habit(ANALYST, "demo/load_fail_column", 41, nothing, fails=True),
        Habit(BACKEND, "demo/load_fail_table", 67, nothing, fails=True),
        Habit(ANALYST, "demo/load_fail_type", 83, nothing, fails=True),
    ]
    if telemetry:
        found += [
            Habit(INGESTION, "demo/fill_traces", 8, rows_of_now(40)),
            Habit(INGESTION, "demo/fill_logs", 8, rows_of_now(40, spans=40)),
            Habit(INGESTION, "demo/fill_metrics", 30, rows_of_now(120)),
            Habit(BACKEND, "demo/load_fast_spans", 5, nothing),
            Habit(ANALYST, "demo/load_fast_logs", 7, service),
        ]
    return found


def wide_habits() -> list[Habit]:
    """Return the statements for one host that reach the others through it."""
    return [
        Habit(INGESTION, "demo/load_events", 15, events(0, 20)),
        Habit(INGESTION, "demo/load_events", 90, events(8, 5)),
        Habit(BACKEND, "demo/load_fast_events", 8, nothing),
    ]


def slow_habits() -> list[Habit]:
    """Return the slow statements for one host."""
    return [Habit(ANALYST, "demo/load_slow", 45, tenths)]


class Lane:
    """One thread's statements to one host, one after the other."""

    def __init__(
        self, name: str, http_port: int, clients: dict[str, Client], habits: list[Habit], seconds: float
    ) -> None:
        self.name = name
        self.http_port = http_port
        self.clients = clients
        self.habits = habits
        self.seconds = seconds
        self.chooser = random.Random()
        self._said: set[str] = set()

    def run(self) -> None:
        """Send statements when they are due, for ever; a host that does not answer is asked ever less often."""
        backoff = 0.0
        for habit in self.habits:
            habit.due = time.monotonic() + self.chooser.random() * min(habit.every_seconds, 10)
        while True:
            habit = min(self.habits, key=lambda one: one.due)
            time.sleep(max(backoff, habit.due - time.monotonic()))
            try:
                self._send(habit)
            except (ConnectError, DeadlineError) as error:
                if not backoff:
                    self._say(error.line)
                backoff = min(max(LEAST_BACKOFF_SECONDS, backoff * 2), MOST_BACKOFF_SECONDS)
            else:
                if backoff:
                    self._say("answers again")
                backoff = 0.0
            habit.due = time.monotonic() + habit.every_seconds * self.chooser.uniform(0.7, 1.3)

    def _send(self, habit: Habit) -> None:
        statement = load(habit.statement)
        try:
            self.clients[habit.user].ask(
                self.http_port, statement.text, habit.params(self.chooser), seconds=self.seconds
            )
        except QueryError as error:
            # the same failure again says nothing new, and a log must not grow by it
            key = f"{habit.statement} {error.code}"
            if not habit.fails and key not in self._said:
                self._said.add(key)
                self._say(f"{habit.statement}: {error.line}")

    def _say(self, line: str) -> None:
        print(f"{self.name}: {line}", file=sys.stderr, flush=True)


def lanes(directory: Path, state: State, *, telemetry: bool) -> list[Lane]:
    """Return every host's lanes; without `telemetry` its tables are left to others."""
    found: list[Lane] = []
    for index, place in enumerate(places(state.shape, state.ports)):
        for kind, habits, seconds in (
            ("quick", quick_habits(telemetry and index == 0), QUICK_SECONDS),
            ("wide", wide_habits(), QUICK_SECONDS),
            ("slow", slow_habits(), SLOW_SECONDS),
        ):
            # a client of its own for each lane: a shared pool could be drained by a hung host
            clients = {user: Client(user, password_of(directory, user)) for user in USERS}
            found.append(Lane(f"{place.name} {kind}", place.http_port, clients, habits, seconds))
    return found


def password_of(directory: Path, user: str) -> str:
    """Return a user's password from the demo's directory."""
    return (directory / DemoDirectory.password_name(user)).read_text(encoding="ascii").strip()


def main(directory: Path, *, telemetry: bool) -> int:
    """Run the load until standard input ends."""
    _held = Held(directory / "load.lock")
    state = decode((directory / STATE).read_text(encoding="utf-8"), where=str(directory / STATE))
    for lane in lanes(directory, state, telemetry=telemetry):
        Thread(target=lane.run, name=lane.name, daemon=True).start()
    sys.stdin.buffer.read()
    # no statement in flight is worth waiting for
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), telemetry=NO_TELEMETRY not in sys.argv[2:]))
