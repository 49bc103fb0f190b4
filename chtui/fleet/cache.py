"""Addresses that hosts proved to be theirs, kept between runs, so that a dead seed does not blind the next one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from chtui import paths

FORMAT, VERSION = "chtui-addresses", 1


class AddressCache:
    """The addresses of one profile's cluster, in a file of the state directory."""

    def __init__(self, profile_key: str, directory: Path | None = None) -> None:
        name = hashlib.sha256(profile_key.encode()).hexdigest()[:16]
        self.problem = ""
        """Why the cache could not be used, in one line; empty if it could."""
        self._path: Path | None = None
        try:
            self._path = (directory or paths.state_dir("cache")) / f"addresses-{name}.json"
        except OSError as error:
            self.problem = f"no address cache: {error.filename} cannot be made: {error.strerror}"

    def load(self) -> dict[str, str]:
        """Return `host_name:native_port` to `host:http_port`; empty if nothing usable is kept."""
        if self._path is None:
            return {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self.problem = f"address cache {self._path} cannot be read: {type(error).__name__}"
            return {}
        if (
            not isinstance(content, dict)
            or content.get("format") != FORMAT
            or content.get("version") != VERSION
        ):
            self.problem = f"address cache {self._path} is of another format or a newer version: not used"
            return {}
        addresses = content.get("addresses")
        return (
            {str(host): str(address) for host, address in addresses.items()}
            if isinstance(addresses, dict)
            else {}
        )

    def save(self, addresses: Mapping[str, str]) -> None:
        """Keep the addresses; a file that cannot be written is told in `problem`, it costs only the next start's speed."""
        if self._path is None:
            return
        text = json.dumps(
            {"format": FORMAT, "version": VERSION, "addresses": dict(sorted(addresses.items()))}, indent=1
        )
        try:
            paths.write_private(self._path, text)
        except OSError as error:
            self.problem = f"address cache {self._path} cannot be written: {error.strerror}"
