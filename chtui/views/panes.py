"""Every page there is, by name; its module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType

from chtui.errors import UsageError
from chtui.views.pages import Page
from chtui.views.table import Link

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "replicas": ("replicas",),
        "queues": ("queues", "queue", "queue_entry", "ddl_entry"),
        "keeper": ("keeper",),
        "keeper.znodes": ("znode",),
        "queries": ("queries", "query", "query_pattern"),
        "merges": ("merges", "mutation"),
        "host_page": ("host",),
        "replica": ("replica",),
        "replica.members": ("replica_set",),
        "tables": ("tables",),
        "tables.table": ("table",),
        "tables.partition": ("partition",),
        "storage": ("storage",),
    }
)
"""Module of this folder to the pages it defines in its `PAGES`."""
PAGE_NAMES = tuple(name for names in MODULES.values() for name in names)


@cache
def page(name: str) -> Page:
    """Return a page by name.

    Raises:
        KeyError: there is no such page.
    """
    module = (
        next(module for module, names in MODULES.items() if name in names) if name in PAGE_NAMES else None
    )
    if module is None:
        raise KeyError(name)
    pages: tuple[Page, ...] = import_module(f"chtui.views.{module}").PAGES
    return next(page for page in pages if page.name == name)


def typed_link(words: Sequence[str]) -> Link:
    """Return the link of the words `PAGE[.PART] [SUBJECT ...]`.

    Raises:
        UsageError: there is no such page or part, or it needs another subject.
    """
    name, *subject = words or [""]
    page_name, _, part_name = name.partition(".")
    if page_name not in PAGE_NAMES:
        raise UsageError(f"no page '{page_name}'", fix=f"there are: {', '.join(PAGE_NAMES)}")
    found = page(page_name)
    if found.part(part_name) is None:
        parts = ", ".join(f"{page_name}.{part.name}" for part in found.parts)
        raise UsageError(f"no part '{part_name}' of {page_name}", fix=f"there are: {parts}")
    if len(subject) != len(found.subject):
        needed = " ".join(word.upper() for word in found.subject) or "nothing"
        raise UsageError(
            f"{page_name} is about {needed}",
            where=" ".join(words),
            fix=f"write: {name} {needed}" if found.subject else f"write: {name}",
        )
    return Link(page_name, tuple(subject), part_name)
