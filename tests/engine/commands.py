"""The real command in a process of its own, in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import CLUSTER, ModernRig

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How the command ended."""

    code: int
    out: str
    err: str

    def refusal(self) -> str:
        """The one line on stderr of a command that could not be obeyed, without its prefix."""
        assert self.out == "", self.out
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("chtui: ")
        assert "Traceback" not in self.err
        return lines[0].removeprefix("chtui: ")


@dataclass(frozen=True)
class Command:
    """`python -m chtui` with a home of its own and nothing in its environment that leads anywhere."""

    home: Path
    secrets: list[str] = field(default_factory=list)
    """What may stand in no output; every run looks for it."""

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 60) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "chtui", *arguments],
            cwd=ROOT,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        for secret in self.secrets:
            assert secret not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command that stays; whoever does waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "chtui", *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The process's whole environment."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        folders = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("CONFIG", "STATE", "CACHE")}
        folders["XDG_RUNTIME_DIR"] = str(self.home / "run")
        return {**kept, **folders, "HOME": str(self.home), "TERM": "xterm-256color", **(more or {})}

    def config(self, text: str) -> Path:
        """Write `config.toml`, readable by its owner alone."""
        path = self.home / "config" / "chtui" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def password_file(self, password: str) -> str:
        """Write a private file that holds a password no output may show."""
        handle, path = tempfile.mkstemp(dir=self.home)
        with os.fdopen(handle, "w") as stream:
            stream.write(password)
        if password:
            self.secrets.append(password)
        return path

    def profile(self, rig: ModernRig, user: str = "oncall", *, extra: str = "", port: int = 0) -> None:
        """Write a profile that leads to the rig, by all of its hosts or by one address."""
        ports = [port] if port else rig.http_ports
        hosts = ", ".join(f'"127.0.0.1:{number}"' for number in ports)
        addresses = "\n".join(f'"{host}" = "{address}"' for host, address in rig.addresses().items())
        self.config(
            f'version = 1\n[profile.rig]\nhosts = [{hosts}]\ncluster = "{CLUSTER}"\nuser = "{user}"\n'
            f'password_file = "{self.password_file(rig.password(user))}"\n{extra}\n'
            f"[profile.rig.http_addresses]\n{addresses}\n"
        )


@contextmanager
def command() -> Iterator[Command]:
    """A command with an empty home."""
    with tempfile.TemporaryDirectory(prefix="chtui-home-") as home:
        yield Command(Path(home))
