"""The line at the bottom that takes a command (`:`) or a filter (`/`)."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """Hidden until opened; esc closes it, enter submits."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; padding: 0 1; }
    Prompt Static { width: 1; color: $text-accent; }
    Prompt Input { height: 1; border: none; padding: 0; background: $panel; width: 1fr; }
    Prompt Input:focus { border: none; }
    Prompt:ansi, Prompt:ansi Input { background: ansi_default; }
    """

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            """`:` or `/`."""
            self.text = text

    class Changed(Message):
        """The text changed."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    class Closed(Message):
        """The prompt was left without a word."""

        def __init__(self, sign: str) -> None:
            super().__init__()
            self.sign = sign

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sign = ":"
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        """Build sign and input."""
        yield Static(":", markup=False)
        yield _Line()

    @property
    def is_open(self) -> bool:
        """Whether it takes keys."""
        return bool(self.display)

    def open(self, sign: str, text: str, names: list[str]) -> None:
        """Show it with `text` in it; `names` complete what is typed."""
        self._sign, self._names = sign, names
        self.query_one(Static).update(sign)
        line = self.query_one(_Line)
        line.suggester = SuggestFromList(names, case_sensitive=True) if names else None
        with self.prevent(Input.Changed):
            line.value = text
        self.display = True
        # At once, not when the loop comes to it: the next key may be here already, and belongs to the prompt.
        self.screen.set_focus(line)

    def close(self) -> None:
        """Hide it."""
        self.display = False

    def submit(self, text: str) -> None:
        """Hide it and say what was typed."""
        self.close()
        self.post_message(self.Submitted(self._sign, text))

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(self._sign, event.value))

    def leave(self) -> None:
        """Hide it and say so."""
        self.close()
        self.post_message(self.Closed(self._sign))

    def complete(self, line: Input) -> None:
        """Take the first name that begins with what is typed."""
        found = next((name for name in self._names if name.startswith(line.value)), None)
        if found is not None and line.value:
            line.value = found
            line.cursor_position = len(found)


class _Line(Input):
    """The input; esc and tab are the prompt's."""

    def __init__(self) -> None:
        super().__init__(select_on_focus=False, compact=True)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        prompt = self.parent
        assert isinstance(prompt, Prompt)
        if not prompt.is_open:
            # Typed in one burst with what closed the prompt: it belongs to whoever has the focus now.
            event.stop()
            event.prevent_default()
            self.app.post_message(events.Key(event.key, event.character))
            return
        if event.key in ("enter", "escape", "tab"):
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                # At once: an enter typed in one burst with this one opens the row.
                prompt.submit(self.value)
            elif event.key == "escape":
                prompt.leave()
            else:
                prompt.complete(self)
            return
        await super()._on_key(event)
