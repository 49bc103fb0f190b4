"""Killing a query as a person does it: seen, armed, shown, confirmed, gone, written down."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from chtui.demo.client import Client
from tests.engine.killing import LongQuery
from tests.screens.terminal import clean_environment, config_file, console_command, terminal
from tests.support import ModernRig, wait_until

SLEEP = "SELECT count(), max(nap) FROM (SELECT sleepEachRow(0.01) AS nap FROM numbers(30000)) SETTINGS max_block_size = 20"


def test_a_query_is_killed_from_the_console(modern: ModernRig, tmp_path: Path) -> None:
    config = config_file(modern, tmp_path)
    secret = tmp_path / "admin.password"
    secret.touch(mode=0o600)
    secret.write_text(modern.password("admin"))
    text = config.read_text().replace(
        "[profile.rig.http_addresses]",
        f'[profile.rig.write]\nuser = "admin"\npassword_file = "{secret}"\n[profile.rig.http_addresses]',
    )
    config.write_text(text)
    query_id = f"runaway-{secrets.token_hex(4)}"
    client = Client("admin", modern.password("admin"))
    asked = LongQuery(lambda: client.ask(modern.http_ports[1], SLEEP, seconds=300, query_id=query_id))
    asked.start()
    state = tmp_path / "state"
    environment = {**clean_environment(), "XDG_STATE_HOME": str(state)}
    try:
        with terminal(120, 30, *console_command(config), environment=environment) as window:
            window.wait_for("4/4 hosts up")
            window.keys("6")
            window.wait_for("sleepEachRow")
            window.keys("/", "sleepEachRow", "Enter")
            window.wait_for("queries running 1/1")
            window.keys("C-d")
            window.wait_for("[minutes]")  # arm it with :write [minutes], in a toast that wraps
            window.keys(":write 5", "Enter")
            window.wait_for("ARMED")
            window.keys("C-d")
            shown = window.wait_for("KILL QUERY")
            assert query_id in shown
            assert (
                modern.query(1, f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'")
                == "1\n"
            )
            window.keys("y")
            window.wait_for("all done and verified")
            assert "1 gone" in window.screen
            window.keys("Escape")
            window.keys(":write off", "Enter")
            window.wait_for("read-only")
            window.keys("Q")
            window.wait_for("exit=0")
        wait_until(lambda: not asked.is_alive(), 30, "the end of the query")
        assert "QUERY_WAS_CANCELLED" in asked.end or "394" in asked.end
    finally:
        modern.query(1, f"KILL QUERY WHERE query_id = '{query_id}' ASYNC")
        asked.join(30)
    log = state / "chtui" / "audit" / "audit.jsonl"
    assert os.stat(log).st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(query_id in json.dumps(line) and "KILL QUERY" in json.dumps(line) for line in lines)
    assert modern.password("admin") not in log.read_text()
