"""In which line a TOML file sets which key: `tomllib` gives the values only."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str, ...]
"""A dotted key, in parts."""

NAME = re.compile(r"""[^\s=\[\]{}#"',.]+|"(?:\\.|[^"\\])*"|'[^']*'""")
SKIPPED = re.compile(r"[ \t\r\n]+|#[^\n]*")
STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, of each key, table header and inline table key of a valid TOML text.

    A table that is written several times, or an array of tables, has the line of its first header.
    """
    return _Scanner(text).scan()


def find_line(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of a key, or of the nearest thing around it; None if nothing around it has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    """Walks a text which `tomllib` has accepted, so that it need not doubt the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_to_more():
            if self.text[self.position] == "[":
                start = self.position
                while self.text[self.position] in "[ \t":
                    self.position += 1
                table = self._key()
                self._note((), table, start)
                self._skip_past("\n")
            else:
                self._statement(table)
                self._skip_past("\n")
        return self.lines

    def _statement(self, table: Path) -> None:
        start = self.position
        path = table + self._key()
        self._note(table, path, start)
        while self.text[self.position] in "= \t":
            self.position += 1
        self._value(path)

    def _note(self, table: Path, path: Path, start: int) -> None:
        """Note a key's line; `a.b` sets `a` too, in the same line."""
        for length in range(len(table) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], self._line(start))

    def _key(self) -> Path:
        parts: list[str] = []
        while match := NAME.match(self.text, self.position):
            parts.append(_unquoted(match.group()))
            self.position = match.end()
            while self.position < len(self.text) and self.text[self.position] in ". \t":
                self.position += 1
        return tuple(parts)

    def _value(self, path: Path) -> None:
        """Step over one value, noting the keys of inline tables."""
        if match := STRING.match(self.text, self.position):
            self.position = match.end()
        elif self.text[self.position] == "{":
            self.position += 1
            while self._skip_to_more(",") and self.text[self.position] != "}":
                self._statement(path)
            self.position += 1
        elif self.text[self.position] == "[":
            self.position += 1
            while self._skip_to_more(",") and self.text[self.position] != "]":
                self._value(path)
            self.position += 1
        else:
            while self.position < len(self.text) and self.text[self.position] not in ",]}#\r\n":
                self.position += 1

    def _skip_to_more(self, also: str = "") -> bool:
        """Step over blanks, line ends and comments; return whether anything follows."""
        while self.position < len(self.text):
            if match := SKIPPED.match(self.text, self.position):
                self.position = match.end()
            elif self.text[self.position] in also:
                self.position += 1
            else:
                return True
        return False

    def _skip_past(self, char: str) -> None:
        found = self.text.find(char, self.position)
        self.position = len(self.text) if found < 0 else found + 1

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1


def _unquoted(name: str) -> str:
    if name[0] not in "\"'":
        return name
    return next(iter(tomllib.loads(f"{name} = 0")))
