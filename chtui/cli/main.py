"""From parsed arguments to the one call that does the work, and what it prints."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from chtui.cli.parser import build_parser
from chtui.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from chtui.profile.effective import Effective
    from chtui.session import Session

EXIT_BAD_INPUT, EXIT_UNCHECKED = 2, 3
FLAGS_WITH_VALUE = frozenset(
    {
        "-C",
        "--host",
        "--user",
        "--cluster",
        "--ca-file",
        "--access",
        "--password-file",
        "--config",
        "--theme",
        "--pane",
    }
)
"""Flags before the command that are followed by a value; a test holds them against the parser."""


def main(argv: Sequence[str]) -> int:
    """Run a command line; return the exit code.

    Raises:
        ChtuiError: it cannot be done; the error says why in one line.
    """
    try:
        if any(word == "--password" or word.startswith("--password=") for word in argv):
            raise UsageError("a password cannot be an argument", fix="use --ask-password or --password-file")
        arguments = build_parser().parse_args(argv)
        commands = {
            None: console,
            "demo": demo,
            "check": check,
            "show": show,
            "config": config,
            "migrate": migrate,
            "completion": completion,
        }
        return commands[arguments.command](arguments)
    except UsageError as error:
        # For `check`, Nagios and the like read 2 as critical: what could not be checked is 3.
        error.exit_code = EXIT_UNCHECKED if _is_check(argv) else error.exit_code
        raise


def _is_check(argv: Sequence[str]) -> bool:
    """Whether the arguments mean `check`, though they could not be parsed; a flag's value is no command."""
    before = ""
    for word in argv:
        if not word.startswith("-") and before not in FLAGS_WITH_VALUE:
            return word == "check"
        before = word
    return False


def effective(arguments: argparse.Namespace) -> Effective:
    """Return the profile and settings that the arguments and everything else give.

    Raises:
        ConfigError: a source that is needed cannot be used.
    """
    from chtui.profile.effective import Options, resolve

    names = ("profile_name", "user", "cluster", "secure", "insecure", "ca_file", "access", "password_file", "ask_password",
             "config_file", "theme", "mouse", "slow_link", "default_pane")  # fmt: skip
    options = Options(hosts=tuple(arguments.host), **{name: getattr(arguments, name) for name in names})
    return resolve(options, os.environ, prompt=getpass if sys.stdin.isatty() else None)


def resolved(arguments: argparse.Namespace) -> Effective:
    """Return the settings with the password in hand: a prompt must come before the screen does.

    Raises:
        ConfigError: configuration or password cannot be had.
    """
    found = effective(arguments)
    found.profile.credentials.secret.reveal()
    return found


def open_session(arguments: argparse.Namespace, every_seconds: float | None = None) -> Session:
    """Return a session for one question; with `every_seconds`, for two that are so far apart.

    Raises:
        ConfigError: configuration or password cannot be had.
    """
    from chtui.session import Session

    found = resolved(arguments)
    if every_seconds is not None:
        found = found._replace(intervals=type(found.intervals)(*[every_seconds] * len(found.intervals)))
    return Session(found)


def console(arguments: argparse.Namespace) -> int:
    """Open the console."""
    # Nothing made while importing is garbage: looking for some costs the first paint a tenth. The app enables it again.
    gc.disable()
    from chtui.cli.console import require_terminal, run_console
    from chtui.profile.effective import Options

    require_terminal()
    return run_console(resolved(arguments), Options(config_file=arguments.config_file))


def demo(arguments: argparse.Namespace) -> int:
    """Start the embedded cluster, and the console on it."""
    from chtui.cli.demo import run

    return run(arguments)


