"""The cases of the self test: what is struck, where, how. A pure list; the same arguments give the same cases.

Eight stages: schema, snapshot, stage, copy, assemble, states, publish, drop. Three of them send two kinds of statements, and each
kind has cases of its own: `schema` makes the objects and `seal` lets names lead to the rows at the end, `snapshot` and `link`
make a snapshot, `publish` and `publish states` put rows and states in their place.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from chtui.demo.selftest.points import POINTS, SCHEMA, SEAL, SOURCE, STAGES, TARGET, TARGETS, WIZARD

T = TypeVar("T")
KINDS = (SCHEMA, *STAGES, SEAL)
"""The kinds of statements a run sends."""
STAGE_OF = {SEAL: SCHEMA, "link": "snapshot", "publish states": "publish"}
"""The stage of those kinds that are not a stage by their own name."""
ON_SOURCE = ("snapshot", "link")
"""Kinds that only v1's server is sent."""
PAST_LEASE_SECONDS = 66.0
RANDOM_HUNG_RATIO = 0.25
SEED = 4
MODERN = "modern"
KILLED, HUNG, RANDOM, TOGETHER, RECOVERY = "killed", "hung", "random", "together", "recovery"
QUICK, ALL = "quick", "all"
QUICK_HUNG = ("copy", "assemble", "publish")
"""Stages in which the quick cases have a server hang instead of killing it, once each."""


class Setting(NamedTuple):
    """What can be struck on a rig, and how the migration reaches its servers."""

    name: str
    victims: tuple[str, ...]
    hung: tuple[str, ...]
    """Who hangs otherwise than it dies: a server keeps its connections, Keeper without a majority keeps its sessions for a while."""
    together: tuple[tuple[str, ...], ...]
    """Who is killed in one instant."""
    is_per_host: bool
    """Each host is sent its own statements: those of the schema, and those that fill it, whatever other replicas have."""


EMBEDDED = Setting(
    MODERN,
    (WIZARD, SOURCE, TARGET),
    (SOURCE, TARGET),
    ((WIZARD, SOURCE), (WIZARD, TARGET), (SOURCE, TARGET)),
    is_per_host=True,
)


class Fault(NamedTuple):
    """One case: who is struck, and at which point of the journal or at which share of a quiet run's time."""

    name: str
    group: str
    """`killed`, `hung`, `random`, `together` (several at once), `recovery` (struck again while it recovers)."""
    victims: tuple[str, ...]
    kind: str = ""
    point: str = ""
    is_hung: bool = False
    hang_seconds: float = 3.0
    target: int = TARGETS[-1]
    """The server where a target is struck."""
    then: tuple[tuple[str, str], ...] = ()
    """Kinds and points at which the run is killed after that."""
    is_struck_again: bool = False
    """Whether the server is killed once more as soon as it answers again."""
    at_ratio: float = 0.0
    """Of a random case: when, as a share of the seconds of a run nothing befalls."""

    @property
    def stage(self) -> str:
        """One of the eight; empty for a random case."""
        return STAGE_OF.get(self.kind, self.kind)

    @property
    def victim(self) -> str:
        """All victims in a word."""
        return "+".join(self.victims)


def all_cases(setting: Setting, random_cases: int, seed: int = SEED) -> list[Fault]:
    """Return every case of a rig, in the order in which they are carried out."""
    return [
        *killed(setting),
        *hung(setting),
        *together(setting),
        *recovery(),
        *at_random(setting, random_cases, seed),
    ]


def quick() -> list[Fault]:
    """Return every stage at every point; victims take turns, so that each meets every stage and every point.

    What is done is struck with the stage's last kind of statement, the rest with its first.
    """
    known = {fault.name: fault for fault in (*killed(EMBEDDED), *hung(EMBEDDED))}
    stages: dict[str, list[str]] = {}
    for kind in KINDS:
        stages.setdefault(STAGE_OF.get(kind, kind), []).append(kind)
    found = []
    for row, (stage, kinds) in enumerate(stages.items()):
        for column, point in enumerate(POINTS):
            victim = EMBEDDED.victims[(row + column) % len(EMBEDDED.victims)]
            kind = kinds[-1] if point == POINTS[-1] else kinds[0]
            is_hung = point == "sent" and stage in QUICK_HUNG
            found.append(known[f"{HUNG if is_hung else KILLED}/{victim}/{word(kind)}/{point}"])
    return found


