"""ClickHouse 18.16 started with the files that are rendered for old servers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chtui.migrate import server_xml, spec_file
from chtui.migrate.spec import Layout
from chtui.records import HostId
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.rigs.servers import ServerNode
from tests.support import replace

SPEC = Path(__file__).parent / "specs" / "events_v2.toml"


@pytest.fixture
def node(replicated_cluster: ReplicatedCluster) -> Iterator[ServerNode]:
    """The last server; its configuration is put back at the end."""
    last = replicated_cluster.servers.nodes[-1]
    config = last.process.directory / "config.xml"
    before = config.read_text()
    yield last
    config.write_text(before)
    replicated_cluster.servers.restart(last)
    replicated_cluster.heal()


def test_an_old_server_starts_with_what_is_rendered(
    replicated_cluster: ReplicatedCluster, node: ServerNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = replicated_cluster.servers
    hosts = [HostId(each.host, each.tcp_port) for each in servers.nodes]
    spec = spec_file.read(SPEC)
    spec = replace(
        spec,
        source=replace(spec.source, host=hosts[0]),
        layout=Layout(((hosts[0], hosts[1]), (hosts[2], hosts[3])), (HostId("127.0.0.1", 2181),)),
    )
    # The process took its environment when the rig was made.
    environment = vars(node.process)["_env"]
    monkeypatch.setitem(environment, server_xml.USER_VARIABLE, "admin")
    monkeypatch.setitem(environment, server_xml.PASSWORD_VARIABLE, servers.passwords["admin"])
    name = f"127.0.0.1-{node.tcp_port}"
    paths = server_xml.write(server_xml.render(spec, old=True), tmp_path / "rendered")
    config = node.process.directory / "config.xml"
    tree = ElementTree.fromstring(config.read_text())
    # Keeper stays the rig's own, which has a root of its own.
    for path in (tmp_path / "rendered" / name / file for file in ("macros.xml", "remote_servers.xml")):
        assert path in paths
        root = ElementTree.parse(path).getroot()
        assert root.tag == tree.tag
        for element in root:
            before = tree.find(element.tag)
            assert before is not None
            tree.remove(before)
            tree.append(copy.deepcopy(element))
    config.write_text(ElementTree.tostring(tree, encoding="unicode"))
    servers.restart(node)
    servers.wait_ready(node)
    macros = servers.query(node, "SELECT macro, substitution FROM system.macros ORDER BY macro", user="admin")
    assert macros.splitlines() == [f"cluster\t{CLUSTER}", f"replica\t{name}", "shard\t02"]
    rows = servers.query(
        node,
        f"SELECT shard_num, port, user FROM system.clusters WHERE cluster = '{CLUSTER}' ORDER BY shard_num, replica_num",
        user="admin",
    )
    assert rows.splitlines() == [f"{1 + index // 2}\t{host.port}\tadmin" for index, host in enumerate(hosts)]
    one = servers.query(node, f"SELECT count() FROM cluster('{CLUSTER}', system.one)", user="admin")
    assert one == "2\n"
