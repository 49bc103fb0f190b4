"""Dialogs for changes: what a plan would do, with yes or no, and how its run goes."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chtui import commands
from chtui.act.plans import Plan
from chtui.act.progress import HostProgress, Progress, Stage, Verified
from chtui.records import HostId
from chtui.text import one_line, plural, sanitize, sanitize_block
from chtui.widgets.dialogs import scrolled

STAGE_STYLES = {
    Stage.PENDING: "$text-muted",
    Stage.SENT: "bold",
    Stage.DONE: "$text-success",
    Stage.FAILED: "bold $text-error",
    Stage.UNKNOWN: "bold $text-warning",
}
VERIFIED_STYLES = {
    Verified.SEEN: "$text-success",
    Verified.NOT_SEEN: "bold $text-warning",
    Verified.UNKNOWN: "bold $text-warning",
}
NOT_KNOWN = "not known"
"""What is said of a target of which nobody knows whether it is as it shall be."""
STAGE_WIDTH = max(len(stage) for stage in Stage)
FRAME = """
{name} {{ align: center middle; background: $background 60%; }}
{name} > Vertical {{ width: 95%; max-width: 140; height: 90%; border: round {border}; background: $surface; padding: 0 1; }}
{name} VerticalScroll {{ height: 1fr; scrollbar-size: 0 0; }}
{name} .title {{ text-style: bold; color: $text-accent; height: auto; max-height: 2; }}
{name} .rows {{ text-wrap: nowrap; text-overflow: ellipsis; }}
{name} .foot {{ color: $text-muted; height: 1; }}
{name} Input {{ height: 1; border: none; padding: 0; background: $panel; width: 1fr; }}
{name} Input:focus {{ border: none; }}
{name}:ansi, {name}:ansi Input {{ background: ansi_default; }}
{name}:ansi > Vertical {{ background: ansi_default; border: round ansi_default; }}
"""


class ConfirmPlan(ModalScreen[bool], inherit_bindings=False):
    """A plan to be read, and run or left: `y` runs it, or the typed name where something is lost for good; enter alone never does."""

    # First come, first served: here y and n are answers.
    BINDINGS = [
        Binding("y", "run", "Run", show=False),
        Binding("n", "leave", "Leave", show=False),
        *commands.bindings(),
    ]
    DEFAULT_CSS = FRAME.format(name="ConfirmPlan", border="$warning")

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def compose(self) -> ComposeResult:
        """Build the plan's parts, and what takes the answer."""
        plan = self.plan
        with Vertical():
            yield Static(one_line(plan.title), markup=False, classes="title")
            with VerticalScroll() as scroll:
                scroll.can_focus = True
                for text, are_rows in plan_parts(plan):
                    yield Static(text, markup=False, classes="rows" if are_rows else "")
            if self._is_typed:
                yield Static(
                    Content(f"type {sanitize(plan.typed_name)} and press enter to run it:"), markup=False
                )
                yield Input(select_on_focus=False, compact=True)
            yield Static(self._foot, markup=False, classes="foot")

    def on_mount(self) -> None:
        """Let the keys reach what takes the answer, and say while there is more to read."""
        self.query_one(Input if self._is_typed else VerticalScroll).focus()
        scroll = self.query_one(VerticalScroll)
        for what in ("scroll_y", "virtual_size", "container_size"):
            self.watch(scroll, what, self._foot_later)

    def _foot_later(self) -> None:
        # Once all sizes are known: they change one after another.
        self.call_after_refresh(self._show_foot)

    def _show_foot(self) -> None:
        scroll = self.query_one(VerticalScroll)
        more = "  more below" if scroll.scroll_offset.y < scroll.max_scroll_y else ""
        self.query_one(".foot", Static).update(f"{self._foot}{more}")

    @property
    def _is_typed(self) -> bool:
        return self.plan.is_destructive and bool(self.plan.steps)

    @property
    def _foot(self) -> str:
        if not self.plan.steps:
            return "nothing can be done  esc leave  j k scroll"
        if self._is_typed:
            return "esc leave  up down pgup pgdn scroll"
        return "y run it  n esc q leave  j k scroll"

    def action_run(self) -> None:
        """Say yes, where `y` is enough."""
        if self.plan.steps and not self._is_typed:
            self.dismiss(True)

    def action_leave(self) -> None:
        """Say no."""
        self.dismiss(False)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self.plan.typed_name:
            self.dismiss(True)
        else:
            self.query_one(".foot", Static).update("that is not the name; nothing was sent  esc leave")

    @on(commands.Command)
    def _obey(self, command: commands.Command) -> None:
        """Leave, scroll or quit; any other command waits until there is an answer."""
        if isinstance(command, commands.Quit | commands.Interrupt):
            return
        command.stop()
        if isinstance(command, commands.Back):
            self.dismiss(False)
        elif isinstance(command, commands.MoveCursor):
            scrolled(self.query_one(VerticalScroll), command)


