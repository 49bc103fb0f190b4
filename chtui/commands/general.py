"""Commands of the whole console."""

from __future__ import annotations

from chtui.commands.base import Command, TakesKeyboard


class Ask(TakesKeyboard):
    """Open the command line."""

    keys, shown = "colon", ":"
    title, help, footer = "Command line", "Type a command; tab completes, enter runs it, esc leaves.", "cmd"


class Filter(TakesKeyboard):
    """Open the filter line."""

    keys, shown = "slash", "/"
    title, help, footer = (
        "Filter rows",
        "Show only rows that match a regular expression; a leading ! inverts; empty shows all.",
        "filter",
    )
    group = "Table"


class Help(Command):
    """Show the help."""

    keys, shown = "question_mark", "?"
    title, help, footer = "Help", "Every key and command.", "help"
    names = ("help",)


class Palette(Command):
    """Open the palette."""

    keys, shown = "ctrl+p", "ctrl+p"
    title, help = "Command palette", "Find any command by its name."


class Back(Command):
    """Leave what is open."""

    keys, shown = "escape,q", "esc q"
    title, help, footer = "Back", "Close what is open; on a pane, clear the filter.", ""


class Quit(Command):
    """Leave chtui."""

    keys, shown = "Q,shift+q", "Q"
    title, help, footer = "Quit", "Leave chtui at once; no host is waited for.", "quit"
    names = ("quit", "q")


class Interrupt(Command):
    """Leave chtui as ctrl+c does."""

    keys, shown = "ctrl+c", "ctrl+c"
    title, help = "Interrupt", "Leave chtui with exit code 130."


class Pause(Command):
    """Stop or resume polling."""

    keys, shown = "p", "p"
    title, help, footer = "Pause", "Stop asking the servers, or go on; host states are asked always.", "pause"
    names = ("pause",)


class Refresh(Command):
    """Ask everything now."""

    keys, shown = "r", "r"
    title, help, footer = "Refresh", "Ask everything the pane shows at once.", "refresh"
    names = ("refresh",)


class UseTheme(Command):
    """Choose a theme."""

    title, help = "Theme", "Choose a theme by name; without a name the next one."
    names, takes = ("theme",), "NAME"
