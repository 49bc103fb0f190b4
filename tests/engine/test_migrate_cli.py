"""`chtui migrate init`, `preflight`, `plan` and `chtui config render`, as processes, on the embedded cluster."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.commands import Command, command
from tests.support import ModernRig

INIT = ("migrate", "init")
PLAIN = (
    "--engine",
    "plain",
    "--policy",
    "tiered_storage",
    "--template",
    "otel_v2",
    "--target-database",
    "cli_v2",
)


@pytest.fixture
def chtui(modern: ModernRig) -> Iterator[Command]:
    """The command with a profile of the rig's administrator."""
    with command() as made:
        made.profile(modern, "admin")
        yield made


@pytest.fixture
def spec(chtui: Command, tmp_path: Path) -> Path:
    """The shipped spec, fitted to the rig by `init`."""
    path = tmp_path / "spec.toml"
    done = chtui(*INIT, str(path), *PLAIN)
    assert (done.code, done.err) == (0, "")
    assert f"chtui migrate preflight {path}" in done.out
    return path


def test_init_writes_once_and_for_its_owner(chtui: Command, spec: Path) -> None:
    assert stat.S_IMODE(spec.stat().st_mode) == 0o600
    text = spec.read_text()
    assert "[table.traces]" in text
    assert 'database = "cli_v2"' in text
    assert 'policy = "tiered_storage"' in text, "the template's, where none is given"
    done = chtui(*INIT, str(spec), *PLAIN)
    assert done.code == 2
    assert done.refusal() == f"{spec}: cannot be written: File exists; give another file"
    assert spec.read_text() == text


def test_init_without_a_template_takes_v1_as_it_is(chtui: Command, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    done = chtui(*INIT, str(path), "--engine", "plain", "--target-database", "cli_own")
    assert done.code == 0
    found = json.loads(chtui("migrate", "plan", str(path), "--json").out)
    assert {group["table"] for group in found["groups"]} == {"traces", "logs", "metrics"}


def test_preflight_of_a_healthy_cluster_has_no_blocker(chtui: Command, spec: Path) -> None:
    done = chtui("migrate", "preflight", str(spec))
    assert done.code == 0, done.out
    assert done.out.splitlines()[-1].startswith("no blockers") or done.out.splitlines()[-1].startswith(
        "0 blockers"
    )
    found = json.loads(chtui("migrate", "preflight", str(spec), "--json").out)
    assert found["schema"] == "chtui/1 migrate preflight"
    assert found["counts"]["blocker"] == 0
    assert {"kind", "severity", "object", "host", "what", "evidence", "remedy"} == set(found["findings"][0])


def test_a_blocker_is_told_by_the_exit_code(chtui: Command, spec: Path, modern: ModernRig) -> None:
    spec.write_text(spec.read_text().replace('policy = "tiered_storage"', 'policy = "no_such_policy"'))
    done = chtui("migrate", "preflight", str(spec))
    assert done.code == 1
    assert "blocker  policy no_such_policy" in done.out
    for port in modern.ports:
        assert f"127.0.0.1:{port}" in done.out


def test_the_plan_shows_statements_chunks_and_departures(
    chtui: Command, spec: Path, modern: ModernRig
) -> None:
    done = chtui("migrate", "plan", str(spec))
    assert done.code == 0
    for text in (
        "CREATE TABLE IF NOT EXISTS `cli_v2`.`traces_local`",
        "INSERT INTO `cli_v2`.`STAGING`",
        "argMinIf",
        "PULLED BY",
    ):
        assert text in done.out
    found = json.loads(chtui("migrate", "plan", str(spec), "--json").out)
    rows = sum(
        int(modern.query(0, f"SELECT count() FROM otel.{name}")) for name in ("traces", "logs", "metrics")
    )
    assert found["rows"] == rows
    assert sum(piece["rows"] for group in found["groups"] for piece in group["slices"]) == rows
    again = json.loads(chtui("migrate", "plan", str(spec), "--json").out)
    assert {key: value for key, value in found.items() if key not in ("generated_at", "hash")} == {
        key: value for key, value in again.items() if key not in ("generated_at", "hash")
    }
    assert modern.query(0, "SELECT count() FROM system.databases WHERE name = 'cli_v2'") == "0\n"


def test_server_xml_is_rendered_for_every_host(chtui: Command, tmp_path: Path) -> None:
    done = chtui("config", "render", "otel_v2", str(tmp_path / "xml"))
    assert done.code == 0, done.err
    written = [Path(line) for line in done.out.splitlines()]
    assert {path.name for path in written} == {
        "remote_servers.xml",
        "macros.xml",
        "zookeeper.xml",
        "storage_configuration.xml",
    }
    assert len({path.parent for path in written}) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written)
    assert "environment must have" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("preflight", "no/such.toml"), 2, "no/such.toml"),
        (("plan",), 2, "the following arguments are required"),
        (("nope",), 2, "invalid choice"),
        (("init", "/no/such/folder/spec.toml", *PLAIN), 2, "/no/such/folder/spec.toml: cannot be written"),
        (("init", "x.toml", "--source", "127.0.0.1:1", *PLAIN), 2, "127.0.0.1:1 is no host of cluster"),
        (("init", "x.toml", "--source-database", "nowhere", "--engine", "plain"), 2, "nowhere"),
        (("init", "x.toml", "--source", "a b", *PLAIN), 2, "--source"),
    ],
)
def test_bad_input_has_its_line(chtui: Command, arguments: tuple[str, ...], code: int, what: str) -> None:
    done = chtui("migrate", *arguments)
    assert done.code == code
    assert what in done.refusal()
    assert not Path("x.toml").exists()


def test_every_problem_of_a_spec_has_a_line(chtui: Command, spec: Path) -> None:
    spec.write_text(
        spec.read_text().replace("[table.traces]\n", "[table.traces]\nsharding = 1\nreties = 2\n")
    )
    done = chtui("migrate", "plan", str(spec))
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"chtui: {spec}:") for line in lines)


def test_a_cluster_that_is_away_is_exit_3(chtui: Command, spec: Path) -> None:
    done = chtui("--host", "127.0.0.1:1", "--user", "admin", "migrate", "plan", str(spec))
    assert done.code == 3
    assert "127.0.0.1:1" in done.refusal()
