"""The configuration of servers that SQL cannot make, written as XML files for every host of a spec's layout.

No secret is ever in them: where one belongs, the element says from which variable of the server's environment it comes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from chtui.errors import MigrateError
from chtui.migrate.spec import Flavour, Spec
from chtui.paths import private_dir, write_private
from chtui.records import HostId

TEMPLATES = files("chtui.sql") / "config"
XML_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
MACRO = re.compile(r"\{(\w+)\}")
OWN_MACROS = frozenset(("database", "table", "uuid"))
"""What stands in braces in a Keeper path and is no macro of a server."""
SECRET = re.compile(r"(?i)secret|password|passwd|token|(^|_)key($|_)|access_key")
USER_VARIABLE = "CLICKHOUSE_INTERNODE_USER"
PASSWORD_VARIABLE = "CLICKHOUSE_INTERNODE_PASSWORD"
MODERN_ROOT, OLD_ROOT = "clickhouse", "yandex"
"""The root element of a configuration file; before 21.10 it had to be the second. Source: ClickHouse 21.10 changelog."""


class Member(NamedTuple):
    """One host of the layout."""

    host: HostId
    folder: str
    """Its name among the files."""
    macros: Mapping[str, str]


def members(spec: Spec) -> list[Member]:
    """Return the hosts of a spec's layout, by shard and replica, with their macros.

    Raises:
        MigrateError: the layout has no hosts, or one twice; or the spec uses a macro nobody can guess.
    """
    hosts = [host for shard in spec.layout.shards for host in shard]
    if not hosts:
        raise MigrateError(
            "the spec does not say which hosts there are", where="layout", fix="add shards to [layout]"
        )
    if twice := [str(host) for host, number in Counter(hosts).items() if number > 1]:
        raise MigrateError(f"{twice[0]} stands there twice", where="layout.shards", fix="name each host once")
    names = Counter(host.host_name for host in hosts)
    found = []
    for number, shard in enumerate(spec.layout.shards, 1):
        for host in shard:
            # A name that does not change when hosts are added: a replica's place in Keeper has it.
            name = host.host_name if names[host.host_name] == 1 else f"{host.host_name}-{host.port}"
            name = re.sub(r"[^\w.-]", "_", name)
            found.append(
                Member(
                    host, name, {"cluster": spec.target.cluster, "shard": f"{number:02d}", "replica": name}
                )
            )
    _demand_known(spec, found[0].macros)
    return found


def render(spec: Spec, *, old: bool = False) -> dict[str, dict[str, str]]:
    """Return the text of every file, by folder (one a host) and name; `old` is for servers before 21.10.

    Raises:
        MigrateError: the layout lacks hosts or Keeper's addresses, or a name cannot be that of an XML element.
    """
    everyone = members(spec)
    if spec.target.flavour is Flavour.REPLICATED and not spec.layout.keepers:
        raise MigrateError(
            "the spec does not say where Keeper is",
            where="layout",
            fix="add keepers to [layout]: Replicated tables need it",
        )
    common = {"remote_servers.xml": _remote_servers(spec)}
    if spec.layout.keepers:
        common["zookeeper.xml"] = _zookeeper(spec)
    result = {}
    for member in everyone:
        trees = {**common, "macros.xml": _macros(member)}
        if spec.policies:
            trees["storage_configuration.xml"] = _storage(spec, member)
        result[member.folder] = {name: _text(tree, old) for name, tree in sorted(trees.items())}
    return result


def write(rendered: Mapping[str, Mapping[str, str]], directory: Path) -> list[Path]:
    """Write rendered files below a directory, a folder for each host, readable by their owner alone; return their paths.

    Raises:
        OSError: one cannot be written.
    """
    paths = []
    private_dir(directory)
    for folder, texts in rendered.items():
        private_dir(directory / folder)
        for name, text in texts.items():
            paths.append(directory / folder / name)
            write_private(paths[-1], text)
    return paths


def variables(spec: Spec) -> list[str]:
    """Return the names of the variables that must be in the environment of every server's process."""
    disks = [_variable(disk, key) for disk, keys in spec.disks.items() for key in keys if SECRET.search(key)]
    return [USER_VARIABLE, PASSWORD_VARIABLE, *disks]


