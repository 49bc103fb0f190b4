"""What the verbs share: specs, servers, questions to a person, and errors."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chtui.migrate.hosts import Host, Hosts
    from chtui.migrate.spec import Spec
    from chtui.profile.effective import Effective
    from chtui.profile.model import Profile
    from chtui.records import HostId

    Connect = Callable[[], Effective]


def told(work: Callable[[], int]) -> int:
    """Do it and return the exit code; what is wrong with a spec is printed whole, a line each."""
    from chtui.migrate.spec_file import SpecError

    try:
        return work()
    except SpecError as error:
        for problem in error.problems:
            print(f"chtui: {problem.line}", file=sys.stderr)
        return error.exit_code


def spec(name: str) -> Spec:
    """Return a spec that ships, or the one in a file.

    Raises:
        SpecError: it cannot be used.
    """
    from chtui.migrate import spec_file

    return spec_file.shipped(name) if name in spec_file.shipped_names() else spec_file.read(Path(name))


def host(text: str) -> HostId:
    """Return a host as `--source` gives it.

    Raises:
        ConfigError: it is no address.
    """
    from chtui.profile.model import check_plain_address
    from chtui.records import HostId

    address = check_plain_address(text, "--source", "--source")
    return HostId(address.host, address.port)


def hosts(spec: Spec, profile: Profile) -> Hosts:
    """Return the servers of a spec.

    Raises:
        ChtuiError: the topology cannot be had, or v1's host is none of it.
    """
    from chtui.migrate.hosts import connect

    return connect(profile, spec.target.cluster, spec.source.host, _leading_to_v1(spec))


def source(spec: Spec, profile: Profile) -> Host:
    """Return v1's host of a spec, whose v2 may have no servers yet.

    Raises:
        ChtuiError: the topology cannot be had, or v1's host is none of it.
    """
    from chtui.migrate.hosts import source_host

    return source_host(_leading_to_v1(spec) or profile, spec.source.host)


def _leading_to_v1(spec: Spec) -> Profile | None:
    """The profile the spec names for v1; None where the one in use leads there."""
    from chtui.profile.effective import Options, resolve

    if not spec.source.profile:
        return None
    return resolve(Options(profile_name=spec.source.profile), os.environ).profile


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the run's folder, so that no two processes plan or begin it at once."""
    from chtui.migrate import kept_plan

    handle = kept_plan.hold(name)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def ending() -> Iterator[None]:
    """End by SIGTERM as by SIGINT: with everything stopped. A second one ends at once; whatever runs ends with this process."""

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(text: str) -> None:
    """Print a line for a person: standard output is for what was asked for."""
    print(text, file=sys.stderr, flush=True)


def confirm(word: str, what: str, *, is_sure: bool) -> None:
    """Have a person type a word before something is done, unless `--yes` was given.

    Raises:
        UsageError: nobody is there to be asked, or something else was typed.
    """
    from chtui.errors import UsageError

    if is_sure:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is there to say yes to this: {what}", fix="give --yes")
    print(f"{what}? Type {word} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != word:
        raise UsageError("nothing was done: that was not typed", fix=f"type {word}")
