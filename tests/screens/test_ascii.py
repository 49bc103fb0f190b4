"""With `ascii = true` nothing but ASCII is drawn."""

from __future__ import annotations

import html
import re

import pytest

from chtui.app import ChtuiApp
from chtui.profile.model import Ui
from chtui.screens.page import PageScreen
from chtui.views.panes import page
from tests.screens.panes_still import with_panes
from tests.screens.still import StillSession, settled
from tests.screens.test_pages import drawn


def other_than_ascii(app: ChtuiApp) -> set[str]:
    """The characters on screen that are not ASCII; the picture's own blanks are not counted."""
    picture = app.export_screenshot()
    texts = re.findall(r"<text[^>]*>(.*?)</text>", picture)
    return {character for text in texts for character in html.unescape(text) if ord(character) > 126} - {
        "\xa0"
    }


@pytest.mark.parametrize("keys", [(), ("question_mark",), ("ctrl+p",), ("colon", "q"), ("ctrl+d",)])
async def test_nothing_else_is_drawn(keys: tuple[str, ...]) -> None:
    part = page("merges").part("throughput")
    assert part is not None
    app = ChtuiApp(lambda: StillSession(with_panes(part.wants(()))), Ui(ascii=True, default_pane="merges"))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settled(app, pilot)
        assert isinstance(app.screen, PageScreen)
        app.screen.show_part("throughput")
        await drawn(app, pilot)
        await pilot.press(*keys)
        await pilot.pause(0.2)
        assert other_than_ascii(app) == set()


async def test_without_it_the_plot_is_drawn_in_dots() -> None:
    part = page("merges").part("throughput")
    assert part is not None
    app = ChtuiApp(lambda: StillSession(with_panes(part.wants(()))), Ui(default_pane="merges"))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settled(app, pilot)
        assert isinstance(app.screen, PageScreen)
        app.screen.show_part("throughput")
        await drawn(app, pilot)
        assert any("\u2800" < character <= "\u28ff" for character in other_than_ascii(app))
