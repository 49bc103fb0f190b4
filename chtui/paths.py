"""Where chtui's files live, and how a private one is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def config_file() -> Path:
    """Return the path of chtui's own configuration, `config.toml`; it need not exist."""
    return Path(platformdirs.user_config_dir("chtui", appauthor=False)) / "config.toml"


def state_dir(*parts: str) -> Path:
    """Return (and make, mode 0700) a folder below the platform's state directory.

    Raises:
        OSError: the folder cannot be made.
    """
    return private_dir(Path(platformdirs.user_state_dir("chtui", appauthor=False)).joinpath(*parts))


def runtime_dir() -> Path:
    """Return (and make, mode 0700) the folder for sockets.

    Raises:
        OSError: the folder cannot be made.
    """
    return private_dir(Path(platformdirs.user_runtime_dir("chtui", appauthor=False)))


def private_dir(path: Path) -> Path:
    """Make `path` and its missing parents with mode 0700 and return it.

    Raises:
        OSError: the folder cannot be made.
    """
    # mkdir gives its mode to the last folder only.
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    return path


def write_new(path: Path, text: str) -> None:
    """Make `path`, mode 0600, with this text; a file that is there stays as it is.

    Raises:
        OSError: there is one, or it cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, mode 0600: a reader sees the old file or the new one.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    private_dir(path.parent)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
