"""The files a demo writes: each node's server configuration, and chtui's own configuration for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

from chtui.demo.options import BLIND_PROFILE, CLUSTER, HOST, PROFILE, SOURCE_CLUSTER, Shape

TEMPLATES = files("chtui.sql") / "demo"
INTERNODE = "internode"
PASSWORDLESS = "default"
DISKS = ("disk_nvme", "disk_ssd", "disk_s3")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is in the cluster and on the machine."""

    shard_num: int
    replica_num: int
    port: int
    http_port: int

    @property
    def name(self) -> str:
        """`s1r2`: unique within a demo."""
        return f"s{self.shard_num}r{self.replica_num}"


def names(shape: Shape) -> list[str]:
    """Return the nodes' names, by shard and replica."""
    return [
        f"s{shard}r{replica}"
        for shard in range(1, shape.shards + 1)
        for replica in range(1, shape.replicas + 1)
    ]


def places(shape: Shape, ports: Mapping[str, int]) -> list[Place]:
    """Return the nodes' places, by shard and replica; `ports` as the demo's directory records them."""
    return [
        Place(shard, replica, ports[f"s{shard}r{replica}.tcp"], ports[f"s{shard}r{replica}.http"])
        for shard in range(1, shape.shards + 1)
        for replica in range(1, shape.replicas + 1)
    ]


def users() -> list[str]:
    """Return the users that have a password."""
    found = _template("users.xml").find("users")
    assert found is not None
    return [user.tag for user in found if user.tag != PASSWORDLESS]


def users_xml(passwords: Mapping[str, str]) -> str:
    """Return a node's `users.xml`; the passwords are in it as SHA-256 only."""
    tree = _template("users.xml")
    for user in _at(tree, "users"):
        if user.tag == PASSWORDLESS:
            continue
        _put(user, "password_sha256_hex", hashlib.sha256(passwords[user.tag].encode()).hexdigest())
        networks = ElementTree.SubElement(user, "networks")
        _put(networks, "ip", "::1")
        _put(networks, "ip", HOST)
        _put(user, "quota", "default")
    return _text(tree)


def policies() -> dict[str, frozenset[str]]:
    """Return each storage policy of a node with the names of its volumes and their disks."""
    found = _at(_template("node.xml"), "storage_configuration/policies")
    return {
        policy.tag: frozenset(volume.tag for volume in _at(policy, "volumes"))
        | {(disk.text or "").strip() for disk in policy.iter("disk")}
        for policy in found
    }


def node_xml(
    directory: Path, place: Place, places: Sequence[Place], internode_password: str, zookeeper_port: int
) -> str:
    """Return the node's `config.xml`; it holds the inter-node password. A ZooKeeper port of 0 means none."""
    tree = _template("node.xml")
    _put(tree, "http_port", str(place.http_port))
    _put(tree, "tcp_port", str(place.port))
    logger = _at(tree, "logger")
    _put(logger, "log", str(directory / "node.log"))
    _put(logger, "errorlog", str(directory / "error.log"))
    for disk in DISKS:
        element = ElementTree.SubElement(_at(tree, "storage_configuration/disks"), disk)
        _put(element, "path", f"{directory / 'disks' / disk}/")
    macros = ElementTree.SubElement(tree, "macros")
    _put(macros, "cluster", CLUSTER)
    _put(macros, "shard", str(place.shard_num))
    _put(macros, "replica", place.name)
    servers = ElementTree.SubElement(tree, "remote_servers")
    _put_cluster(servers, CLUSTER, places, internode_password)
    # a migration reads v1 by this one, from every host
    _put_cluster(servers, SOURCE_CLUSTER, places[:1], internode_password)
    if zookeeper_port:
        node = ElementTree.SubElement(ElementTree.SubElement(tree, "zookeeper"), "node")
        _put(node, "host", HOST)
        _put(node, "port", str(zookeeper_port))
    return _text(tree)


def _put_cluster(
    servers: ElementTree.Element, name: str, places: Sequence[Place], internode_password: str
) -> None:
    cluster = ElementTree.SubElement(servers, name)
    for shard_num in sorted({place.shard_num for place in places}):
        shard = ElementTree.SubElement(cluster, "shard")
        # nothing replicates on this engine: the Distributed table writes every replica itself
        _put(shard, "internal_replication", "false")
        for place in (place for place in places if place.shard_num == shard_num):
            replica = ElementTree.SubElement(shard, "replica")
            _put(replica, "host", HOST)
            _put(replica, "port", str(place.port))
            _put(replica, "user", INTERNODE)
            _put(replica, "password", internode_password)


def profiles_toml(
    places: Sequence[Place], password_files: Mapping[str, Path], zookeeper_port: int = 0
) -> str:
    """Return chtui's configuration with the profiles `demo` (user `oncall`) and `blind`; port 0 for no ZooKeeper."""
    lines = ["version = 1"]
    for profile, user in ((PROFILE, "oncall"), (BLIND_PROFILE, "blind")):
        lines += [
            "",
            f"[profile.{profile}]",
            f"hosts = [{', '.join(_quoted(f'{HOST}:{place.http_port}') for place in places)}]",
            f"cluster = {_quoted(CLUSTER)}",
            f"user = {_quoted(user)}",
            f"password_file = {_quoted(str(password_files[user]))}",
            *([f"keeper = [{_quoted(f'{HOST}:{zookeeper_port}')}]"] if zookeeper_port else []),
            "",
            f"[profile.{profile}.http_addresses]",
            *(
                f"{_quoted(f'{HOST}:{place.port}')} = {_quoted(f'{HOST}:{place.http_port}')}"
                for place in places
            ),
            "",
            f"[profile.{profile}.write]",
            'user = "admin"',
            f"password_file = {_quoted(str(password_files['admin']))}",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # a JSON string is a TOML string, but for DEL, which TOML wants escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _template(name: str) -> ElementTree.Element:
    return ElementTree.fromstring((TEMPLATES / name).read_text(encoding="utf-8"))


def _at(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    assert found is not None, path
    return found


def _put(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _text(tree: ElementTree.Element) -> str:
    ElementTree.indent(tree)
    return ElementTree.tostring(tree, encoding="unicode") + "\n"