class PlanProgress(ModalScreen[None], inherit_bindings=False):
    """How a run goes, host by host; leaving it does not stop the run."""

    BINDINGS = commands.bindings()
    DEFAULT_CSS = FRAME.format(name="PlanProgress", border="$primary")

    class Moved(Message):
        """The run has come further; may be posted from any thread."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress
        """What is drawn."""

    def compose(self) -> ComposeResult:
        """Build title and rows."""
        with Vertical():
            yield Static(one_line(self.progress.plan.title), markup=False, classes="title")
            with VerticalScroll() as scroll:
                scroll.can_focus = True
                yield Static("", markup=False, id="hosts")
            yield Static("", markup=False, classes="foot")

    def on_mount(self) -> None:
        """Draw what is known, and let the keys reach it."""
        self.query_one(VerticalScroll).focus()
        self._draw()

    def show(self, progress: Progress) -> None:
        """Draw a newer state; from the app's own thread."""
        self.progress = progress
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        self.query_one("#hosts", Static).update(progress_text(self.progress))
        end = "esc close" if self.progress.is_over else "esc close, the run goes on"
        self.query_one(".foot", Static).update(f"{_state_word(self.progress)}  {end}  j k scroll")

    @on(Moved)
    def _moved(self, message: Moved) -> None:
        message.stop()
        self.show(message.progress)

    @on(commands.Back)
    def _leave(self, command: commands.Command) -> None:
        command.stop()
        self.dismiss(None)

    @on(commands.MoveCursor)
    def _scroll(self, command: commands.MoveCursor) -> None:
        command.stop()
        scrolled(self.query_one(VerticalScroll), command)


def plan_parts(plan: Plan) -> list[tuple[Content, bool]]:
    """Return what a person must know of a plan, part by part, and whether a part is rows that are cut at the window's edge."""
    parts: list[tuple[Content, bool]] = [(Content(f"cluster {one_line(plan.cluster, 100)}"), False)]
    if plan.targets:
        rows = [
            (target.host, f"{sanitize(target.name, 200)}  {one_line(target.text, 1000)}")
            for target in plan.targets
        ]
        parts += [(_heading("What"), False), (_by_host(rows), True)]
    if plan.left_out:
        many = f"Left out: {len(plan.left_out)}"
        left = [(one.host, f"{sanitize(one.name, 200) or '(no name)'}: {one.why}") for one in plan.left_out]
        parts += [(_heading(many), False), (_by_host(left), False)]
    if plan.steps:
        statements = plural(len(plan.steps), "statement")
        texts = [(step.host, sanitize_block(step.text)) for step in plan.steps]
        parts += [
            (_heading(f"Sent as it stands: {statements}, to each host directly"), False),
            (_by_host(texts), False),
        ]
        parts += [(_heading("Expected"), False), (Content(f"  {plan.expected}"), False)]
        parts += [(_heading("Verified"), False), (Content(f"  {plan.verified_by}"), False)]
    if plan.is_destructive:
        parts.append((Content.styled("This cannot be undone.", "bold $text-error"), False))
    return parts


def progress_text(progress: Progress) -> Content:
    """Return the run's hosts with their states, and what is gone and what is left."""
    width = max((len(str(host.host)) for host in progress.hosts), default=0)
    lines: list[Content] = []
    for host in progress.hosts:
        lines.extend(_host_lines(progress.plan, host, width))
    return Content("\n").join(lines)


def _host_lines(plan: Plan, host: HostProgress, width: int) -> list[Content]:
    head = Content(f"{one_line(host.host):<{width}}  ") + Content.styled(
        f"{host.stage:<{STAGE_WIDTH}}", STAGE_STYLES[host.stage]
    )
    if host.steps > 1:
        head += Content(f"  {host.answered}/{host.steps} statements")
    if host.why:
        head += Content(f"  {host.why}")
    lines = [head]
    if host.verified not in (Verified.NOT_YET, Verified.NOTHING):
        word = Content.styled(str(host.verified), VERIFIED_STYLES.get(host.verified, ""))
        lines.append(Content("  ") + word + Content(f": {_seen(plan, host)}"))
    left_word = NOT_KNOWN if host.verified is Verified.UNKNOWN else plan.left_word
    for name in host.left:
        untold = "  (the server has not taken notice)" if name in host.untold else ""
        lines.append(Content(f"    {left_word}: {sanitize(name, 200)}{untold}"))
    lines.extend(Content(f"    {plan.done_word}: {sanitize(name, 200)}") for name in host.gone)
    return lines


def _seen(plan: Plan, host: HostProgress) -> str:
    """What was seen of a host's targets, or why nobody knows."""
    if host.verified is Verified.UNKNOWN:
        return host.verified_why
    counts = f"{len(host.gone)} {plan.done_word}, {len(host.left)} {plan.left_word}"
    return f"{counts}  {host.verified_why}".rstrip()


def _state_word(progress: Progress) -> str:
    if not progress.is_over:
        return "running"
    return "all done and verified" if progress.is_good else "over, not all went well"


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-accent")


def _by_host(rows: Iterable[tuple[HostId, str]]) -> Content:
    """Rows under the names of their hosts."""
    by_host: dict[HostId, list[str]] = {}
    for host, text in rows:
        by_host.setdefault(host, []).append(text)
    lines: list[str] = []
    for host, texts in by_host.items():
        lines.append(f"  {one_line(host)}")
        lines.extend(f"    {line}" for text in texts for line in text.split("\n"))
    return Content("\n".join(lines))
