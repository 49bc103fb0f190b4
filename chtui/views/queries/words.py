"""What a query's kind, interface, error and client are called, whatever its server calls them. Pure."""

from __future__ import annotations

import re

from chtui.act.kill import OWN_PREFIX

INTERFACES = {
    "0": "unknown",
    "1": "TCP",
    "2": "HTTP",
    "3": "gRPC",
    "4": "MySQL",
    "5": "PostgreSQL",
    "6": "Local",
    "7": "TCP_Interserver",
    "8": "Prometheus",
    "9": "Background",
    "10": "ArrowFlight",
}
"""Numbers of servers that tell no word. Source: `system.processes.interface` of 26.9, an enumeration."""
LOG_TYPES = {
    "1": "QueryStart",
    "2": "QueryFinish",
    "3": "ExceptionBeforeStart",
    "4": "ExceptionWhileProcessing",
}
"""Numbers of servers that tell no word. Source: ClickHouse documentation, system.query_log."""
FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|(?>/\*.*?\*/))*+([A-Za-z]+)", re.DOTALL)
"""As `monitor/query_latency_by_word` has it; never going back, or a text of many comments would take for ever."""
KINDS = {"select": "Select", "with": "Select", "desc": "Describe"}
ERROR_HEAD = re.compile(r"Code: (?P<code>\d+)[.,] (?:e\.displayText\(\) = )?(?:DB::)?(?:Exception: )?")
ERROR_TAIL = re.compile(r"\((?P<name>[A-Z][A-Z0-9_]+)\) \(version [^()]*(?:\([^()]*\))?[^()]*\)\s*$")


def kind_of(query: str) -> str:
    """Return what kind of query a text is by its first word (`Select`, `Insert`); empty for none."""
    match = FIRST_WORD.match(query[:1000])
    word = match[1].lower() if match else ""
    return KINDS.get(word, word.capitalize())


def logged_kind(query_kind: str) -> str:
    """Return a kind as the log tells it; empty where the server could not parse the text."""
    return "" if query_kind == "None" else query_kind


def interface_word(interface: str) -> str:
    """Return an interface by name; `interface 99` for a number nobody knows."""
    return INTERFACES.get(interface, f"interface {interface}" if interface.isdigit() else interface)


def log_type(word: str) -> str:
    """Return by name what a row of the query log tells."""
    return LOG_TYPES.get(word, word)


def client_of(client_name: str, http_user_agent: str) -> str:
    """Return the program that sent a query."""
    return client_name or http_user_agent


def plain_address(address: str) -> str:
    """Return an address without the marks of IPv4 in IPv6."""
    return address.removeprefix("::ffff:")


def is_own(query_id: str) -> bool:
    """Return whether a query is one of chtui's own, of any chtui."""
    return query_id.startswith(OWN_PREFIX)


def error_name(exception: str) -> str | None:
    """Return an exception's name (`UNKNOWN_TABLE`); None where the server writes none."""
    match = ERROR_TAIL.search(exception)
    return match["name"] if match else None


def error_code(exception: str) -> int | None:
    """Return an exception's number; None where there is none."""
    match = ERROR_HEAD.match(exception)
    return int(match["code"]) if match else None


def error_message(exception: str) -> str:
    """Return what an exception says, without its number, name and version."""
    return ERROR_TAIL.sub("", ERROR_HEAD.sub("", exception, count=1)).strip()