def _demand_known(spec: Spec, macros: Mapping[str, str]) -> None:
    texts = [spec.target.keeper_path, spec.target.replica]
    texts += [text for keys in spec.disks.values() for text in keys.values()]
    unknown = sorted({name for text in texts for name in MACRO.findall(text)} - macros.keys() - OWN_MACROS)
    if unknown:
        raise MigrateError(
            f"the spec uses the macro {unknown[0]}, of which nobody knows what it should be",
            where="target.keeper_path",
            fix=f"use {', '.join(f'{{{name}}}' for name in macros)} only, or write the macros yourself",
        )


def _remote_servers(spec: Spec) -> ElementTree.Element:
    tree = _template("remote_servers.xml")
    servers = _at(tree, "remote_servers")
    internal = "true" if spec.target.flavour is Flavour.REPLICATED else "false"
    cluster = _put(servers, spec.target.cluster)
    for shard in spec.layout.shards:
        _put_shard(cluster, shard, internal)
    if spec.source.cluster:
        _put_shard(_put(servers, spec.source.cluster), [spec.source.host], "false")
    return tree


def _put_shard(cluster: ElementTree.Element, hosts: Sequence[HostId], internal: str) -> None:
    shard = _put(cluster, "shard")
    _put(shard, "internal_replication", internal)
    for host in hosts:
        replica = _put(shard, "replica")
        _put(replica, "host", host.host_name)
        _put(replica, "port", str(host.port))
        _put(replica, "user").set("from_env", USER_VARIABLE)
        _put(replica, "password").set("from_env", PASSWORD_VARIABLE)


def _zookeeper(spec: Spec) -> ElementTree.Element:
    tree = _template("zookeeper.xml")
    for number, keeper in enumerate(spec.layout.keepers, 1):
        node = _put(_at(tree, "zookeeper"), "node")
        node.set("index", str(number))
        _put(node, "host", keeper.host_name)
        _put(node, "port", str(keeper.port))
    return tree


def _macros(member: Member) -> ElementTree.Element:
    tree = _template("macros.xml")
    for name, value in member.macros.items():
        _put(_at(tree, "macros"), name, value)
    return tree


def _storage(spec: Spec, member: Member) -> ElementTree.Element:
    tree = _template("storage_configuration.xml")
    disks, policies = (_at(tree, f"storage_configuration/{name}") for name in ("disks", "policies"))
    for disk, keys in spec.disks.items():
        element = _put(disks, disk)
        for key, value in keys.items():
            if SECRET.search(key):
                _put(element, key).set("from_env", _variable(disk, key))
            else:
                _put(element, key, MACRO.sub(lambda match: member.macros.get(match[1], match[0]), value))
    for policy in spec.policies:
        volumes = _put(_put(policies, policy.name), "volumes")
        for volume in policy.volumes:
            element = _put(volumes, volume.name)
            for disk in volume.disks:
                _put(element, "disk", disk)
    return tree


def _variable(disk: str, key: str) -> str:
    return re.sub(r"\W", "_", f"CLICKHOUSE_{disk}_{key}").upper()


def _template(name: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    return ElementTree.fromstring((TEMPLATES / name).read_text(encoding="utf-8"), parser)


def _at(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    assert found is not None, path
    return found


def _put(parent: ElementTree.Element, tag: str, text: str | None = None) -> ElementTree.Element:
    if not XML_NAME.fullmatch(tag):
        raise MigrateError(
            f"{tag!r} cannot be the name of an element of XML",
            where="spec",
            fix="use letters, digits and underscores",
        )
    element = ElementTree.SubElement(parent, tag)
    element.text = text
    return element


def _text(tree: ElementTree.Element, old: bool) -> str:
    tree.tag = OLD_ROOT if old else MODERN_ROOT
    ElementTree.indent(tree, "    ")
    return ElementTree.tostring(tree, encoding="unicode") + "\n"
