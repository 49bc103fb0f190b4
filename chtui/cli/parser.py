"""The arguments. Passwords are not among them: what stands in argv, everybody on the machine can read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from chtui import __version__
from chtui.cli.migrating import arguments as migrating
from chtui.errors import UsageError

PANES = ("replicas", "queues", "tables", "storage", "queries", "merges", "keeper")
"""The panes; a test holds them against the pages there are. Here by name, because their code loads late."""
PAGES = (
    "replicas",
    "queues",
    "queue",
    "queue_entry",
    "ddl_entry",
    "tables",
    "table",
    "partition",
    "storage",
    "queries",
    "query",
    "query_pattern",
    "merges",
    "mutation",
    "host",
    "replica",
    "replica_set",
    "keeper",
    "znode",
)
"""What `show` can show."""

LEADING_FLAGS = frozenset(
    {"-C", "--host", "--user", "--cluster", "--secure", "--insecure", "--ca-file", "--access", "--password-file",
     "--ask-password", "--config", "--theme", "--mouse", "--slow-link", "--pane"}
)  # fmt: skip
"""Flags that stand before the command; a test holds them against the parser."""

EPILOG = "Without a command the console opens. Exit codes of check: 0 ok, 1 warning, 2 critical, 3 could not check."


class Parser(argparse.ArgumentParser):
    """argparse, with its mistakes as one line like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing usage.

        Raises:
            UsageError: always.
        """
        fix = f"see {self.prog} --help"
        unknown = message.removeprefix("unrecognized arguments: ").split()
        if unknown and unknown[0].partition("=")[0] in LEADING_FLAGS:
            fix = f"flags for the connection and the console stand before the command; {fix}"
        raise UsageError(message, fix=fix)


def build_parser() -> Parser:
    """Return the whole command line."""
    parser = Parser(
        prog="chtui",
        description="The console for ClickHouse clusters on call.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"chtui {__version__}")
    _connection(parser)
    _ui(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    demo = commands.add_parser(
        "demo", help="start an embedded cluster, and the console on it", allow_abbrev=False
    )
    _demo(demo)
    check = commands.add_parser(
        "check",
        help="print what is wrong; exit 0 ok, 1 warning, 2 critical, 3 could not check",
        allow_abbrev=False,
    )
    check.add_argument("--json", action="store_true", help="as JSON")
    _patience(check)
    show = commands.add_parser("show", help="print one pane once", allow_abbrev=False)
    show.add_argument(
        "page", metavar="PAGE[.PART]", help=f"which page, and which of its parts: {', '.join(PAGES)}"
    )
    show.add_argument(
        "subject", nargs="*", metavar="SUBJECT", help="what the page is about, as a table's database and name"
    )
    form = show.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--csv", action="store_true", help="as CSV")
    show.add_argument(
        "--interval",
        type=_seconds,
        metavar="SECONDS",
        help="ask twice, so far apart, so that there are rates",
    )
    _patience(show)
    config = commands.add_parser("config", help="show or check the configuration", allow_abbrev=False)
    actions = config.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    shown = actions.add_parser("show", help="effective settings and where each came from", allow_abbrev=False)
    shown.add_argument("--json", action="store_true", help="as JSON")
    checked = actions.add_parser("check", help="check a configuration file", allow_abbrev=False)
    checked.add_argument("file", nargs="?", help="the file; chtui's own without it")
    migrating.add_render(actions)
    migrating.add_parser(commands)
    completion = commands.add_parser(
        "completion", help="print a shell's completion script", allow_abbrev=False
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")
    return parser


def _connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument(
        "-C",
        dest="profile_name",
        metavar="NAME",
        help="a profile, or a connection of clickhouse-client's file",
    )
    group.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="a seed host and its HTTP port; may be repeated",
    )
    group.add_argument("--user", help="the user to read as")
    group.add_argument("--cluster", metavar="NAME", help="the cluster of system.clusters to show")
    group.add_argument("--secure", action="store_const", const=True, default=None, help="use HTTPS")
    group.add_argument("--insecure", action="store_true", help="do not verify the certificate")
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM certificates to trust")
    group.add_argument(
        "--access", choices=("direct", "through"), help="each host by itself, or all through one"
    )
    group.add_argument("--password-file", type=Path, metavar="FILE", help="a file that holds the password")
    group.add_argument("--ask-password", action="store_true", help="ask for the password")
    group.add_argument(
        "--config",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="another configuration file than one's own",
    )


def _ui(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("console")
    group.add_argument("--theme", metavar="NAME", help="the colours")
    group.add_argument(
        "--mouse", action="store_const", const=True, default=None, help="let the mouse wheel scroll"
    )
    group.add_argument("--slow-link", action="store_const", const=True, default=None, help="draw less often")
    group.add_argument("--pane", dest="default_pane", choices=PANES, help="the pane to begin with")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", type=_count, metavar="N", help="shards (2, or as the folder was made)")
    parser.add_argument(
        "--replicas", type=_count, metavar="N", help="replicas of each shard (2, or as the folder was made)"
    )
    parser.add_argument("--dir", metavar="D", help="keep the data in this folder, and resume what is there")
    parser.add_argument("--rows", type=_count, metavar="N", help="how many spans to fill in")
    parser.add_argument("--seed", type=int, metavar="N", help="what the data are derived from")
    parser.add_argument(
        "--headless",
        action="store_true",
        help="no console: print one line of JSON when ready, stay until interrupted",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="with --headless: start nodes and services again that were killed",
    )
    parser.add_argument("--no-load", action="store_true", help="no live load")
    parser.add_argument(
        "--services",
        action="store_true",
        help="also start stand-ins for the services that write and read telemetry, told over HTTP what to do",
    )
    parser.add_argument(
        "--zookeeper", action="store_true", help="also start Debian's ZooKeeper and Replicated tables on it"
    )


def _patience(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long to wait for all hosts (10)",
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise ValueError(text)
    return value


_count.__name__, _seconds.__name__ = "count", "seconds"  # argparse says "invalid count value"
