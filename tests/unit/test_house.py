"""The rules of the house, held by reading the sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES, CLASS_METHODS = 400, 60, 25
Function = ast.FunctionDef | ast.AsyncFunctionDef
BROAD = {"Exception", "BaseException"}
NEVER_SKIPPED = {"skip", "skipif", "xfail", "importorskip"}
STATEMENT = re.compile(
    r"""\s*(?:
        SELECT\s.*\bFROM\s | SELECT\s+(?:\d|\*|'|\w+\() | WITH\s.*\bSELECT\s
      | INSERT\s+INTO\s+\S | DELETE\s+FROM\s+\S | TRUNCATE\s+(?:TABLE\s+)?\S | RENAME\s+TABLE\s | EXCHANGE\s+TABLES\s
      | (?:ALTER|OPTIMIZE|ATTACH|DETACH|DROP|UNDROP|EXISTS|SHOW\s+CREATE)\s+(?:TABLE|DATABASE|VIEW|DICTIONARY|USER|ROLE)\s+\S
      | CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?(?:MATERIALIZED\s+)?(?:TABLE|DATABASE|VIEW|DICTIONARY|USER|ROLE|FUNCTION)\s+\S
      | KILL\s+(?:QUERY|MUTATION)\s+(?:ON|WHERE)\b
      | SYSTEM\s+(?:[A-Z]+\s+)+[`{a-z] | SYSTEM\s+[A-Z]+(?:\s+[A-Z]+)*\s*;?\s*$
    )""",
    re.VERBOSE | re.DOTALL,
)
"""A text that begins as a statement with something to work on; prose that names one does not."""


def python_files(*folders: str) -> list[Path]:
    """The Python files below folders of the project, each once: links to other folders of it are not followed."""
    found = {path.resolve() for folder in folders for path in (ROOT / folder).rglob("*.py")}
    return sorted(path for path in found if "__pycache__" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def place(path: Path, node: ast.AST | None = None) -> str:
    name = str(path.relative_to(ROOT))
    return f"{name}:{getattr(node, 'lineno', 0)}" if node else name


SOURCES = [*python_files("chtui", "screens", "tests"), ROOT / "sql" / "__init__.py"]
PRODUCT = [*python_files("chtui", "screens"), ROOT / "sql" / "__init__.py"]
TESTS = python_files("tests")


def test_there_is_something_to_read() -> None:
    names = {place(path) for path in SOURCES}
    assert {
        "chtui/session.py",
        "chtui/fleet/lane.py",
        "screens/pane.py",
        "tests/conftest.py",
        "sql/__init__.py",
    } <= names
    assert "chtui/screens/pane.py" not in names


def test_no_file_is_longer_than_its_budget() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_its_budget() -> None:
    functions = [(path, node) for path in SOURCES for node in nodes(path) if isinstance(node, Function)]
    assert len(functions) > 500
    long = {
        f"{place(path, node)} {node.name}": length(node)
        for path, node in functions
        if length(node) > FUNCTION_LINES
    }
    assert long == {}


def test_no_class_has_more_methods_than_its_budget() -> None:
    classes = [(path, node) for path in SOURCES for node in nodes(path) if isinstance(node, ast.ClassDef)]
    counts = {
        f"{place(path, node)} {node.name}": sum(isinstance(item, Function) for item in node.body)
        for path, node in classes
    }
    assert len(counts) > 100
    assert {name: count for name, count in counts.items() if count > CLASS_METHODS} == {}


def texts(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """The string literals that are no docstrings; what an f-string fills in reads `{x}`."""
    prose = {
        id(node.value)
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(path):
        if isinstance(node, ast.JoinedStr):
            yield (
                node,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{x}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node, node.value


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT name FROM system.parts", True),
        ("\n  SELECT\n  1", True),
        ("SELECT version()", True),
        ("INSERT INTO {x} VALUES", True),
        ("ALTER TABLE t ADD COLUMN c Int8", True),
        ("CREATE DATABASE IF NOT EXISTS d", True),
        ("CREATE MATERIALIZED VIEW v", True),
        ("KILL QUERY WHERE query_id = 'x'", True),
        ("SYSTEM SYNC REPLICA db.t", True),
        ("SYSTEM FLUSH LOGS", True),
        ("SYSTEM RESTART REPLICA; see the server's log", False),
        ("grant this user SELECT ON system.*", False),
        ("select a row", False),
        ("Sort by the column", False),
    ],
)
def test_what_a_statement_is(text: str, is_sql: bool) -> None:
    assert bool(STATEMENT.match(text)) is is_sql


def test_there_is_no_sql_in_python() -> None:
    found = [
        f"{place(path, node)} {text[:40]!r}"
        for path in PRODUCT
        for node, text in texts(path)
        if STATEMENT.match(text)
    ]
    assert found == []


def test_the_packages_that_are_installed_are_those_there_are() -> None:
    found = {"chtui"}
    for top in ("chtui", "screens", "sql"):
        prefix = "" if top == "chtui" else "chtui."
        folders = {path.parent.relative_to(ROOT) for path in (ROOT / top).rglob("__init__.py")}
        found |= {prefix + ".".join(folder.parts) for folder in folders}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == found - {"chtui.screens.screens", "chtui.sql.sql"}


def test_screens_and_sql_are_links_within_the_package() -> None:
    for name in ("screens", "sql"):
        link = ROOT / "chtui" / name
        assert link.is_symlink()
        assert link.readlink() == Path("..") / name


def named(node: ast.AST | None) -> set[str]:
    """The last names of an expression: of `pytest.mark.skip` it is `skip`."""
    if isinstance(node, ast.Tuple):
        return {name for element in node.elts for name in named(element)}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {node.id} if isinstance(node, ast.Name) else set()


def swallows(node: ast.AST) -> bool:
    """Whether a handler takes every exception and does nothing."""
    if isinstance(node, ast.ExceptHandler):
        broad = node.type is None or bool(named(node.type) & BROAD)
        idle = (ast.Pass, ast.Continue, ast.Break)
        return broad and all(
            isinstance(item, idle) or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
            for item in node.body
        )
    if isinstance(node, ast.Call) and named(node.func) == {"suppress"}:
        return any(named(argument) & BROAD for argument in node.args)
    return False


def test_no_exception_is_swallowed() -> None:
    assert [place(path, node) for path in SOURCES for node in nodes(path) if swallows(node)] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: ...", True),
        ("try: f()\nexcept (ValueError, BaseException):\n 'why'", True),
        ("with contextlib.suppress(Exception): f()", True),
        ("try: f()\nexcept ValueError: pass", False),
        ("try: f()\nexcept Exception as error: log(error)", False),
        ("with contextlib.suppress(OSError): f()", False),
    ],
)
def test_what_swallowing_is(code: str, found: bool) -> None:
    assert any(swallows(node) for node in ast.walk(ast.parse(code))) is found


def imported(found: Iterable[ast.AST]) -> set[str]:
    given = list(found)
    names = {alias.name for node in given if isinstance(node, ast.Import) for alias in node.names}
    for node in given:
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_test_uses_mocks_or_is_skipped() -> None:
    assert "unittest.mock" in imported(ast.walk(ast.parse("from unittest import mock")))
    mocks = {
        place(path): name
        for path in TESTS
        for name in imported(nodes(path))
        if name.startswith(("unittest.mock", "mock."))
    }
    assert mocks == {}
    skipped = [
        place(path, node)
        for path in TESTS
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in NEVER_SKIPPED
        and named(node.value) & {"pytest", "mark"}
    ]
    assert skipped == []


def test_no_file_knows_a_machine() -> None:
    places = re.compile(r"[/]work/|[/]tmp/v\b|[/]root\b")
    suffixes = {".py", ".sql", ".xml", ".toml", ".tcss", ".md", ".yml", ".yaml", ".sh", ""}
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in ("chtui", "screens", "sql", "tests", ".ci"):
        files += [
            path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        ]
    found = [
        place(path)
        for path in files
        if path.suffix in suffixes and places.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert len(files) > 100
    assert found == []


def test_what_the_command_line_needs_does_not_load_textual() -> None:
    code = (
        "import importlib, pkgutil, sys\n"
        "import chtui.session\n"
        "for name in ('views', 'health', 'monitor', 'fleet', 'profile', 'sql', 'demo'):\n"
        "    package = importlib.import_module(f'chtui.{name}')\n"
        "    for found in pkgutil.walk_packages(package.__path__, f'chtui.{name}.'):\n"
        "        importlib.import_module(found.name)\n"
        "print(len([name for name in sys.modules if name.startswith('chtui.')]) > 40, 'textual' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("True False\n", "")
