"""A run that is gone on with elsewhere: without its journal, with a copy of it, and after its holder is heard of no more."""

from __future__ import annotations

import json
import shutil
from collections import Counter

from chtui.migrate import facts, journal
from tests.engine.commands import command
from tests.engine.test_migrate_run import Small, begun, ended, paced, small
from tests.support import ModernRig


def test_a_takeover_without_the_journal_measures_and_copies_anew(modern: ModernRig) -> None:
    with command() as other, small(modern, "taken", paced("taken")) as run, begun(run) as (process, hurry):
        other.profile(modern, "admin")
        second = Small(modern, other, run.name, run.spec, run.case)
        lacking = second.takeover()
        assert lacking.code == 1
        assert "there is no journal of run taken here" in lacking.err
        held = second.takeover("--rebuild")
        assert held.code == 4
        assert "holds the lease of run taken" in held.err
        hurry()
        done = second.takeover("--rebuild", "--force")
        assert done.code == 0, done.err
        assert f"pid {process.pid}" in done.err
        assert ended(process).code == 4, "it sees that it has the lease no more"
        run.is_exact()


def proven(run: Small) -> Counter[str]:
    """How often the run's journal says of each cell that it was proven."""
    _, events = journal.read(run.name, directory=run.folder)
    return Counter(str(event.facts["cell"]) for event in events if event.kind == facts.PROVEN)


def test_a_takeover_with_a_copy_of_the_journal_goes_on(modern: ModernRig) -> None:
    with (
        command() as other,
        small(modern, "carried", paced("carried")) as run,
        begun(run) as (process, hurry),
    ):
        other.profile(modern, "admin")
        second = Small(modern, other, run.name, run.spec, run.case)
        run.until(lambda status: status["cells"]["proven"], "a cell")
        process.kill()
        process.wait()
        shutil.copytree(run.folder, second.folder)
        before = proven(second)
        held = second.takeover()
        assert held.code == 4, "nobody here knows that it is dead"
        assert "holds the lease of run carried" in held.err
        assert proven(second) == before
        hurry()
        done = second.takeover("--force")
        assert done.code == 0, done.err
        assert f"pid {process.pid}" in done.err
        after = proven(second)
        assert {cell: after[cell] for cell in before} == before, "what was proven is not copied again"
        assert len(after) > len(before)
        run.is_exact()
        refused = run("run", "--yes")
        assert refused.code == 4, "the machine it came from has an old journal now"
        assert "run carried went on with another journal" in refused.err
        status = json.loads(second("status", "--json").out)
        assert status["cells"]["proven"] == sum(status["cells"].values())
