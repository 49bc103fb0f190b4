"""clickhouse-client's own configuration, as far as it says how to connect.

The first of these that is there is read, in clickhouse-client's order: $CLICKHOUSE_CONFIG;
$XDG_CONFIG_HOME/clickhouse/config, ~/.config/clickhouse/config, ~/.clickhouse-client/config,
/etc/clickhouse-client/config, each as .xml, .yaml, .yml. ./clickhouse-client.xml is never read: whoever owns the
working directory would choose the server.

Its ports are native ones, which chtui does not speak: HTTP is tried on 8123, or 8443 with TLS, unless the file has
`http_port`. Keys that say nothing about the connection are skipped. `openSSL.client.loadDefaultCAFile` changes nothing:
without `caConfig` the system's certificates are trusted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from chtui.errors import ConfigError
from chtui.profile.client_tree import Node, Tree, read_tree
from chtui.profile.endpoint import parse_port
from chtui.profile.layer import Context, Layer, Sourced, check_boolean, check_hosts, check_text, settle_secure
from chtui.profile.secret import Secret

SYSTEM_DIRECTORY = Path("/etc/clickhouse-client")
SUFFIXES = (".xml", ".yaml", ".yml")
UNVERIFIED_MODES = frozenset({"none"})
VERIFIED_MODES = frozenset({"relaxed", "strict", "once"})

T = TypeVar("T")


class ClientFile(NamedTuple):
    """What clickhouse-client's file says."""

    path: Path
    base: Layer
    """What stands outside `connections_credentials`."""
    connections: dict[str, tuple[Layer, str]]
    """The entries of `connections_credentials` by name, each with its `FILE:LINE`."""


def find_client_file(context: Context) -> Path | None:
    """Return the file to read; None if there is none. One named by $CLICKHOUSE_CONFIG need not be there."""
    named = context.environ.get("CLICKHOUSE_CONFIG")
    if named:
        return context.path(named)
    folders: list[Path] = []
    xdg = context.environ.get("XDG_CONFIG_HOME", "")
    # A relative XDG directory is invalid by its specification, and would be the working directory's.
    if xdg and Path(xdg).is_absolute():
        folders.append(Path(xdg) / "clickhouse")
    if context.home is not None:
        folders += [context.home / ".config" / "clickhouse", context.home / ".clickhouse-client"]
    folders.append(SYSTEM_DIRECTORY)
    candidates = (folder / f"config{suffix}" for folder in folders for suffix in SUFFIXES)
    # A folder that may not be entered counts as having none, as for clickhouse-client.
    return next((path for path in candidates if os.path.isfile(path)), None)


def read_client_file(path: Path, context: Context) -> ClientFile:
    """Return what a file of clickhouse-client says.

    Raises:
        ConfigError: it cannot be read, or a value in it cannot be used; names the file and line.
    """
    tree = read_tree(path)
    reader = _Reader(tree, context)
    connections: dict[str, tuple[Layer, str]] = {}
    for section in tree.root.all("connections_credentials"):
        for node in section.all("connection"):
            name, layer = reader.connection(node)
            # As in clickhouse-client, the first of a name is the one.
            connections.setdefault(name, (layer, tree.where(node)))
    return ClientFile(path, reader.base(), connections)


class _Reader:
    """Reads values out of one tree."""

    def __init__(self, tree: Tree, context: Context) -> None:
        self.tree = tree
        self.context = context

    def base(self) -> Layer:
        root = self.tree.root
        verify = self._verify(root) or self._verify_openssl(root)
        return self._layer(
            root,
            host_key="host",
            default_host=None,
            verify=verify,
            files=(
                "openSSL.client.caConfig",
                "openSSL.client.certificateFile",
                "openSSL.client.privateKeyFile",
            ),
        )

    def connection(self, node: Node) -> tuple[str, Layer]:
        name = self._value(node, "name", check_text)
        if name is None:
            raise ConfigError("a connection has no name", where=self.tree.where(node), fix="add name")
        layer = self._layer(
            node,
            host_key="hostname",
            default_host=Sourced(name.value, name.origin),
            verify=self._verify(node),
            files=("ca_certificate", "client_certificate", "client_private_key"),
        )
        return name.value, layer

    def _layer(
        self,
        node: Node,
        *,
        host_key: str,
        default_host: Sourced[str] | None,
        verify: Sourced[bool] | None,
        files: tuple[str, str, str],
    ) -> Layer:
        written = self._value(node, host_key, check_text) or default_host
        hosts, implied = None, None
        if written is not None:
            texts, implied = check_hosts((written.value,), written.origin)
            hosts = Sourced(texts, written.origin)
        secure = settle_secure(self._flag(node, "secure"), implied, written.origin if written else "")
        ca_file, cert_file, key_file = (self._file(node, name) for name in files)
        return Layer(
            hosts=hosts,
            http_port=self._value(node, "http_port", _port),
            native_port=self._value(node, "port", _port),
            user=self._value(node, "user", check_text),
            secret=self._secret(node),
            secure=secure,
            verify=verify,
            ca_file=ca_file,
            cert_file=cert_file,
            key_file=key_file,
        )

    def _value(self, node: Node, path: str, check: Callable[[str, str, str], T]) -> Sourced[T] | None:
        found = node.get(path)
        if found is None:
            return None
        where = self.tree.where(found)
        return Sourced(check(path, self.tree.value(found, self.context.environ), where), where)

    def _flag(self, node: Node, name: str) -> Sourced[bool] | None:
        # `<secure/>` is how many write it.
        return self._value(
            node, name, lambda label, text, where: not text or check_boolean(label, text, where)
        )

    def _verify(self, node: Node) -> Sourced[bool] | None:
        for name in ("accept-invalid-certificate", "skip_verify"):
            skip = self._flag(node, name)
            if skip is not None:
                return Sourced(not skip.value, skip.origin)
        return None

    def _verify_openssl(self, node: Node) -> Sourced[bool] | None:
        handler = self._value(node, "openSSL.client.invalidCertificateHandler.name", check_text)
        if handler is not None and handler.value == "AcceptCertificateHandler":
            return Sourced(False, handler.origin)
        return self._value(node, "openSSL.client.verificationMode", _verification)

    def _file(self, node: Node, path: str) -> Sourced[Path] | None:
        written = self._value(node, path, check_text)
        if written is None:
            return None
        return Sourced(self.context.path(written.value, self.tree.path.parent), written.origin)

    def _secret(self, node: Node) -> Sourced[Secret] | None:
        found = node.get("password")
        if found is None:
            return None
        where = self.tree.where(found)
        variable = self.tree.variable(found)
        if variable is not None:
            return Sourced(Secret.from_environment(variable, self.context.environ, where), where)
        path = self.tree.path
        warning = (
            "" if self.tree.private else f"{path} holds a password and can be read by others; chmod 600 it"
        )
        return Sourced(Secret.literal(found.text, where, warning=warning), where)


def _port(label: str, text: str, where: str) -> int:
    return parse_port(text.strip(), where, label)


def _verification(label: str, text: str, where: str) -> bool:
    word = text.strip().lower()
    if word not in UNVERIFIED_MODES | VERIFIED_MODES:
        raise ConfigError(f"{label} is '{text}'", where=where, fix="write none, relaxed, strict or once")
    return word in VERIFIED_MODES
