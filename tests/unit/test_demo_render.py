"""What the demo writes for its nodes and for chtui."""

from __future__ import annotations

import json
import socket
import tomllib
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chtui.demo import render
from chtui.demo.options import DemoHost, DemoInfo, DemoServices, Shape
from chtui.demo.ports import HeldPorts
from chtui.sql import load, names
from tests.support import replace

SHAPE = Shape(shards=2, replicas=2, rows=1, seed=1, days=9, anchor=date(2026, 1, 1))
PORTS = {
    f"{name}.{kind}": 15_000 + i * 2 + j
    for i, name in enumerate(render.names(SHAPE))
    for j, kind in enumerate(("tcp", "http"))
}
PLACES = render.places(SHAPE, PORTS)


def test_places_are_in_order_of_shard_and_replica() -> None:
    assert [place.name for place in PLACES] == ["s1r1", "s1r2", "s2r1", "s2r2"]
    assert (PLACES[0].port, PLACES[0].http_port) == (15_000, 15_001)


def test_a_nodes_configuration_knows_all_hosts_and_its_own_place() -> None:
    directory = Path("/a & b/<c>")
    tree = ElementTree.fromstring(render.node_xml(directory, PLACES[2], PLACES, "p<&>w", 0))
    assert tree.findtext("tcp_port") == "15004"
    assert tree.findtext("macros/shard") == "2"
    assert tree.findtext("macros/replica") == "s2r1"
    assert [port.text for port in tree.findall("remote_servers/appsentry_cluster/shard/replica/port")] == [
        "15000",
        "15002",
        "15004",
        "15006",
    ]
    assert {p.text for p in tree.findall("remote_servers/appsentry_cluster/shard/replica/password")} == {
        "p<&>w"
    }
    assert {p.text for p in tree.findall("remote_servers/appsentry_cluster/shard/internal_replication")} == {
        "false"
    }
    assert [port.text for port in tree.findall("remote_servers/otel_v1/shard/replica/port")] == ["15000"]
    assert tree.findtext("remote_servers/otel_v1/shard/replica/user") == "internode"
    assert tree.findtext("storage_configuration/disks/disk_s3/path") == "/a & b/<c>/disks/disk_s3/"
    assert tree.find("zookeeper") is None
    assert (
        ElementTree.fromstring(render.node_xml(directory, PLACES[0], PLACES, "x", 99)).findtext(
            "zookeeper/node/port"
        )
        == "99"
    )


def test_passwords_are_in_the_users_file_as_hashes_only() -> None:
    passwords = {user: f"secret-{user}" for user in render.users()}
    text = render.users_xml(passwords)
    assert "secret" not in text
    tree = ElementTree.fromstring(text)
    for user in render.users():
        assert len(tree.findtext(f"users/{user}/password_sha256_hex") or "") == 64
    assert tree.find("users/default/password_sha256_hex") is None
    assert [query.text for query in tree.findall("users/oncall/grants/query")] == [
        "GRANT SELECT ON system.*",
        "GRANT SHOW ON *.*",
        "GRANT REMOTE ON *.*",
    ]


@pytest.mark.parametrize("folder", ["/plain", 'quo"te\\back', "umläut \x7f del", "new\nline \U0001f980"])
def test_the_profiles_are_toml_whatever_the_directory_is_called(folder: str) -> None:
    files = {user: Path(folder) / f"{user}.password" for user in render.users()}
    config = tomllib.loads(render.profiles_toml(PLACES, files))
    assert config["version"] == 1
    for profile, user in (("demo", "oncall"), ("blind", "blind")):
        found = config["profile"][profile]
        assert found["hosts"] == ["127.0.0.1:15001", "127.0.0.1:15003", "127.0.0.1:15005", "127.0.0.1:15007"]
        assert found["cluster"] == "appsentry_cluster"
        assert (found["user"], found["password_file"]) == (user, str(files[user]))
        assert found["http_addresses"]["127.0.0.1:15000"] == "127.0.0.1:15001"
        assert found["write"] == {"user": "admin", "password_file": str(files["admin"])}


def test_the_line_of_json_is_one_line() -> None:
    host = DemoHost("127.0.0.1", 1, 2, 1, 1, 3)
    info = DemoInfo(Path("/x/config.toml"), "demo", "c", (host,), (3,), Path("/x\ny"), True, "")
    assert "\n" not in info.as_json()
    assert '"http_port": 2' in info.as_json()
    assert '"services": null' in info.as_json()
    told = replace(info, services=DemoServices("http://127.0.0.1:4", "http://127.0.0.1:5")).as_json()
    assert json.loads(told)["services"] == {
        "ingestion_url": "http://127.0.0.1:4",
        "backend_url": "http://127.0.0.1:5",
    }


def test_held_ports_are_distinct_and_cannot_be_taken() -> None:
    held = HeldPorts([f"p{i}" for i in range(20)], {})
    assert len(set(held.ports.values())) == 20
    other = HeldPorts(["a"], {"a": held.ports["p0"]})
    assert other.ports["a"] != held.ports["p0"]
    other.release()
    with socket.socket() as taker, pytest.raises(OSError, match="in use"):
        taker.bind(("127.0.0.1", held.ports["p1"]))
    held.release()
    held.release()
    again = HeldPorts(["a"], {"a": held.ports["p1"]})
    assert again.ports["a"] == held.ports["p1"]
    again.release()


def test_every_statement_of_the_demo_has_a_whole_header() -> None:
    for name in names("demo"):
        statement = load(name)
        assert statement.purpose, name
        assert statement.cost, name
        assert statement.engines, name
        used = {part.split(":")[0] for part in statement.text.split("{")[1:] if ":" in part.split("}")[0]}
        assert {param.name for param in statement.params} >= {word for word in used if word.isidentifier()}, (
            name
        )
