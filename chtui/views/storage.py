"""The storage pane: disks and volumes, what fills them, where tables live, what moves and expires when."""

from __future__ import annotations

from chtui.views import storage_tables, storage_ttl, storage_volumes
from chtui.views.pages import Page
from chtui.views.storage_disks import DISKS, POLICIES
from chtui.views.storage_moves import HISTORY, MOVES

PAGES = (
    Page(
        "storage",
        (DISKS, storage_volumes.PART, storage_tables.PART, storage_ttl.PART, MOVES, HISTORY, POLICIES),
    ),
)
