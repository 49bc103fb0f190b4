"""The storage pane: disks and volumes, what fills them, where tables live, what moves and expires when."""

from __future__ import annotations

from chtui.views.pages import Page
from chtui.views.storage import tables, ttl, volumes
from chtui.views.storage.disks import DISKS, POLICIES
from chtui.views.storage.moves import HISTORY, MOVES

PAGES = (
    Page(
        "storage",
        (DISKS, volumes.PART, tables.PART, ttl.PART, MOVES, HISTORY, POLICIES),
    ),
)
