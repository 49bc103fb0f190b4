from __future__ import annotations

import threading

from chtui.fleet.driver import query_ids


def test_threads_may_draw_from_one_source() -> None:
    ids, drawn, failures = query_ids("x"), [[] for _ in range(4)], []  # type: ignore[var-annotated]

    def draw(into: list[str]) -> None:
        try:
            into.extend(next(ids) for _ in range(20_000))
        except ValueError as error:
            failures.append(error)

    threads = [threading.Thread(target=draw, args=(into,)) for into in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({query_id for into in drawn for query_id in into}) == 80_000
    assert next(ids).startswith("chtui-")
