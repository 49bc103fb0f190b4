"""The command line's arguments."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chtui import __version__
from chtui.cli.main import main
from chtui.cli.parser import PAGES, PANES, build_parser
from chtui.errors import UsageError
from chtui.views import panes

ROOT = Path(__file__).parents[2]

MIGRATE = (
    "init", "preflight", "plan", "rehearse", "run", "takeover", "status", "pause", "resume", "abort", "skip", "set", "confirm", "accept",
    "dual-write", "cutover", "rollback", "drop-source", "verify", "cleanup", "selftest",
)  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def actions() -> list[argparse.Action]:
    return [action for parser in parsers(build_parser()) for action in parser._actions]


def refusal(*arguments: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        main(arguments)
    return caught.value


def test_panes_are_the_same_everywhere() -> None:
    from chtui.app import ChtuiApp

    assert set(PANES) == set(ChtuiApp.MODES) <= set(PAGES) == set(panes.PAGE_NAMES)


def test_no_argument_takes_a_password() -> None:
    named = [action for action in actions() if any("pass" in option for option in action.option_strings)]
    assert [action.option_strings for action in named] == [["--password-file"], ["--ask-password"]]
    assert named[0].type is Path
    assert named[1].nargs == 0


def test_every_argument_and_command_has_help() -> None:
    assert [
        action.dest
        for action in actions()
        if not action.help and action.dest not in ("command", "action", "verb")
    ] == []
    assert {parser.prog for parser in parsers(build_parser())} == {
        "chtui", "chtui demo", "chtui check", "chtui show", "chtui config", "chtui config show", "chtui config check",
        "chtui config render", "chtui completion", "chtui migrate", *(f"chtui migrate {verb}" for verb in MIGRATE),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["show", "replicas", "--nope\x1b[31mmore"], "unrecognized arguments: --nope?[31mmore"),
        (["show"], "the following arguments are required: PAGE[.PART]"),
        (["show", "replicas", "--json", "--csv"], "--csv: not allowed with argument --json"),
        (["config"], "the following arguments are required: ACTION"),
        (["nope"], "invalid choice: 'nope'"),
        (["--access", "else"], "invalid choice: 'else'"),
        (["demo", "--shards", "0"], "invalid count value: '0'"),
        (["show", "replicas", "--jso"], "unrecognized arguments: --jso"),
        (["completion", "fish"], "invalid choice: 'fish'"),
    ],
)
def test_what_cannot_be_understood_is_an_error_of_one_line(arguments: list[str], what: str) -> None:
    error = refusal(*arguments)
    assert what in error.what
    assert "\n" not in error.line
    assert error.line.isprintable()
    assert error.fix.startswith("see chtui")
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["--password", "hunter2"], ["--password=hunter2"], ["check", "--password=hunter2"]]
)
def test_a_password_given_all_the_same_is_not_repeated(arguments: list[str]) -> None:
    assert "hunter2" not in refusal(*arguments).line


@pytest.mark.parametrize(
    "arguments", [["check", "--nope"], ["-C", "x", "check", "--timeout", "0"], ["check", "more"]]
)
def test_a_check_that_cannot_be_understood_is_not_critical(arguments: list[str]) -> None:
    assert refusal(*arguments).exit_code == 3


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "nan", "inf", "x"])
def test_patience_is_a_number_of_seconds(seconds: str) -> None:
    assert f"invalid seconds value: '{seconds}'" in refusal("show", "replicas", f"--timeout={seconds}").what


def test_arguments() -> None:
    parsed = build_parser().parse_args(
        [
            "--host",
            "a",
            "--host",
            "b:1",
            "--secure",
            "--pane",
            "replicas",
            "show",
            "replicas",
            "--json",
            "--timeout",
            "2.5",
        ]
    )
    assert (parsed.host, parsed.secure, parsed.insecure, parsed.default_pane) == (
        ["a", "b:1"],
        True,
        False,
        "replicas",
    )
    assert (parsed.command, parsed.page, parsed.json, parsed.csv, parsed.timeout) == (
        "show",
        "replicas",
        True,
        False,
        2.5,
    )
    bare = build_parser().parse_args([])
    assert (bare.command, bare.host, bare.secure, bare.mouse, bare.slow_link) == (None, [], None, None, None)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_loads_neither_textual_nor_the_driver(flag: str) -> None:
    code = (
        "import sys; sys.argv = ['chtui', sys.argv[1]]; from chtui.cli import entry; code = entry(); "
        "print(sorted({'textual', 'clickhouse_connect', 'argparse', 'rich'} & set(sys.modules)), file=sys.stderr); "
        "sys.exit(code)"
    )
    done = run("-c", code, flag)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"chtui {__version__}\n", "[]\n")


def test_a_mistake_ends_the_process_in_one_line() -> None:
    done = run("-m", "chtui", "--nope")
    expected = "chtui: unrecognized arguments: --nope; see chtui --help\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_the_version_is_the_packages() -> None:
    import tomllib

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


def test_bash_accepts_the_completion(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete " in script.read_text()
    assert "--password-file" in script.read_text()


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_completion(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0
    assert "replicas" in capsys.readouterr().out


def test_help_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for parser in parsers(build_parser()):
        assert max(len(line) for line in parser.format_help().splitlines()) <= 80


def test_flags_that_lead_are_the_parsers_own_and_say_so_when_they_come_late() -> None:
    from chtui.cli.main import FLAGS_WITH_VALUE
    from chtui.cli.parser import LEADING_FLAGS

    actions = build_parser()._actions
    leading = {flag for action in actions for flag in action.option_strings} - {
        "-h",
        "--help",
        "-V",
        "--version",
    }
    assert leading == LEADING_FLAGS
    valued = {
        flag
        for action in actions
        for flag in action.option_strings
        if action.nargs is None and flag in leading
    }
    assert valued == FLAGS_WITH_VALUE
    with pytest.raises(UsageError, match="stand before the command"):
        build_parser().parse_args(["check", "-C", "prod"])