def check(arguments: argparse.Namespace) -> int:
    """Print what is wrong; the exit code says how bad it is."""
    from chtui.errors import ConfigError
    from chtui.health.rules import WANTS, assess
    from chtui.views import export

    try:
        session = open_session(arguments)
    except ConfigError as error:
        error.exit_code = EXIT_UNCHECKED
        raise
    snapshot = session.collect(WANTS, arguments.timeout)
    assessment = assess(snapshot)
    if not snapshot.hosts and not arguments.json:
        raise UnreachableError(snapshot.error or "no seed host answered in time")
    print((export.assessment_json if arguments.json else export.assessment_text)(snapshot, assessment))
    return assessment.exit_code


def show(arguments: argparse.Namespace) -> int:
    """Print one page once."""
    if arguments.page == "fleet" and not arguments.subject:
        from chtui.cli.fleet import run

        return run(arguments)
    from chtui.views import export, pages
    from chtui.views.panes import page, typed_link
    from chtui.views.status import status

    link = typed_link([arguments.page, *arguments.subject])
    part = page(link.page).part(link.part)
    assert part is not None
    snapshot = open_session(arguments, every_seconds=arguments.interval).collect(
        part.wants(link.subject), arguments.timeout, samples=2 if arguments.interval else 1
    )
    if not snapshot.hosts:
        unknown_cluster = UsageError(snapshot.error or "")
        raise (
            unknown_cluster
            if snapshot.clusters
            else UnreachableError(snapshot.error or "no seed host answered in time")
        )
    if not any(host.state.answers for host in snapshot.hosts) and not (arguments.json or arguments.csv):
        print("chtui: no host of the cluster answers", file=sys.stderr)
    facts = part.facts(snapshot, link.subject)
    if arguments.json:
        name = link.page if part.name == link.page else f"{link.page}.{part.name}"
        print(export.envelope(snapshot, name, facts, pages.unavailable(part, snapshot, link.subject)))
    elif arguments.csv:
        print(export.to_csv(part.record, facts), end="")
    else:
        notes = pages.notes(part, snapshot, link.subject)
        for banner in (*status(snapshot).banners, *(note for note in notes if note.style == "warning")):
            print(f"! {banner.text}", file=sys.stderr)
        print(export.to_text(pages.table(part, snapshot, link.subject)))
    return 0


def config(arguments: argparse.Namespace) -> int:
    """Show or check the configuration."""
    if arguments.action == "check":
        return config_check(arguments)
    if arguments.action == "render":
        from chtui.cli.migrating.verbs import render

        return render(arguments)
    found = effective(arguments)
    if arguments.json:
        print(
            json.dumps(
                [
                    {"key": origin.key, "value": origin.value_shown, "origin": origin.origin}
                    for origin in found.origins
                ],
                indent=2,
            )
        )
    else:
        width = max(len(origin.key) for origin in found.origins)
        values = max(len(origin.value_shown) for origin in found.origins)
        for origin in found.origins:
            print(f"{origin.key:<{width}}  {origin.value_shown:<{min(values, 48)}}  {origin.origin}")
    for warning in found.warnings:
        print(f"chtui: {warning}", file=sys.stderr)
    return 0


def config_check(arguments: argparse.Namespace) -> int:
    """Print every problem of a configuration file, a line each."""
    from chtui import paths
    from chtui.profile.check import check_file

    path = Path(arguments.file or arguments.config_file or paths.config_file())
    problems = check_file(path)
    for problem in problems:
        print(f"chtui: {problem.line}", file=sys.stderr)
    if not problems:
        print(f"{path}: no problem found")
    return EXIT_BAD_INPUT if problems else 0


def migrate(arguments: argparse.Namespace) -> int:
    """Move tables to another schema."""
    from chtui.cli.migrating.verbs import run

    def found() -> Effective:
        profile = resolved(arguments)
        if profile.profile.write is not None:
            profile.profile.write.secret.reveal()
        return profile

    return run(arguments, found)


def completion(arguments: argparse.Namespace) -> int:
    """Print a shell's completion script."""
    import shtab

    print(shtab.complete(build_parser(), arguments.shell))
    return 0
