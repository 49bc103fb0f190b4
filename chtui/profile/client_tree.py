"""XML and YAML files of clickhouse-client as one kind of tree, with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chtui.errors import ConfigError
from chtui.profile.toml_values import decode, read_bytes

if TYPE_CHECKING:
    import yaml

ROOTS = ("config", "clickhouse", "yandex")
"""The root elements ClickHouse accepts."""
MOST_NODES = 100_000
"""A file with more elements is no configuration."""


@dataclass(slots=True)
class Node:
    """An element of XML, or a value of YAML; a YAML list is its key repeated, as ClickHouse reads it."""

    line: int
    text: str = field(default="", repr=False)
    """As written, with the blanks around it."""
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    children: list[tuple[str, Node]] = field(default_factory=list, repr=False)

    def all(self, name: str) -> Iterator[Node]:
        """Yield the children of one name."""
        return (child for key, child in self.children if key == name)

    def get(self, path: str) -> Node | None:
        """Return the first node at a dotted path."""
        node: Node | None = self
        for name in path.split("."):
            node = next(node.all(name), None) if node is not None else None
        return node


class Tree(NamedTuple):
    """A client's configuration file."""

    path: Path
    root: Node
    private: bool
    """Whether only its owner may read the file."""

    def where(self, node: Node) -> str:
        """Return `FILE:LINE` of a node."""
        return f"{self.path}:{node.line}"

    def value(self, node: Node, environ: Mapping[str, str]) -> str:
        """Return a node's text without blanks around it; with `from_env`, what the variable holds.

        Raises:
            ConfigError: the variable is not set, or the value is to come from elsewhere.
        """
        variable = self.variable(node)
        if variable is None:
            return node.text.strip()
        if variable not in environ:
            raise ConfigError(f"the variable {variable} is not set", where=self.where(node))
        return environ[variable]

    def variable(self, node: Node) -> str | None:
        """Return the variable which a node's value comes from.

        Raises:
            ConfigError: the value comes from Keeper or an include, which chtui does not read.
        """
        for name in ("from_zk", "incl"):
            if name in node.attributes:
                raise ConfigError(
                    f"{name} is not supported here", where=self.where(node), fix="write the value itself"
                )
        return node.attributes.get("from_env")


def read_tree(path: Path) -> Tree:
    """Return a client's file as a tree: XML if it is called so, else YAML.

    Raises:
        ConfigError: it cannot be read or is broken; names the line where it is known.
    """
    raw, private = read_bytes(path)
    text = decode(raw, path)
    root = _read_xml(text, path) if path.suffix.lower() == ".xml" else _read_yaml(text, path)
    return Tree(path, root, private)


def _read_xml(text: str, path: Path) -> Node:
    from xml.parsers import expat

    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Node(0)
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        node = Node(parser.CurrentLineNumber, attributes=attributes)
        stack[-1].children.append((name, node))
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def data(characters: str) -> None:
        stack[-1].text += characters

    def doctype(*_declaration: object) -> None:
        # A document type can define entities that expand without end or read other files.
        line = parser.CurrentLineNumber
        raise ConfigError("a document type is not read", where=f"{path}:{line}", fix="remove <!DOCTYPE ...>")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = doctype
    try:
        # The text is decoded already, whatever encoding its first line names.
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ConfigError(
            f"is not XML: {expat.ErrorString(error.code)}",
            where=f"{path}:{error.lineno}",
            fix="correct the file",
        ) from error
    name, root = top.children[0]
    if name not in ROOTS:
        raise ConfigError(
            f"the root element is <{name}>",
            where=f"{path}:{root.line}",
            fix="it must be <config> or <clickhouse>",
        )
    return root


def _read_yaml(text: str, path: Path) -> Node:
    import yaml

    try:
        # Composed, not loaded: nothing is constructed, lines are kept, and a password 0123 stays what it is.
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        if document is None:
            return Node(1)
        if isinstance(document, yaml.MappingNode):
            return _YamlTree(path).node(document)
    except yaml.YAMLError as error:
        # Only the short parts: the whole message quotes the file, and a password may stand in the quote.
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it holds a character YAML does not allow"
        # `password: *abc` is an unknown alias to YAML, which names it.
        problem = re.sub(r"""(["']).{2,}\1""", "'...'", problem)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise ConfigError(f"is not YAML: {problem}", where=where, fix="correct the file") from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=str(path)) from error
    raise ConfigError("is not a YAML mapping", where=f"{path}:1", fix="write key: value lines")


class _YamlTree:
    """Turns PyYAML's nodes into ours, each once however often an alias names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made: dict[int, Node] = {}

    def node(self, source: yaml.Node) -> Node:
        import yaml

        if id(source) in self.made:
            return self.made[id(source)]
        node = Node(source.start_mark.line + 1)
        self.made[id(source)] = node
        if len(self.made) > MOST_NODES:
            raise ConfigError("holds too much for a configuration", where=str(self.path))
        value: Any = source.value
        if isinstance(source, yaml.ScalarNode):
            node.text = "" if source.tag == "tag:yaml.org,2002:null" else str(value)
        elif isinstance(source, yaml.MappingNode):
            for key, item in value:
                self._add(node, str(key.value), item)
        else:
            for item in value:
                node.children.append(("", self.node(item)))
        return node

    def _add(self, node: Node, key: str, item: Any) -> None:
        if key.startswith("@"):
            node.attributes[key[1:]] = str(item.value)
        elif item.id == "sequence":
            for one in item.value:
                node.children.append((key, self.node(one)))
        else:
            node.children.append((key, self.node(item)))