def killed(setting: Setting) -> list[Fault]:
    """Return every kind of statement, point and victim."""
    return [
        Fault(f"{KILLED}/{victim}/{word(kind)}/{point}", KILLED, (victim,), kind, point)
        for kind in KINDS
        for point in POINTS
        for victim in setting.victims
    ]


def hung(setting: Setting) -> list[Fault]:
    """Return every kind of statement under way, and all points of those that publish; and one run that sleeps past its lease."""
    found = [
        Fault(f"{HUNG}/{victim}/{word(kind)}/{point}", HUNG, (victim,), kind, point, is_hung=True)
        for kind in KINDS
        for point in POINTS
        for victim in setting.hung
        if point == "sent" or kind.startswith("publish")
    ]
    late = Fault(
        f"{HUNG}/{WIZARD}/publish/sent",
        HUNG,
        (WIZARD,),
        "publish",
        "sent",
        is_hung=True,
        hang_seconds=PAST_LEASE_SECONDS,
    )
    return [*found, late]


def together(setting: Setting) -> list[Fault]:
    """Return cases of two victims killed in one instant."""
    return [
        Fault(f"{TOGETHER}/{'+'.join(victims)}/{word(kind)}/{point}", TOGETHER, victims, kind, point)
        for victims in setting.together
        for kind, point in (("copy", "sent"), ("publish", "sent"), ("publish states", "done"))
    ]


def recovery() -> list[Fault]:
    """Return the run killed again where it cleans up or begins anew; a server killed again as soon as it is back."""
    twice = [
        (kind, point, then)
        for kind, point in (("copy", "sent"), ("publish", "done"), ("link", "done"))
        for then in ((("drop", "sent"),), (("snapshot", "done"), ("drop", "done")))
    ]
    found = [
        Fault(
            f"{RECOVERY}/{WIZARD}/{word(kind)}/{point}/{len(then)}",
            RECOVERY,
            (WIZARD,),
            kind,
            point,
            then=then,
        )
        for kind, point, then in twice
    ]
    schema = Fault(
        f"{RECOVERY}/{WIZARD}/schema/done/1", RECOVERY, (WIZARD,), SCHEMA, "done", then=((SCHEMA, "sent"),)
    )
    servers = [
        Fault(
            f"{RECOVERY}/{victim}/{word(kind)}/sent/again",
            RECOVERY,
            (victim,),
            kind,
            "sent",
            is_struck_again=True,
        )
        for victim in (SOURCE, TARGET)
        for kind in ("copy", "publish")
    ]
    return [*found, schema, *servers]


def at_random(setting: Setting, number: int, seed: int = SEED) -> list[Fault]:
    """Return so many cases at random times, with random victims; a quarter of the servers hang instead of dying."""
    found = []
    other_seed = f"{seed}." if seed != SEED else ""
    for index in range(number):
        dice = random.Random(f"{seed} {setting.name} {index}")
        victim = dice.choice(setting.victims)
        is_hung = victim in (SOURCE, TARGET) and dice.random() < RANDOM_HUNG_RATIO
        found.append(
            Fault(
                f"{RANDOM}/{other_seed}{index:03}/{victim}",
                RANDOM,
                (victim,),
                is_hung=is_hung,
                hang_seconds=dice.uniform(0.5, 4.0),
                target=dice.choice(TARGETS),
                at_ratio=dice.random(),
            )
        )
    return found


def chosen(which: str, random_cases: int, only: str, share: tuple[int, int], seed: int = SEED) -> list[Fault]:
    """Return the cases of the embedded cluster that were asked for: `quick` or `all`, those whose name has `only`, one share of them."""
    found = quick() if which == QUICK else all_cases(EMBEDDED, 0)
    found += at_random(EMBEDDED, random_cases, seed)
    return list(share_of([fault for fault in found if only in fault.name], share))


def share_of(cases: Sequence[T], share: tuple[int, int]) -> Sequence[T]:
    """Return one of so many shares of the cases, counted from 1."""
    return cases[share[0] - 1 :: share[1]]


def word(kind: str) -> str:
    """Return a kind of statement as one word."""
    return kind.replace(" ", "_")
