"""The rights preflight asks for are those a migration needs: a user who has them and no others carries one out."""

from __future__ import annotations

from pathlib import Path

from chtui.demo.selftest.oracle import clean, prepare
from chtui.migrate.preflight import Kind, Severity, run
from chtui.migrate.preflight.rights import source_rights, target_rights
from tests.engine.planting import found, users
from tests.faults.comparing import assert_exact
from tests.rigs.migrating import Case
from tests.support import ModernRig


def test_a_user_with_just_these_rights_migrates(modern: ModernRig, tmp_path: Path) -> None:
    case = Case(
        name="rights",
        directory=str(tmp_path),
        addresses=modern.addresses(),
        seeds=modern.http_ports,
        source_port=modern.ports[0],
        user="mover",
        password="",
    )
    spec = case.spec()
    rights = [f"{each.right} ON {each.where}" for each in (*target_rights(spec), *source_rights(spec))]
    prepare(case, modern.query)
    try:
        with users(modern, mover=rights):
            hosts = case.hosts()
            report = run(spec, hosts)
            hosts.close()
            assert found(report, Kind.PRIVILEGE, Severity.BLOCKER) == []
            process = case.start()
            assert process.wait(200) == 0, case.output()
        assert_exact(case, modern.query, [[0, 1], [2, 3]])
    finally:
        clean(case, modern.query, 4)
