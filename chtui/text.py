"""Untrusted text made safe to draw, and numbers with their units. Pure; the lowest layer."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u180e\U0001d173-\U0001d17a"  # C0, DEL and C1: a terminal obeys them
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turning the reading order around
    "\ufff0-\ufffb\ud800-\udfff"  # interlinear marks, lone surrogates
    "\U000e0000-\U000e0fff]"  # tag characters, invisible
)
"""Characters which a terminal obeys instead of drawing, or which hide or reorder their neighbours."""

SPACES = re.compile(r"\s+")
NEVER_SECONDS = 10 * 365 * 86400
"""A delay above this is no delay: `absolute_delay` counts from 1970 for a replica that never initialised."""


def sanitize(text: object, limit: int = 4096) -> str:
    """Return one drawable line: white space folded to blanks, unsafe characters shown as `?`, cut at `limit`."""
    raw = text if isinstance(text, str) else str(text)
    if len(raw) > limit:
        raw = raw[: limit - 3] + "..."
    return UNSAFE.sub("?", re.sub(r"[\t\n\v\f\r\x85\u2028\u2029]", " ", raw))


def sanitize_block(text: object, limit: int = 65536) -> str:
    """Return drawable text of several lines: as `sanitize`, but line ends stay and tabs become four blanks."""
    raw = (text if isinstance(text, str) else str(text))[:limit].replace("\r\n", "\n").expandtabs(4)
    return "\n".join(UNSAFE.sub("?", line) for line in raw.split("\n"))


def one_line(text: object, limit: int = 400) -> str:
    """Return `text` as one sanitized line with runs of blanks folded, cut at `limit` characters."""
    return sanitize(SPACES.sub(" ", str(text)).strip(), limit)


def format_bytes(size_bytes: float | None) -> str:
    """Return bytes with a binary unit (`1.5 GiB`), three significant digits; `-` for None."""
    if size_bytes is None:
        return "-"
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(value) < 1023.5 or unit == "PiB":
            return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 99.95 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def format_count(count: float | None) -> str:
    """Return a count, exact below 100,000, then with k, M, G, T for thousands; `-` for None."""
    if count is None:
        return "-"
    if abs(count) < 100_000:
        return f"{count:,.0f}".replace(",", " ") if abs(count) >= 10_000 else f"{count:.0f}"
    value = float(count)
    for unit in ("k", "M", "G", "T", "P"):
        value /= 1000
        if abs(value) < 999.5 or unit == "P":
            return f"{value:.0f}{unit}" if abs(value) >= 99.95 else f"{value:.1f}{unit}"
    raise AssertionError("unreachable")


def format_seconds(seconds: float | None) -> str:
    """Return a duration in its two largest units (`3d 4h`, `5m 12s`, `0.45s`); `-` for None."""
    if seconds is None:
        return "-"
    sign = "-" if seconds < 0 else ""
    value = abs(seconds)
    if value < 0.0005:
        return "0s"
    if value < 0.9995:
        return f"{sign}{value * 1000:.0f}ms"
    if value < 10:
        return f"{sign}{value:.1f}s".replace(".0s", "s")
    whole = int(value)
    if whole < 60:
        return f"{sign}{whole}s"
    for unit_seconds, unit, sub_seconds, sub in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= unit_seconds:
            rest = whole % unit_seconds // sub_seconds
            head = f"{sign}{whole // unit_seconds}{unit}"
            return f"{head} {rest}{sub}" if rest else head
    raise AssertionError("unreachable")


def format_delay(seconds: float | None) -> str:
    """Return a replica's `absolute_delay`; one that counts from 1970 reads `never synced`."""
    if seconds is not None and seconds >= NEVER_SECONDS:
        return "never synced"
    return "0s" if seconds == 0 else format_seconds(seconds)


def format_ratio(uncompressed_bytes: float | None, compressed_bytes: float | None) -> str:
    """Return uncompressed to compressed as `10.0:1`; `-` where either is unknown or nothing is stored."""
    if not uncompressed_bytes or not compressed_bytes:
        return "-"
    return f"{uncompressed_bytes / compressed_bytes:.1f}:1"


def format_percent(ratio: float | None, digits: int = 0) -> str:
    """Return a ratio of 0..1 as per cent (`42 %`); `-` for None."""
    return "-" if ratio is None else f"{ratio * 100:.{digits}f} %"


def plural(count: int, noun: str, many: str = "") -> str:
    """Return `1 host`, `2 hosts`; `many` where the plural is not the noun with an s."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def width_of(text: str) -> int:
    """Return how many terminal cells `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, right: bool = False) -> str:
    """Return `text` in exactly `width` cells, aligned left or right; what is cut ends in `~`."""
    length = width_of(text)
    if length > width:
        return set_cell_size(text, width - 1) + "~"
    blanks = " " * (width - length)
    return blanks + text if right else text + blanks
