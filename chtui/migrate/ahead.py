"""What v1's rows of a group are, measured slice by slice beside those who copy them and wait for it only to prove what came.

Measuring a whole group first would keep all target hosts waiting while v1 alone works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from chtui.migrate.digests import NOTHING, Digest, Digests, of_shard
from chtui.migrate.layout import Slice


class UnmeasuredError(Exception):
    """A slice was not measured: not a failure of who waits for it; `Ahead.follow` raises why."""


class Ahead:
    """The digests of some slices, each waited for by those who need it; threads share it."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self._found: dict[Slice, Future[Digests]] = {piece: Future() for piece in slices}

    def follow(self, measured: Iterable[tuple[Slice, Digests]]) -> None:
        """Take the slices as they are measured, until all are or measuring fails; then nobody waits any more.

        Raises:
            Exception: what `measured` raises.
        """
        try:
            for piece, digests in measured:
                self._found[piece].set_result(digests)
        finally:
            for future in self._found.values():
                if not future.done():
                    future.set_exception(UnmeasuredError())

    def of(self, piece: Slice) -> Digests:
        """Return what v1's rows of a slice are, once they are measured.

        Raises:
            UnmeasuredError: they will not be.
        """
        return self._found[piece].result()


@dataclass(frozen=True, slots=True, eq=False)
class Share(Mapping[Slice, Mapping[int, Digest]]):
    """One shard's rows of each slice, by hour; what is not measured yet is waited for, or raises `UnmeasuredError`."""

    ahead: Ahead
    slices: tuple[Slice, ...]
    shard: int

    def __getitem__(self, piece: Slice) -> dict[int, Digest]:
        """Return the rows of one slice."""
        return of_shard(self.ahead.of(piece), self.shard)

    def __iter__(self) -> Iterator[Slice]:
        """The slices."""
        return iter(self.slices)

    def __len__(self) -> int:
        """How many slices there are."""
        return len(self.slices)

    def hours(self) -> dict[int, Digest]:
        """Return the rows of all slices together, by hour."""
        found: dict[int, Digest] = {}
        for piece in self:
            for hour, each in self[piece].items():
                found[hour] = found.get(hour, NOTHING) + each
        return found
