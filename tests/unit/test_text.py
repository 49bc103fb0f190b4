"""Untrusted text and units."""

from __future__ import annotations

import unicodedata

import pytest

from chtui import text
from chtui.clock import rfc3339
from tests.unit.hand import HOSTILE, NOW

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\ufff9\ufffa\ufffb\U0001d173"


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b31m", "?31m"),
        ("a\x00b\x08c\x7fd", "a?b?c?d"),
        ("a\tb\nc\rd\x0be\x0cf", "a b c d e f"),
        ("a\x85b\u2028c\u2029d", "a b c d"),
        ("abc\u202egnp.exe", "abc?gnp.exe"),
        ("\ud800x\udfff", "?x?"),
        ("tag\U000e0041\U000e007f", "tag??"),
        ("[/red] [bold]x[/bold]", "[/red] [bold]x[/bold]"),
        ("日本語 é ß", "日本語 é ß"),
        ("", ""),
        (None, "None"),
        (b"\x1b", "b'\\x1b'"),
        (12, "12"),
    ],
)
def test_sanitize(raw: object, safe: str) -> None:
    assert text.sanitize(raw) == safe


def test_every_control_character_and_surrogate_is_replaced() -> None:
    unsafe = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) in ("Cc", "Cs")]
    assert len(unsafe) == 65 + 2048
    white = set("\t\n\v\f\r\x85")
    assert {text.sanitize(char) for char in unsafe if char not in white} == {"?"}
    assert {text.sanitize(char) for char in white} == {" "}


@pytest.mark.parametrize("char", BIDI + INVISIBLE, ids=lambda char: f"U+{ord(char):04X}")
def test_what_hides_or_reorders_its_neighbours_is_shown_as_a_question_mark(char: str) -> None:
    assert text.sanitize(f"a{char}b") == "a?b"
    assert text.sanitize_block(f"a{char}b") == "a?b"


def test_sanitize_cuts_at_its_limit() -> None:
    assert text.sanitize("x" * 10, 10) == "x" * 10
    assert text.sanitize("x" * 11, 10) == "xxxxxxx..."
    assert len(text.sanitize("x" * 5000)) == 4096


def test_a_block_keeps_its_lines() -> None:
    assert text.sanitize_block("a\r\nb\nc") == "a\nb\nc"
    assert text.sanitize_block("a\tb\n\tc") == "a   b\n    c"
    assert text.sanitize_block("a\rb\x1b[2Jc\u202ed") == "a?b?[2Jc?d"
    assert text.sanitize_block("abcdef", 3) == "abc"


def test_one_line_folds_blanks() -> None:
    assert text.one_line("  a \n\n b\t\tc\u3000d ") == "a b c d"
    assert text.one_line("e\x1bf") == "e?f"
    assert text.one_line("x" * 500) == "x" * 397 + "..."
    assert text.one_line(ValueError("two\nlines")) == "two lines"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_fits_its_cells(name: str) -> None:
    safe = text.sanitize(name)
    for width in (1, 2, 3, 7, 40):
        fitted = text.fit(safe, width)
        assert text.width_of(fitted) == width
        assert text.UNSAFE.search(fitted) is None


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, "-"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (int(99.9 * 1024), "99.9 KiB"),
        (100 * 1024, "100 KiB"),
        (1023 * 1024, "1023 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1024**3, "1.0 GiB"),
        (1024**4, "1.0 TiB"),
        (1024**5, "1.0 PiB"),
        (5000 * 1024**5, "5000 PiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_bytes(size: float | None, shown: str) -> None:
    assert text.format_bytes(size) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (9_999, "9999"),
        (10_000, "10 000"),
        (99_999, "99 999"),
        (100_000, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (12_345_678, "12.3M"),
        (999_500_000, "1.0G"),
        (2_500_000_000_000, "2.5T"),
        (10**15, "1.0P"),
        (10**18, "1000P"),
        (-5, "-5"),
        (-250_000, "-250k"),
    ],
)
def test_counts(count: float | None, shown: str) -> None:
    assert text.format_count(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0s"),
        (0.0004, "0s"),
        (0.001, "1ms"),
        (0.999, "999ms"),
        (0.9999, "1s"),
        (1, "1s"),
        (1.25, "1.2s"),
        (9.94, "9.9s"),
        (10, "10s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3599, "59m 59s"),
        (3600, "1h"),
        (3661, "1h 1m"),
        (86399, "23h 59m"),
        (86400, "1d"),
        (90000, "1d 1h"),
        (-5, "-5s"),
        (-0.2, "-200ms"),
        (-3661, "-1h 1m"),
    ],
)
def test_seconds(seconds: float | None, shown: str) -> None:
    assert text.format_seconds(seconds) == shown


def test_a_delay_since_1970_is_none() -> None:
    ten_years = 10 * 365 * 86400
    assert text.format_delay(None) == "-"
    assert text.format_delay(0) == "0s"
    assert text.format_delay(300) == "5m"
    assert text.format_delay(ten_years - 1) == "3649d 23h"
    assert text.format_delay(ten_years) == "never synced"
    assert text.format_delay(1_790_000_000) == "never synced"


def test_ratios() -> None:
    assert text.format_ratio(1000, 100) == "10.0:1"
    assert text.format_ratio(100, 300) == "0.3:1"
    assert [text.format_ratio(*pair) for pair in ((None, 1), (1, None), (0, 1), (1, 0))] == ["-"] * 4


def test_percents() -> None:
    assert text.format_percent(None) == "-"
    assert text.format_percent(0.424) == "42 %"
    assert text.format_percent(0.42449, 1) == "42.4 %"
    assert text.format_percent(1.0) == "100 %"


def test_plurals() -> None:
    assert [text.plural(count, "host") for count in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
    assert [text.plural(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("raw", "width", "right", "shown"),
    [
        ("abc", 3, False, "abc"),
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcd", 3, False, "ab~"),
        ("abcd", 3, True, "ab~"),
        ("日本", 4, False, "日本"),
        ("日本", 6, True, "  日本"),
        ("日本語", 5, False, "日本~"),
        ("日本語", 4, False, "日 ~"),
        ("日本語", 1, False, "~"),
        ("", 2, False, "  "),
    ],
)
def test_fit(raw: str, width: int, right: bool, shown: str) -> None:
    assert text.fit(raw, width, right) == shown


def test_instants_are_rfc_3339_in_utc() -> None:
    assert rfc3339(NOW) == "2026-03-04T05:06:07.089Z"
