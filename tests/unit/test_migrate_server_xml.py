"""Server configuration rendered from a spec: what is in the files, who may read them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import pytest

from chtui.errors import MigrateError
from chtui.migrate import server_xml, spec_file
from chtui.migrate.spec import DdlMode, Flavour, Layout, Spec
from chtui.records import HostId
from tests.support import replace

SPEC = spec_file.shipped("otel_v2")
FILES = ["macros.xml", "remote_servers.xml", "storage_configuration.xml", "zookeeper.xml"]


def parsed(spec: Spec, folder: str, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(server_xml.render(spec)[folder][name])


def texts(element: ElementTree.Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path)]


def test_every_host_of_the_layout_has_its_files() -> None:
    rendered = server_xml.render(SPEC)
    assert list(rendered) == [f"clickhouse-shard{s}-replica{r}" for s in (1, 2) for r in (1, 2)]
    assert all(list(files) == FILES for files in rendered.values())
    others = [
        {name: text for name, text in files.items() if name in FILES[1::2]} for files in rendered.values()
    ]
    assert all(each == others[0] for each in others)


def test_the_cluster_and_v1s_entry() -> None:
    tree = parsed(SPEC, "clickhouse-shard2-replica1", "remote_servers.xml")
    cluster = "remote_servers/appsentry_cluster/shard"
    assert texts(tree, f"{cluster}/internal_replication") == ["true", "true"]
    assert texts(tree, f"{cluster}/replica/host") == list(server_xml.render(SPEC))
    assert texts(tree, "remote_servers/otel_v1/shard/replica/host") == ["clickhouse-shard1-replica1"]
    plain = replace(SPEC, target=replace(SPEC.target, flavour=Flavour.PLAIN, ddl=DdlMode.PER_HOST))
    tree = parsed(plain, "clickhouse-shard1-replica1", "remote_servers.xml")
    assert texts(tree, f"{cluster}/internal_replication") == ["false", "false"]


def test_no_secret_is_written() -> None:
    disks = MappingProxyType(
        {"disk_s3": MappingProxyType({"type": "s3", "access_key_id": "AKIA", "secret_access_key": "hush"})}
    )
    spec = replace(SPEC, disks=disks)
    everything = str(server_xml.render(spec))
    assert "hush" not in everything
    assert "AKIA" not in everything
    tree = parsed(spec, "clickhouse-shard1-replica1", "storage_configuration.xml")
    key = tree.find("storage_configuration/disks/disk_s3/secret_access_key")
    assert key is not None
    assert key.get("from_env") == "CLICKHOUSE_DISK_S3_SECRET_ACCESS_KEY"
    tree = parsed(spec, "clickhouse-shard1-replica1", "remote_servers.xml")
    passwords = tree.findall(".//password")
    assert len(passwords) == 5
    assert {(each.text, each.get("from_env")) for each in passwords} == {
        (None, "CLICKHOUSE_INTERNODE_PASSWORD")
    }
    assert server_xml.variables(spec) == [
        "CLICKHOUSE_INTERNODE_USER",
        "CLICKHOUSE_INTERNODE_PASSWORD",
        "CLICKHOUSE_DISK_S3_ACCESS_KEY_ID",
        "CLICKHOUSE_DISK_S3_SECRET_ACCESS_KEY",
    ]


def test_macros_are_the_hosts_own_and_in_its_disks() -> None:
    seen = set()
    for folder in server_xml.render(SPEC):
        tree = parsed(SPEC, folder, "macros.xml")
        (shard,), (replica,) = texts(tree, "macros/shard"), texts(tree, "macros/replica")
        assert replica == folder
        seen.add((shard, replica))
        storage = parsed(SPEC, folder, "storage_configuration.xml")
        (endpoint,) = texts(storage, "storage_configuration/disks/disk_s3/endpoint")
        assert endpoint == f"https://clickhouse-archive.s3.amazonaws.com/{shard}/{replica}/"
        volumes = storage.find("storage_configuration/policies/tiered_storage/volumes")
        assert volumes is not None
        assert [(volume.tag, texts(volume, "disk")) for volume in volumes] == [
            ("hot_volume", ["disk_nvme"]),
            ("cold_volume", ["disk_ssd"]),
            ("archive_volume", ["disk_s3"]),
        ]
    assert len(seen) == 4
    assert {shard for shard, _ in seen} == {"01", "02"}


def test_hosts_of_one_name_are_told_apart() -> None:
    layout = Layout(
        ((HostId("127.0.0.1", 1), HostId("127.0.0.1", 2)), (HostId("fe80::1", 3),)), SPEC.layout.keepers
    )
    names = list(server_xml.render(replace(SPEC, layout=layout)))
    assert names == ["127.0.0.1-1", "127.0.0.1-2", "fe80__1"]


def test_keeper() -> None:
    tree = parsed(SPEC, "clickhouse-shard1-replica1", "zookeeper.xml")
    assert texts(tree, "zookeeper/node/host") == ["zookeeper-1", "zookeeper-2", "zookeeper-3"]
    assert texts(tree, "distributed_ddl/path") == ["/clickhouse/task_queue/ddl"]
    plain = replace(
        SPEC, target=replace(SPEC.target, flavour=Flavour.PLAIN), layout=Layout(SPEC.layout.shards)
    )
    assert "zookeeper.xml" not in server_xml.render(plain)["clickhouse-shard1-replica1"]


def test_old_servers_want_another_root() -> None:
    for files in server_xml.render(SPEC, old=True).values():
        assert {ElementTree.fromstring(text).tag for text in files.values()} == {"yandex"}


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    paths = server_xml.write(server_xml.render(SPEC), tmp_path / "out")
    assert len(paths) == 16
    for path in paths:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert re.fullmatch(r"out/clickhouse-shard\d-replica\d/\w+\.xml", str(path.relative_to(tmp_path)))
    assert sorted(server_xml.write(server_xml.render(SPEC), tmp_path / "out")) == sorted(paths)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (replace(SPEC, layout=Layout()), "which hosts there are"),
        (replace(SPEC, layout=Layout(((HostId("a", 1), HostId("a", 1)),))), "a:1 stands there twice"),
        (replace(SPEC, layout=Layout(SPEC.layout.shards)), "where Keeper is"),
        (replace(SPEC, target=replace(SPEC.target, keeper_path="/{layer}/{table}")), "the macro layer"),
        (
            replace(SPEC, target=replace(SPEC.target, cluster="my cluster")),
            "cannot be the name of an element",
        ),
    ],
)
def test_what_cannot_be_rendered(spec: Spec, words: str) -> None:
    with pytest.raises(MigrateError, match=words) as refused:
        server_xml.render(spec)
    assert refused.value.fix
    assert refused.value.exit_code == 2
