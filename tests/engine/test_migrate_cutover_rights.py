"""What v1's readers may do on every host of v2, on ClickHouse 26.9: users, grants, policies, quotas and profiles of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest

from chtui.demo.selftest.oracle import clean
from chtui.migrate.cutover import rights
from tests.engine.fleets import restart
from tests.engine.standing import Standing, case_on, start
from tests.support import ModernRig

HIDDEN = "id IN ('1', '2', '3', '4', '5', '6', '7', '8')"
HIDING = f"NOT ({HIDDEN})"
V1, V2 = "rights_of_v1", "rights_of_v2"


def user(
    tree: ElementTree.Element,
    name: str,
    grants: Sequence[str],
    *,
    profile: str = "default",
    quota: str = "default",
    policies: Sequence[tuple[str, str, str]] = (),
) -> None:
    users = tree.find("users")
    assert users is not None
    made = ElementTree.SubElement(users, name)
    for key, value in (("password", ""), ("profile", profile), ("quota", quota)):
        ElementTree.SubElement(made, key).text = value
    ElementTree.SubElement(ElementTree.SubElement(made, "networks"), "ip").text = "127.0.0.1"
    given = ElementTree.SubElement(made, "grants")
    for grant in grants:
        ElementTree.SubElement(given, "query").text = f"GRANT {grant}"
    databases = ElementTree.SubElement(made, "databases")
    for database, table, condition in policies:
        of_database = ElementTree.SubElement(databases, database)
        ElementTree.SubElement(ElementTree.SubElement(of_database, table), "filter").text = condition


def plant(tree: ElementTree.Element, index: int) -> None:
    """All is well on the second host; the third and the fourth each lack something."""
    profiles, quotas = tree.find("profiles"), tree.find("quotas")
    assert profiles is not None
    assert quotas is not None
    for name, threads in (("dashboards", "3" if index == 2 else "2"),):
        ElementTree.SubElement(ElementTree.SubElement(profiles, name), "max_threads").text = threads
    interval = ElementTree.SubElement(ElementTree.SubElement(quotas, "few"), "interval")
    for key, value in (("duration", "3600"), ("queries", "1000" if index != 3 else "10")):
        ElementTree.SubElement(interval, key).text = value
    both = [f"SELECT ON {V1}.*", f"SELECT ON {V2}.*"]
    policies = [(V1, "events", HIDING)]
    if index != 3:
        policies.append((V2, "events_local", HIDING))
    user(tree, "dash", both if index != 2 else both[:1], profile="dashboards", quota="few", policies=policies)
    if index != 3:
        user(
            tree,
            "analyst2",
            [
                f"SELECT(ts, id, kind) ON {V1}.events",
                f"SELECT(ts, id{', kind' if index != 1 else ''}) ON {V2}.events",
            ],
        )


@contextmanager
def planted(rig: ModernRig) -> Iterator[None]:
    paths = [Path(str(getattr(node, "directory"))) / "users.xml" for node in rig.nodes]  # noqa: B009
    before = [path.read_text() for path in paths]
    try:
        for index, path in enumerate(paths):
            tree = ElementTree.fromstring(before[index])
            plant(tree, index)
            path.write_text(ElementTree.tostring(tree, encoding="unicode"))
            restart(rig, index)
        yield
    finally:
        for index, path in enumerate(paths):
            path.write_text(before[index])
            restart(rig, index)


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    case = case_on(modern, "rights_of", tmp_path)
    assert (case.source_database, case.target_database) == (V1, V2)
    try:
        with planted(modern):
            found = start(case, modern.query, tmp_path / "run")
            yield found
            found.close()
    finally:
        clean(case, modern.query, len(modern.nodes))


def test_what_readers_may_do(standing: Standing, modern: ModernRig) -> None:
    found = rights.look(standing.stand, ["dash"])
    # `analyst2` was not seen, but has a right that names the database.
    assert found.users == ("analyst2", "dash")
    names = {finding.name: finding for finding in found.findings}
    _, second, third, fourth = (f"127.0.0.1:{port}" for port in modern.ports)
    assert set(names) == {
        f"grant analyst2 on {second}",
        f"grant dash on {third}",
        f"settings of dash on {third}",
        f"user analyst2 on {fourth}",
        f"quota few on {fourth}",
        # Who it holds for is part of it, and `analyst2` is nobody there.
        f"quota default on {fourth}",
        f"policy dash of events on {fourth}",
    }
    assert names[f"grant dash on {third}"].remedy == f"GRANT SELECT ON `{V2}`.* TO `dash`"
    assert names[f"grant analyst2 on {second}"].remedy == f"GRANT SELECT ON `{V2}`.`events` TO `analyst2`"
    assert "max_threads" in names[f"settings of dash on {third}"].what
    assert "1000" in names[f"quota few on {fourth}"].what
    assert f"ON `{V2}`.`events_local`" in names[f"policy dash of events on {fourth}"].remedy

    # What is said of policies is so: wherever it is, a policy holds for who asked first, and where it lacks it does not.
    def count(index: int, name: str) -> int:
        url = f"http://127.0.0.1:{modern.http_ports[index]}/?user=dash"
        with urlopen(
            Request(url, f"SELECT count() FROM {name} WHERE {HIDDEN}".encode()), timeout=20
        ) as answer:
            return int(answer.read())

    one, other = (
        int(standing.query(index, f"SELECT count() FROM v2.events_local WHERE {HIDDEN}")) for index in (0, 3)
    )
    assert one > 0
    assert other > 0
    assert count(0, f"{V1}.events") == 0
    assert count(3, f"{V2}.events_local") == count(3, f"{V2}.events") == other
    assert count(0, f"{V2}.events_local") == 0
    with pytest.raises(HTTPError) as refused:
        count(2, f"{V2}.events")
    assert b"Not enough privileges" in refused.value.read()
