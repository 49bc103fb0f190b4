"""A real terminal: tmux on a socket of its own, with the console in it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import ModernRig, wait_until


class Terminal:
    """One tmux window."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *arguments: str) -> str:
        """Run a tmux command and return what it prints."""
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    def keys(self, *keys: str) -> None:
        """Press keys, in tmux's spelling."""
        self.tmux("send-keys", "-t", "t", *keys)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.tmux("resize-window", "-t", "t", "-x", str(width), "-y", str(height))

    @property
    def screen(self) -> str:
        """What is on screen, as text."""
        return self.tmux("capture-pane", "-p", "-t", "t")

    @property
    def lines(self) -> list[str]:
        """What is on screen, by line."""
        return self.screen.splitlines()

    @property
    def raw(self) -> str:
        """What is on screen, with its colours."""
        return self.tmux("capture-pane", "-p", "-e", "-t", "t")

    def wait_for(self, text: str, seconds: float = 30.0) -> str:
        """Return the screen once `text` is on it."""
        try:
            return str(
                wait_until(lambda: (found := self.screen) if text in self.screen else "", seconds, repr(text))
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; on screen:\n{self.screen}") from None


@contextmanager
def terminal(
    width: int, height: int, *command: str, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a command in a terminal of that size; its exit code stays on screen as `exit=N`."""
    with tempfile.TemporaryDirectory(prefix="chtui-tmux-") as directory:
        window = Terminal(Path(directory) / "socket")
        line = f"{shlex.join(command)}; echo exit=$?; sleep 600"
        variables = {"TERM": "xterm-256color", **(environment or {})}
        given = [
            word for name, value in variables.items() for word in ("-e", f"{name}={value}") if name != "TERM"
        ]
        options = ["-d", "-s", "t", "-x", str(width), "-y", str(height), *given]
        window.tmux("new-session", *options, f"export TERM={variables['TERM']}; {line}")
        try:
            yield window
        finally:
            window.tmux("kill-server")


def config_file(rig: ModernRig, directory: Path, user: str = "oncall") -> Path:
    """Write a configuration that leads to the rig."""
    return write_config(directory, user, rig.password(user), rig.addresses())


def write_config(directory: Path, user: str, password: str, addresses: Mapping[str, str]) -> Path:
    """Write a configuration for hosts at these addresses (native to HTTP)."""
    secret = directory / f"{user}.password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    hosts = ", ".join(f'"{http}"' for http in addresses.values())
    lines = "\n".join(f'"{native}" = "{http}"' for native, http in addresses.items())
    path = directory / f"{user}.toml"
    path.write_text(
        f'version = 1\n[profile.rig]\nhosts = [{hosts}]\ncluster = "appsentry_cluster"\nuser = "{user}"\n'
        f'password_file = "{secret}"\n[profile.rig.http_addresses]\n{lines}\n'
    )
    return path


def console_command(config: Path, *more: str) -> tuple[str, ...]:
    """The command that opens the console on a configuration."""
    return (sys.executable, "-m", "chtui", "--config", str(config), "-C", "rig", *more)


def clean_environment() -> dict[str, str]:
    """The variables a console needs, from this process."""
    return {
        name: os.environ[name]
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TZ")
    }
