"""The self test as one thing: an embedded cluster started, cases carried out on it, nothing left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from chtui.demo.selftest.carrying import calm_seconds, carry_out
from chtui.demo.selftest.case import CASE
from chtui.demo.selftest.cases import Fault
from chtui.demo.selftest.rig import embedded
from chtui.demo.selftest.verdicts import Verdict
from chtui.errors import DemoError


class Kept:
    """Where folders of failed cases go: one temporary folder, made for the first of them."""

    def __init__(self) -> None:
        self.path: Path | None = None
        """None while there is none."""

    def keep(self, folder: Path) -> Path:
        """Move a case's folder there and return where it is.

        Raises:
            OSError: it cannot be moved.
        """
        if self.path is None:
            self.path = Path(tempfile.mkdtemp(prefix="chtui-selftest-"))
        # it holds the password of a cluster that will be gone
        (folder / CASE).unlink(missing_ok=True)
        return Path(shutil.move(folder, self.path))


def run(
    faults: Sequence[Fault], tell: Callable[[Verdict], None], say: Callable[[str], None], kept: Kept
) -> None:
    """Carry out cases of the embedded cluster; `tell` is given each verdict, `say` what is being done, in a line.

    Raises:
        DemoError: the cluster cannot be started, or a file not be written.
        ChtuiError: a server does not come back, or not do as it is asked.
    """
    try:
        with embedded(say) as (rig, folder):
            calm = 0.0
            if any(fault.at_ratio for fault in faults):
                calm = calm_seconds(rig, folder)
                say(f"a run that nothing befalls takes {calm:.1f} s")
            for fault in faults:
                tell(carry_out(rig, fault, folder, calm, kept.keep))
    except OSError as error:
        raise DemoError(
            f"a file of the test cannot be used: {error.strerror or type(error).__name__}",
            where=str(error.filename or tempfile.gettempdir()),
            fix="put that right, or name another folder in TMPDIR",
        ) from error
