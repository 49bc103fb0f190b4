"""What tables of a spec's file hold, each value checked by itself; what is wrong is collected at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import MappingProxyType

from chtui.errors import ConfigError, MigrateError
from chtui.fleet.literal import literal
from chtui.migrate import definitions, expressions
from chtui.profile.model import check_plain_address
from chtui.profile.toml_values import Table, kind_of
from chtui.records import HostId
from chtui.text import UNSAFE

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
LONGEST_SQL = 20_000
Check = Callable[[str], str]
"""What is wrong with a text, empty for nothing."""


def missing(table: Table, key: str, fix: str = "") -> None:
    """Collect that a key is not there, at the line of the table around it."""
    where = table.document.where(table.path) if table.path else str(table.document.path)
    table.collect(ConfigError(f"{table.label(key)} is missing", where=where, fix=fix or f"add {key}"))


def text(table: Table, key: str, *, needed: bool = True, default: str = "") -> str:
    """Return a short text of one line."""
    if key not in table.data:
        if needed:
            missing(table, key)
        return default
    found = table.string(key)
    return found.value if found else default


def choice(table: Table, key: str, words: Iterable[str], default: str | None = None) -> str:
    """Return one of some words; without a default it must be there."""
    known = list(words)
    if key not in table.data and default is None:
        missing(table, key, f"one of {', '.join(known)}")
    found = text(table, key, needed=False, default=default or known[0])
    if found not in known:
        table.note(key, f"is '{found}'", f"write one of {', '.join(known)}")
        return known[0]
    return found


def number(table: Table, key: str, default: float, low: float, high: float, *, whole: bool = False) -> float:
    """Return a number within its range."""
    found = table.number(key, low, high, whole=whole)
    return default if found is None else found.value


def host(table: Table, key: str) -> HostId:
    """Return a host of the form `host:port`, the port being the native one."""
    found = text(table, key)
    if not found:
        return HostId("", 0)
    try:
        address = check_plain_address(found, table.label(key), table.where(key))
    except ConfigError as error:
        table.collect(error)
        return HostId("", 0)
    return HostId(address.host, address.port)


def one_expression(value: str) -> str:
    """Return what is wrong with an SQL expression."""
    return expressions.trouble(value)


def several(value: str) -> str:
    """Return what is wrong with SQL text in which commas may stand anywhere."""
    return expressions.trouble(value, commas=True)


def definition(value: str) -> str:
    """Return what is wrong with a column's definition."""
    try:
        definitions.parse(value)
    except MigrateError as error:
        return f"{error.what}; {error.fix}" if error.fix else error.what
    return ""


def sql(table: Table, key: str, *, needed: bool = True, check: Check = one_expression) -> str:
    """Return SQL text without the blanks around it."""
    if key not in table.data:
        if needed:
            missing(table, key)
        return ""
    raw = table.secret_text(key)
    return "" if raw is None else checked_sql(table, key, raw, check)


def checked_sql(table: Table, key: str, raw: str, check: Check) -> str:
    """Return a text from the file if nothing is wrong with it as SQL, else an empty one."""
    value = raw.strip()
    wrong = check(value)
    if not value:
        wrong = "is empty"
    elif len(value) > LONGEST_SQL:
        wrong = f"is longer than {LONGEST_SQL} characters"
    elif UNSAFE.search(re.sub(r"[\n\t]", " ", value.replace("\r\n", "\n"))):
        wrong = "holds a control or invisible character"
    if wrong:
        table.note(key, wrong)
        return ""
    return value


def sql_list(table: Table, key: str) -> tuple[str, ...]:
    """Return a list of SQL texts; empty where there is none."""
    found = table.data.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        table.note(key, "must be a list of strings")
        return ()
    return tuple(value for item in found if (value := checked_sql(table, key, item, several)))


def sql_map(
    table: Table, key: str, *, needed: bool = False, check: Check = one_expression
) -> MappingProxyType[str, str]:
    """Return a table of SQL texts in its order."""
    inner = table.table(key)
    if inner is None:
        if needed and key not in table.data:
            missing(table, key)
        return MappingProxyType({})
    if needed and not inner.data:
        table.note(key, "is empty")
    found = {name: sql(inner, name, check=check) for name in inner.data if _named(inner, name)}
    return MappingProxyType(found)


def texts(table: Table, key: str) -> MappingProxyType[str, str]:
    """Return a table of short texts in its order."""
    inner = table.table(key)
    if inner is None:
        return MappingProxyType({})
    return MappingProxyType({name: text(inner, name) for name in inner.data})


def flags(table: Table, key: str) -> MappingProxyType[str, bool]:
    """Return a table of true and false in its order."""
    inner = table.table(key)
    if inner is None:
        return MappingProxyType({})
    found = {name: inner.boolean(name) for name in inner.data}
    return MappingProxyType({name: flag.value for name, flag in found.items() if flag is not None})


def settings(table: Table, key: str) -> MappingProxyType[str, str]:
    """Return a table of settings, each as the literal that CREATE TABLE takes."""
    inner = table.table(key)
    if inner is None:
        return MappingProxyType({})
    found: dict[str, str] = {}
    for name, value in inner.data.items():
        if not NAME.fullmatch(name):
            inner.note(name, "is no name of a setting")
        elif isinstance(value, str | bool | int | float):
            found[name] = literal(value)
        else:
            inner.note(name, f"must be a number, a string, true or false, not {kind_of(value)}")
    return MappingProxyType(found)


def named_tables(top: Table, key: str) -> list[tuple[str, Table]]:
    """Return the tables in a table, with their names, which must be plain ones."""
    outer = top.table(key)
    if outer is None:
        return []
    found = []
    for name in outer.data:
        if not NAME.fullmatch(name) or name.startswith("chtui_"):
            outer.note(
                name, "cannot be a name here", "take letters, digits and _, and not chtui_ at the beginning"
            )
        elif (inner := outer.table(name)) is not None:
            found.append((name, inner))
    return found


def arrays(top: Table, key: str) -> list[Table]:
    """Return the tables of an array of tables."""
    found = top.data.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        top.note(key, "must be a list of tables", f"write [[{top.label(key)}]] before each")
        return []
    return [Table(top.document, (*top.path, key), item, None) for item in found]


def _named(table: Table, name: str) -> bool:
    if not name.strip() or UNSAFE.search(name):
        table.collect(
            ConfigError(
                f"a key of {'.'.join(table.path)} is empty or cannot be drawn", where=table.where(name)
            )
        )
        return False
    return True
