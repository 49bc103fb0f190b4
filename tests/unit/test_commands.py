"""The commands: their keys, words and names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.binding import Binding

from chtui import commands
from chtui.commands import REGISTRY, Command, by_name

KEYED = [command for command in REGISTRY.values() if command.keys]
NEVER_BOUND = {
    "ctrl+h",
    "ctrl+s",
    "ctrl+z",
    "ctrl+q",
    "alt",
    "ctrl+m",
    "ctrl+i",
    "ctrl+j",
    "ctrl+left_square_bracket",
}
"""What terminals send for other keys, stop their output or suspend with; and what Textual itself would quit with."""


def below(command: type[Command]) -> Iterator[type[Command]]:
    for child in command.__subclasses__():
        yield child
        yield from below(child)


def keys(command: type[Command]) -> list[str]:
    return command.keys.split(",")


def test_every_command_is_in_the_registry() -> None:
    kinds = {commands.OpenPane, commands.TakesKeyboard, commands.MoveCursor}
    found = set(below(Command))
    assert found - kinds == set(REGISTRY.values())
    assert {command.__name__ for command in found - kinds} == set(REGISTRY)
    assert not any(kind.title or kind.keys or kind.names for kind in kinds)
    assert len(REGISTRY) >= 27


@pytest.mark.parametrize("command", REGISTRY.values(), ids=lambda command: command.__name__)
def test_every_command_says_what_it_does(command: type[Command]) -> None:
    assert command.title
    assert command.help.endswith(".")
    assert command.title.isprintable()
    assert command.group in ("General", "Panes", "Table", "Danger", "Move")
    assert bool(command.keys) == bool(command.shown)
    assert command.keys or command.names
    assert not command.footer or command.shown
    assert not command.takes or command.names


def test_no_two_commands_share_a_key_a_name_or_a_title() -> None:
    for given in (
        [key for command in KEYED for key in keys(command)],
        [name for command in REGISTRY.values() for name in command.names],
        [command.title for command in REGISTRY.values()],
    ):
        assert sorted(set(given)) == sorted(given)


def test_no_key_is_one_a_terminal_takes_for_itself() -> None:
    bound = {key for command in KEYED for key in keys(command)}
    assert bound & NEVER_BOUND == set()
    assert not any(key.startswith("alt+") or " " in key or not key for key in bound)


def test_the_keys_of_the_grammar() -> None:
    found = {key: command.__name__ for command in KEYED for key in keys(command)}
    grammar = {
        "colon": "Ask", "slash": "Filter", "question_mark": "Help", "enter": "Open", "escape": "Back", "q": "Back",
        "Q": "Quit", "h": "CursorLeft", "j": "CursorDown", "k": "CursorUp", "l": "CursorRight", "g": "CursorTop",
        "G": "CursorBottom", "space": "Mark", "s": "Sort", "S": "SortReverse", "d": "Detail", "y": "CopyCell", "p": "Pause",
        "r": "Refresh", "ctrl+p": "Palette", "2": "OpenReplicas", "ctrl+c": "Interrupt",
    }  # fmt: skip
    assert {key: found.get(key) for key in grammar} == grammar


def test_bindings() -> None:
    made = [binding for binding in commands.bindings() if isinstance(binding, Binding)]
    assert [binding.key for binding in made] == [command.keys for command in KEYED]
    assert [binding.action for binding in made] == [f"app.ask('{command.__name__}')" for command in KEYED]
    assert [binding.id for binding in made if binding.priority] == ["Ask", "Filter"]
    assert not any(binding.show for binding in made)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("replicas", (commands.OpenReplicas, "")),
        ("rep", (commands.OpenReplicas, "")),
        ("refr", (commands.Refresh, "")),
        ("re", None),
        ("q", (commands.Quit, "")),
        ("qui", (commands.Quit, "")),
        ("  theme   nord  ", (commands.UseTheme, "nord")),
        ("theme", (commands.UseTheme, "")),
        ("th two words", (commands.UseTheme, "two words")),
        ("merges.mutations", (commands.OpenPage, "merges.mutations")),
        (" table.columns otel traces ", (commands.OpenPage, "table.columns otel traces")),
        ("table otel traces", (commands.OpenPage, "table otel traces")),
        ("tables", (commands.OpenTables, "")),
        ("tabl.columns", None),
        ("nope", None),
        ("replicasx", None),
        ("REPLICAS", None),
        ("", None),
        ("   ", None),
    ],
)
def test_names_and_their_beginnings(typed: str, found: tuple[type[Command], str] | None) -> None:
    assert by_name(typed) == found


def test_names_that_can_be_completed() -> None:
    assert commands.completions() == sorted(commands.completions())
    assert {"replicas", "quit", "theme", "help", "pause", "refresh"} <= set(commands.completions())
    assert all(by_name(name) is not None for name in commands.completions())


def test_an_argument_is_carried() -> None:
    assert commands.UseTheme("nord").argument == "nord"
    assert commands.Help().argument == ""
