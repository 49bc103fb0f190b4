"""The cases of the fault matrix: what is struck, where, how. A pure list; the same arguments give the same cases.

Eight stages: schema, snapshot, stage, copy, assemble, states, publish, drop. Three of them send two kinds of statements, and each
kind has cases of its own: `schema` makes the objects and `seal` lets names lead to the rows at the end, `snapshot` and `link`
make a snapshot, `publish` and `publish states` put rows and states in their place.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.rigs.faults_rigs import KEEPER, MODERN, QUORUM, REPLICATED, SOURCE, TARGET, TARGETS, WIZARD
from tests.rigs.migrating import POINTS, SCHEMA, SEAL, STAGES

KINDS = (SCHEMA, *STAGES, SEAL)
"""The kinds of statements a run sends."""
STAGE_OF = {SEAL: SCHEMA, "link": "snapshot", "publish states": "publish"}
"""The stage of those kinds that are not a stage by their own name."""
VICTIMS = {MODERN: (WIZARD, SOURCE, TARGET), REPLICATED: (WIZARD, SOURCE, TARGET, KEEPER)}
HUNG = {MODERN: (SOURCE, TARGET), REPLICATED: (SOURCE, TARGET, QUORUM)}
"""Who hangs otherwise than it dies: a server keeps its connections, Keeper without a majority keeps its sessions for a while."""
ON_SOURCE = ("snapshot", "link")
PAST_LEASE_SECONDS = 66.0
RANDOM_HUNG_RATIO = 0.25
SEED = 4


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


def all_cases(rig: str, random_cases: int) -> list[Fault]:
    """Return every case of a rig, in the order in which they are carried out."""
    return [*killed(rig), *hung(rig), *together(rig), *recovery(), *at_random(rig, random_cases)]


def killed(rig: str) -> list[Fault]:
    """Every kind of statement, point and victim."""
    return [
        Fault(f"killed/{victim}/{word(kind)}/{point}", "killed", (victim,), kind, point)
        for kind in KINDS
        for point in POINTS
        for victim in VICTIMS[rig]
    ]


def hung(rig: str) -> list[Fault]:
    """Every kind of statement while it is under way, and all points of those that publish; one run that sleeps past its lease."""
    found = [
        Fault(f"hung/{victim}/{word(kind)}/{point}", "hung", (victim,), kind, point, is_hung=True)
        for kind in KINDS
        for point in POINTS
        for victim in HUNG[rig]
        if point == "sent" or kind.startswith("publish")
    ]
    late = Fault(
        "hung/wizard/publish/sent",
        "hung",
        (WIZARD,),
        "publish",
        "sent",
        is_hung=True,
        hang_seconds=PAST_LEASE_SECONDS,
    )
    return [*found, late]


def together(rig: str) -> list[Fault]:
    """Two or three victims killed in one instant."""
    groups: list[tuple[str, ...]] = [(WIZARD, SOURCE), (WIZARD, TARGET), (SOURCE, TARGET)]
    if rig == REPLICATED:
        groups += [(WIZARD, KEEPER), (TARGET, KEEPER)]
    return [
        Fault(f"together/{'+'.join(victims)}/{word(kind)}/{point}", "together", victims, kind, point)
        for victims in groups
        for kind, point in (("copy", "sent"), ("publish", "sent"), ("publish states", "done"))
    ]


def recovery() -> list[Fault]:
    """The run killed again where it cleans up or begins anew; a server killed again as soon as it is back."""
    twice = [
        (kind, point, then)
        for kind, point in (("copy", "sent"), ("publish", "done"), ("link", "done"))
        for then in ((("drop", "sent"),), (("snapshot", "done"), ("drop", "done")))
    ]
    found = [
        Fault(
            f"recovery/wizard/{word(kind)}/{point}/{len(then)}", "recovery", (WIZARD,), kind, point, then=then
        )
        for kind, point, then in twice
    ]
    schema = Fault(
        "recovery/wizard/schema/done/1", "recovery", (WIZARD,), SCHEMA, "done", then=((SCHEMA, "sent"),)
    )
    servers = [
        Fault(
            f"recovery/{victim}/{word(kind)}/sent/again",
            "recovery",
            (victim,),
            kind,
            "sent",
            is_struck_again=True,
        )
        for victim in (SOURCE, TARGET)
        for kind in ("copy", "publish")
    ]
    return [*found, schema, *servers]


def at_random(rig: str, number: int, seed: int = SEED) -> list[Fault]:
    """So many cases at random times, with random victims; a quarter of the servers hang instead of dying."""
    found = []
    for index in range(number):
        dice = random.Random(f"{seed} {rig} {index}")
        victim = dice.choice(VICTIMS[rig])
        is_hung = victim in (SOURCE, TARGET) and dice.random() < RANDOM_HUNG_RATIO
        found.append(
            Fault(
                f"random/{index:03}/{victim}",
                "random",
                (victim,),
                is_hung=is_hung,
                hang_seconds=dice.uniform(0.5, 4.0),
                target=dice.choice(TARGETS),
                at_ratio=dice.random(),
            )
        )
    return found


def word(kind: str) -> str:
    """A kind of statement as one word."""
    return kind.replace(" ", "_")
