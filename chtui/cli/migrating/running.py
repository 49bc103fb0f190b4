"""`chtui migrate run` and `takeover`: the process that carries a migration out."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.migrate.hosts import Hosts
    from chtui.migrate.layout import Ground
    from chtui.migrate.lease import Lease
    from chtui.migrate.lease_records import LeaseStatus
    from chtui.migrate.process import Process, Take
    from chtui.migrate.spec import Spec
    from chtui.profile.model import Profile

EXIT_DIFFERENT, EXIT_INTERRUPTED = 1, 130
AWAY_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""The pauses between tries to go on while a server is away; the last one for all further."""
TELL_SECONDS = 5.0
"""How often progress is told."""


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Carry a migration out, or go on with it."""
    from chtui.migrate import journal, kept_plan

    spec = common.spec(arguments.spec)
    name = journal.checked_run(arguments.run or spec.name)
    profile = found().profile
    with common.held(name), ExitStack() as stack:
        if (journal.directory_of(name) / journal.FILE_NAME).exists():
            document = _kept(name, arguments.plan)
            common.say(f"going on with plan {document['hash']}")
            ground = _awaited(document, spec, profile)
            stack.callback(ground.hosts.close)
        else:
            hosts = common.hosts(spec, profile)
            stack.callback(hosts.close)
            fresh = _fresh(name, spec, hosts, arguments)
            if fresh is None:
                return EXIT_DIFFERENT
            document, ground = fresh, kept_plan.ground_of(fresh, spec, hosts)
        return _carry_out(name, document, ground, is_json=arguments.json)


def _awaited(document: dict[str, Any], spec: Spec, profile: Profile) -> Ground:
    """What a run that was begun stands on, when every server it needs for that answers: one that is away is waited for."""
    import time

    from chtui.errors import ChtuiError
    from chtui.migrate import kept_plan
    from chtui.migrate.hosts import is_away

    for pause in chain(AWAY_SECONDS, repeat(AWAY_SECONDS[-1])):
        hosts = None
        try:
            hosts = common.hosts(spec, profile)
            return kept_plan.ground_of(document, spec, hosts)
        except ChtuiError as error:
            if hosts is not None:
                hosts.close()
            if not is_away(error):
                raise
            common.say(f"{error.line}; it is tried again in {pause:g} s")
        time.sleep(pause)
    raise AssertionError("it is tried for ever")


def takeover(arguments: argparse.Namespace, found: Connect) -> int:
    """Go on with a run that another process has, or had last."""
    from chtui.clock import SystemClock
    from chtui.migrate import journal, kept_plan, layout, plan, plan_text, status
    from chtui.migrate.lease import Lease
    from chtui.migrate.lease_records import myself

    spec = common.spec(arguments.spec)
    name = journal.checked_run(arguments.run)
    with common.held(name):
        hosts = common.hosts(spec, found().profile)
        try:
            path = journal.directory_of(name) / journal.FILE_NAME
            lease = Lease(hosts.source, spec.source.database, name, myself(path), SystemClock())
            before = lease.status()
            common.say(status.lease_line(before))
            if not arguments.rebuild:
                lease.demand_newest(before, _last_event(name, before))
            lease.demand_takeable(before, forced=arguments.force)
            if not arguments.rebuild:
                document = _kept(name, None)
                common.confirm(name, f"take over run {name}", is_sure=arguments.yes)
            else:
                document = plan.to_document(layout.lay_out(spec, hosts), SystemClock())
                common.say(plan_text.summary(document))
                what = f"take over run {name} without its journal, and copy all of this anew"
                common.confirm(name, what, is_sure=arguments.yes)
                if path.exists():
                    common.say(f"the old journal is {journal.set_aside(name, SystemClock())}")
                kept_plan.keep(path.parent, document)

            def take(lease: Lease) -> Any:
                return lease.takeover(forced=arguments.force)

            ground = kept_plan.ground_of(document, spec, hosts)
            return _carry_out(name, document, ground, is_json=arguments.json, take=take)
        finally:
            hosts.close()


def _kept(name: str, given: Path | None) -> dict[str, Any]:
    """The plan the run was begun with.

    Raises:
        MigrateError: there is none, or another was given.
    """
    from chtui.errors import MigrateError
    from chtui.migrate import journal, kept_plan

    path = journal.directory_of(name) / kept_plan.FILE_NAME
    document = kept_plan.read(path)
    if given is not None and kept_plan.read(given).get("hash") != document.get("hash"):
        raise MigrateError(
            f"run {name} was begun with plan {document.get('hash')}",
            where=str(given),
            fix="go on without --plan, or call the run something else",
            exit_code=EXIT_DIFFERENT,
        )
    return document


def _fresh(name: str, spec: Spec, hosts: Hosts, arguments: argparse.Namespace) -> dict[str, Any] | None:
    """The plan of a run that was never begun, kept in its folder; None where something would spoil it."""
    from chtui.cli.migrating.preparing import report_text
    from chtui.clock import SystemClock
    from chtui.migrate import journal, kept_plan, layout, plan, plan_text, preflight
    from chtui.migrate.preflight.findings import Severity, report

    common.say("preflight ...")
    found = preflight.run(spec, hosts)
    if found.exit_code:
        blockers = [each for each in found.findings if each.severity is Severity.BLOCKER]
        common.say(report_text(report(spec.name, blockers)))
        return None
    document = plan.to_document(layout.lay_out(spec, hosts), SystemClock())
    if arguments.plan is not None:
        given = kept_plan.read(arguments.plan)
        plan.layout_of(given, spec)
        changes = kept_plan.changes(given, document, spec)
        for line in changes:
            common.say(f"not as planned any more: {line}")
        if changes:
            common.say("make the plan anew with chtui migrate plan --json, and look at it")
            return None
        document = given
    common.say(plan_text.summary(document))
    common.confirm(name, f"carry this plan out as run {name}", is_sure=arguments.yes)
    kept_plan.keep(journal.directory_of(name), document)
    return document


def _last_event(name: str, before: LeaseStatus | None) -> int:
    """The number of the last event of the journal that is here.

    Raises:
        MigrateError: there is none.
    """
    from chtui.errors import MigrateError
    from chtui.migrate import journal

    folder = journal.directory_of(name)
    if not (folder / journal.FILE_NAME).exists():
        where = before.journal if before else "its machine"
        raise MigrateError(
            f"there is no journal of run {name} here",
            where=str(folder),
            fix=f"copy the folder of {where} to it, or take over with --rebuild",
            exit_code=EXIT_DIFFERENT,
        )
    _, events = journal.read(name)
    return max((event.seq for event in events), default=0)


def _carry_out(
    name: str,
    document: dict[str, Any],
    ground: Ground,
    *,
    is_json: bool,
    take: Take | None = None,
) -> int:
    """Be the process; return the exit code."""
    from chtui.clock import SystemClock
    from chtui.errors import MigrateError
    from chtui.migrate import sealed_report, status
    from chtui.migrate.process import Process

    process = Process(name, document["hash"], ground, SystemClock(), take=take)
    with _ending(process) as interrupted, _telling(process, is_json):
        try:
            facts = process.carry_out()
        except MigrateError as error:
            if interrupted.is_set():
                error.exit_code = EXIT_INTERRUPTED
            raise
    last = process.status()
    if is_json:
        print(json.dumps(last), flush=True)
    else:
        common.say(status.to_line(last))
        print(f"run {name}: {last['stage']}, {last['rows_done']} of {last['rows']} rows")
        print(f"report: {sealed_report.to_text(last['report'])}")
    for note in last["notes"]:
        common.say(f"chtui: {note}")
    return 0 if facts.is_proven and not facts.skipped else EXIT_DIFFERENT


@contextmanager
def _ending(process: Process) -> Iterator[threading.Event]:
    """Let the process end at its next step when it is interrupted; a second signal ends it at once, which is safe too."""
    interrupted = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def end(number: int, _: FrameType | None) -> None:
        interrupted.set()
        for each in signals:
            signal.signal(each, signal.SIG_DFL)
        # Not here: what this interrupts may hold the lock that ending takes.
        why = f"{signal.Signals(number).name} came"
        threading.Thread(target=process.end, args=(why,), name="ending", daemon=True).start()

    before = [signal.signal(each, end) for each in signals]
    try:
        yield interrupted
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


@contextmanager
def _telling(process: Process, is_json: bool) -> Iterator[None]:
    """Tell progress every few seconds: a line for people, or one of JSON."""
    from chtui.migrate import status

    over = threading.Event()

    def tell() -> None:
        before = ""
        while not over.wait(TELL_SECONDS):
            document = process.status()
            line = json.dumps(document) if is_json else status.to_line(document)
            if line != before:
                print(line, file=sys.stdout if is_json else sys.stderr, flush=True)
            before = line

    thread = threading.Thread(target=tell, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
