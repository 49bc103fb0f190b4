"""Words with a meaning: what lines and figures are made of."""

from __future__ import annotations

from typing import NamedTuple

from chtui.views.table import Style


class Piece(NamedTuple):
    """Some words of a line; safe to draw."""

    text: str
    style: Style = ""


class Figure(NamedTuple):
    """One labelled value; `why` says why there is none."""

    label: str
    value: str
    style: Style = ""
    why: str = ""
