"""The XML a test server is started with, for Debian's 18.16 and for modern releases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from tests.rigs.processes import LOOPBACK

CLUSTER = "appsentry_cluster"
CHROOT = "/chtui"
DDL_PATH = "/clickhouse/task_queue/ddl"

Tree = Mapping[str, "str | int | Tree | Sequence[Tree]"]


class Flavour(StrEnum):
    """What a server binary can do and how it is configured."""

    LEGACY = "18.16"
    MODERN = "modern"


SOURCE_CLUSTERS = {Flavour.LEGACY: "v1", Flavour.MODERN: "otel_v1"}
"""The first server alone, by which the others read what is to be migrated; a modern one names it as the demo does."""


def to_xml(flavour: Flavour, tree: Tree) -> str:
    """The tree as a configuration file of that flavour; a sequence becomes repeated elements."""
    root = ElementTree.Element("yandex" if flavour is Flavour.LEGACY else "clickhouse")
    _fill(root, tree)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _fill(parent: ElementTree.Element, tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, str | int):
            ElementTree.SubElement(parent, name).text = str(value)
        elif isinstance(value, Mapping):
            _fill(ElementTree.SubElement(parent, name), value)
        else:
            for item in value:
                _fill(ElementTree.SubElement(parent, name), item)


def server_tree(
    flavour: Flavour,
    home: Path,
    *,
    ports: tuple[int, int, int],
    macros: Mapping[str, str],
    shards: Sequence[Sequence[int]],
    zookeeper_hosts: str,
) -> Tree:
    """The main configuration of one server; `shards` holds the native ports of every shard's replicas."""
    http_port, tcp_port, interserver_port = ports
    common: Tree = {
        # Everything goes to the process's own log file.
        "logger": {"level": "information", "console": 1},
        "http_port": http_port,
        "tcp_port": tcp_port,
        "interserver_http_port": interserver_port,
        "interserver_http_host": LOOPBACK,
        "listen_host": LOOPBACK,
        "path": f"{home}/data/",
        "tmp_path": f"{home}/tmp/",
        "user_files_path": f"{home}/user_files/",
        "format_schema_path": f"{home}/format_schemas/",
        "users_config": f"{home}/users.xml",
        "default_profile": "default",
        "default_database": "default",
        "timezone": "UTC",
        "max_concurrent_queries": 100,
        "mark_cache_size": 5 << 20,
        "uncompressed_cache_size": 1 << 20,
        "keep_alive_timeout": 10,
        "remote_servers": {
            CLUSTER: {"shard": [_shard(replicas) for replicas in shards]},
            SOURCE_CLUSTERS[flavour]: {"shard": [_shard(shards[0][:1])]},
        },
        "macros": macros,
        "zookeeper": _zookeeper(zookeeper_hosts),
        "distributed_ddl": {"path": DDL_PATH},
        "query_log": _log_table("query_log"),
        "part_log": _log_table("part_log"),
    }
    return {**common, **(_LEGACY if flavour is Flavour.LEGACY else _modern(home))}


_LEGACY: Tree = {
    "merge_tree": {
        # The default of 60 s would keep a table read-only for as long after Keeper is back.
        "zookeeper_session_expiration_check_period": 1,
        # Where a server is killed between fetching a part and telling Keeper of it, and that part is most of the table, it does not
        # start again by itself with the default, half of the rows (seen).
        "replicated_max_ratio_of_wrong_parts": 1,
    }
}


def _modern(home: Path) -> Tree:
    disks = ("hot", "cold", "archive")
    return {
        "max_server_memory_usage": 1 << 30,
        "user_directories": {
            "users_xml": {"path": f"{home}/users.xml"},
            "local_directory": {"path": f"{home}/access/"},
        },
        "storage_configuration": {
            "disks": {disk: {"path": f"{home}/disks/{disk}/"} for disk in disks},
            "policies": {
                "tiered_storage": {
                    "volumes": {f"{disk}_volume": {"disk": disk} for disk in disks},
                    "move_factor": "0.1",
                }
            },
        },
    }


def users_tree(flavour: Flavour, passwords: Mapping[str, str]) -> Tree:
    """The users file: `default` without a password, `admin`, and where there is no SQL for it `oncall`."""
    default: Tree = {
        "password": "",
        "networks": {"ip": LOOPBACK},
        "profile": "default",
        "quota": "default",
        **({"access_management": 1} if flavour is Flavour.MODERN else {}),
    }
    admin: Tree = {**_without_password(default), "password_sha256_hex": _sha256(passwords["admin"])}
    oncall: Tree = {
        **_without_password(default),
        "password_sha256_hex": _sha256(passwords["oncall"]),
        "profile": "readonly",
    }
    limits: Tree = {"max_memory_usage": 1 << 30, "log_queries": 1, "max_threads": 2}
    legacy_limits: Tree = {"allow_experimental_low_cardinality_type": 1, "background_pool_size": 4}
    profile: Tree = {**limits, **legacy_limits} if flavour is Flavour.LEGACY else limits
    users: Tree = {"default": default, "admin": admin}
    return {
        "profiles": {"default": profile, "readonly": {**profile, "readonly": 1}},
        "users": {**users, "oncall": oncall} if flavour is Flavour.LEGACY else users,
        "quotas": {"default": {}},
    }


def sql_users(passwords: Mapping[str, str]) -> list[str]:
    """The statements that make the users of a modern server which are told apart by grants."""
    grants = {
        "oncall": ["SELECT ON system.*", "SHOW ON *.*", "REMOTE ON *.*"],
        "blind": ["SELECT ON system.*", "REMOTE ON *.*"],
    }
    statements = []
    for user, granted in grants.items():
        statements.append(
            f"CREATE USER OR REPLACE {user} IDENTIFIED WITH sha256_password BY '{passwords[user]}' "
            "SETTINGS PROFILE 'readonly'"
        )
        statements.extend(f"GRANT {grant} TO {user}" for grant in granted)
    return statements


def _without_password(user: Tree) -> Tree:
    return {name: value for name, value in user.items() if name != "password"}


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _shard(tcp_ports: Sequence[int]) -> Tree:
    return {
        "internal_replication": "true",
        "replica": [{"host": LOOPBACK, "port": port} for port in tcp_ports],
    }


def _zookeeper(hosts: str) -> Tree:
    nodes = [host.rsplit(":", 1) for host in hosts.split(",")]
    return {
        "node": [{"host": host, "port": port} for host, port in nodes],
        "session_timeout_ms": 5_000,
        "operation_timeout_ms": 5_000,
        "root": CHROOT,
    }


def _log_table(name: str) -> Tree:
    return {
        "database": "system",
        "table": name,
        "partition_by": "toYYYYMM(event_date)",
        "flush_interval_milliseconds": 500,
    }
