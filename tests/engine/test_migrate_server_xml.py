"""ClickHouse 26.9 started with the files that are rendered from the shipped spec."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import pytest

from chtui.demo.client import Client
from chtui.demo.process import Child
from chtui.errors import ChtuiError
from chtui.migrate import server_xml, spec_file
from chtui.migrate.spec import DdlMode, Flavour, Layout
from chtui.records import HostId
from tests.engine.fleets import ids
from tests.rigs.processes import free_ports
from tests.support import CLUSTER, ModernRig, replace, wait_until

Query = Callable[[str], str]


@contextmanager
def node_with(rig: ModernRig, directory: Path, files: list[Path], ports: tuple[int, int]) -> Iterator[Query]:
    """A node of its own, configured as the rig's last one but for what is in these files; ports are HTTP's and the native one."""
    model = Path(str(getattr(rig.nodes[3], "directory")))  # noqa: B009
    directory.mkdir(mode=0o700)
    tree = ElementTree.parse(model / "config.xml").getroot()
    for path in files:
        for element in ElementTree.parse(path).getroot():
            before = tree.find(element.tag)
            if before is not None:
                tree.remove(before)
            tree.append(copy.deepcopy(element))
    for tag, port in zip(("http_port", "tcp_port"), ports, strict=True):
        for element in tree.findall(tag):
            element.text = str(port)
    logger = tree.find("logger")
    assert logger is not None
    for tag in ("log", "errorlog"):
        ElementTree.SubElement(logger, tag)
        for element in logger.findall(tag):
            element.text = str(directory / f"{tag}.log")
    (directory / "config.xml").write_text(ElementTree.tostring(tree, encoding="unicode"))
    (directory / "users.xml").write_text((model / "users.xml").read_text())
    client = Client("admin", rig.password("admin"))
    child = Child("chtui.demo.node", str(directory), output=directory / "output.log")

    def ready() -> bool:
        assert child.poll() is None, (directory / "output.log").read_text()
        try:
            return client.ask(ports[0], "SELECT 1") == "1\n"
        except ChtuiError:
            return False  # not answering yet is one of the two answers

    try:
        wait_until(ready, 60, "the node with rendered files")
        yield lambda text: client.ask(ports[0], text)
    finally:
        client.close()
        child.kill()


def test_a_node_starts_with_what_is_rendered(
    modern: ModernRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, _ = ids(modern)
    http_port, tcp_port = free_ports(2)
    shipped = spec_file.shipped("otel_v2")
    disks = {
        name: MappingProxyType({"type": "local", "path": f"{tmp_path}/{name}/{{replica}}/"})
        for name in shipped.disks
    }
    spec = replace(
        shipped,
        source=replace(shipped.source, host=first),
        target=replace(shipped.target, flavour=Flavour.PLAIN, ddl=DdlMode.PER_HOST),
        layout=Layout(((first, second), (third, HostId("127.0.0.1", tcp_port)))),
        disks=MappingProxyType(disks),
    )
    monkeypatch.setenv(server_xml.USER_VARIABLE, "internode")
    monkeypatch.setenv(server_xml.PASSWORD_VARIABLE, modern.password("internode"))
    paths = server_xml.write(server_xml.render(spec), tmp_path / "rendered")
    name = f"127.0.0.1-{tcp_port}"
    own = [path for path in paths if path.parent.name == name]
    assert [path.name for path in own] == ["macros.xml", "remote_servers.xml", "storage_configuration.xml"]

    with node_with(modern, tmp_path / "node", own, (http_port, tcp_port)) as query:
        columns = "shard_num, replica_num, port, internal_replication, user, is_local"
        told = query(
            f"SELECT {columns} FROM system.clusters WHERE cluster = '{CLUSTER}' ORDER BY shard_num, replica_num"
        )
        places = zip([(1, 1), (1, 2), (2, 1), (2, 2)], [*modern.ports[:3], tcp_port], strict=True)
        assert told.splitlines() == [
            f"{shard}\t{replica}\t{port}\t0\tinternode\t{int(port == tcp_port)}"
            for (shard, replica), port in places
        ]
        assert (
            query("SELECT groupArray(port) FROM system.clusters WHERE cluster = 'otel_v1'")
            == f"[{modern.ports[0]}]\n"
        )
        macros = query("SELECT macro, substitution FROM system.macros ORDER BY macro")
        assert macros.splitlines() == [f"cluster\t{CLUSTER}", f"replica\t{name}", "shard\t02"]
        policies = query(
            "SELECT volume_name, disks FROM system.storage_policies WHERE policy_name = 'tiered_storage' ORDER BY volume_priority"
        )
        assert policies.splitlines() == [
            "hot_volume\t['disk_nvme']",
            "cold_volume\t['disk_ssd']",
            "archive_volume\t['disk_s3']",
        ]
        assert (
            query("SELECT path FROM system.disks WHERE name = 'disk_s3'") == f"{tmp_path}/disk_s3/{name}/\n"
        )
        # The password from the environment opens the others.
        assert query(f"SELECT count() FROM clusterAllReplicas('{CLUSTER}', system.one)") == "4\n"
        assert query("SELECT count() FROM cluster('otel_v1', otel.traces)") == "2000\n"
