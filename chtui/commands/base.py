"""Every command: one class holds its key, its words in footer, palette and help, and is the message that asks for it.

A command is asked by posting it to the focused widget; it bubbles through the screen to the app, and whoever can do it
stops it. Nothing here does anything.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

REGISTRY: dict[str, type[Command]] = {}
"""Every command that can be asked, by its name in `action_ask`."""


class Command(Message):
    """Something a person can ask for."""

    keys: ClassVar[str] = ""
    """Keys in Textual's spelling, separated by commas."""
    shown: ClassVar[str] = ""
    """How help and footer spell the keys."""
    title: ClassVar[str] = ""
    """What the palette and the help call it."""
    help: ClassVar[str] = ""
    """What it does, in one sentence."""
    footer: ClassVar[str] = ""
    """Its word in the footer; empty to leave it out."""
    names: ClassVar[tuple[str, ...]] = ()
    """What it is called after `:`."""
    takes: ClassVar[str] = ""
    """What its argument after `:` is; empty if it takes none."""
    group: ClassVar[str] = "General"
    is_dangerous: ClassVar[bool] = False
    """Whether it changes a server: armed only."""

    def __init__(self, argument: str = "") -> None:
        super().__init__()
        self.argument = argument
        """What was typed after the command's name."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)  # type: ignore[arg-type]
        if cls.title:
            REGISTRY[cls.__name__] = cls

    @classmethod
    def binding(cls) -> Binding:
        """Return the Textual binding that asks for this command."""
        # Keys come in bursts over a slow line: one that moves the focus must act before the next key is handed on.
        priority = issubclass(cls, TakesKeyboard)
        return Binding(
            cls.keys, f"app.ask('{cls.__name__}')", cls.title, show=False, priority=priority, id=cls.__name__
        )


class TakesKeyboard(Command):
    """A command whose effect takes the keys that follow."""


def bindings() -> list[BindingType]:
    """Return the bindings of all commands that have keys."""
    return [command.binding() for command in REGISTRY.values() if command.keys]


def by_name(text: str) -> tuple[type[Command], str] | None:
    """Return the command typed after `:` and its argument; None if there is no such command.

    A beginning that fits one command only will do. A page's name, with or without a part, is short for `open` and that page.
    """
    from chtui.views.panes import PAGE_NAMES

    word, _, argument = text.strip().partition(" ")
    found = {name: command for command in REGISTRY.values() for name in command.names}
    if word in found:
        return found[word], argument.strip()
    if word.partition(".")[0] in PAGE_NAMES:
        return found["open"], text.strip()
    beginning = {found[name] for name in found if word and name.startswith(word)}
    return (beginning.pop(), argument.strip()) if len(beginning) == 1 else None


def completions() -> list[str]:
    """Return every name that can be typed after `:`, sorted."""
    return sorted(name for command in REGISTRY.values() for name in command.names)
