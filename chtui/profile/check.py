"""`chtui config check`: everything wrong with a `config.toml`, not only the first thing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from chtui.errors import ConfigError
from chtui.profile.layer import Context, Layer, Problem, Sourced
from chtui.profile.secret import Secret
from chtui.profile.toml_file import read_own_file

__all__ = ["Problem", "check_file", "home_directory", "missing_files", "secrets_of"]


def check_file(
    path: Path, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> list[Problem]:
    """Return all problems of a `config.toml`, in the order of its lines; empty if it is good.

    No password is read and no password command is run. A file that cannot be read, is no TOML or is too new has that
    one problem.
    """
    context = Context(os.environ if environ is None else environ, home or home_directory())
    try:
        own = read_own_file(path, context)
    except ConfigError as error:
        return [Problem.of(error)]
    problems = list(own.problems)
    for name, layer in own.profiles.items():
        problems += [Problem.of(error, name) for error in missing_files(layer)]
        for secret in secrets_of(layer):
            if warning := secret.warning():
                problems.append(Problem.of(ConfigError(warning, where=secret.source), name))
    return sorted(problems, key=_order)


def missing_files(layer: Layer) -> list[ConfigError]:
    """Return an error for each certificate file a source names that is not there."""
    named: dict[str, Sourced[Path] | None] = {
        "ca_file": layer.ca_file,
        "cert_file": layer.cert_file,
        "key_file": layer.key_file,
    }
    return [
        ConfigError(f"{key} {item.value} is not there", where=item.origin, fix="check the path")
        for key, item in named.items()
        if item is not None and not os.path.exists(item.value)
    ]


def secrets_of(layer: Layer) -> list[Secret]:
    """Return the passwords a source gives: the reader's, the writer's."""
    found = [layer.secret.value] if layer.secret else []
    return [*found, layer.write.value.secret] if layer.write else found


def home_directory() -> Path | None:
    """Return this process's home directory; None where the system names none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _order(problem: Problem) -> int:
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0
