"""Four-letter words: one TCP connection each, with a deadline that holds for connecting, asking and the whole answer."""

from __future__ import annotations

import socket
import time

from chtui.errors import ConnectError, DeadlineError, UnavailableError
from chtui.records import HostId

LARGEST_ANSWER_BYTES = 8 << 20
"""What is read of one answer; `cons` takes about 200 bytes a session."""
NOT_ALLOWED = "is not executed because it is not in the whitelist"
NOT_SERVING = "not currently serving requests"


def ask(member: HostId, word: str, deadline_at: float) -> str:
    """Return a member's whole answer to a four-letter word; `deadline_at` is of `time.monotonic`.

    Raises:
        UnavailableError: the word is not allowed there.
        ConnectError: nobody can be reached or listens there (`down`, `unreachable`, `refused`), or the
            connection was cut (`closed`).
        DeadlineError: it listens but has not answered in time.
    """
    where, chunks, size = str(member), [], 0
    try:
        with _connected(member, deadline_at, where) as connection:
            connection.sendall(word.encode("ascii"))
            while size < LARGEST_ANSWER_BYTES:
                connection.settimeout(_left(deadline_at, where))
                chunk = connection.recv(65536)
                if not chunk:
                    break
                chunks.append(chunk)
                size += len(chunk)
    except ConnectionRefusedError as error:
        raise ConnectError("refused", "nothing listens on the port", where=where) from error
    except TimeoutError as error:
        raise DeadlineError(f"no answer to {word} in time", where=where) from error
    except (OSError, UnicodeError) as error:
        kind = "closed" if isinstance(error, ConnectionError) else "down"
        reason = getattr(error, "strerror", None) or "its name is no host name"
        raise ConnectError(kind, f"cannot be asked: {reason}", where=where) from error
    text = b"".join(chunks).decode("utf-8", "replace")
    return _checked(text, word, where)


def _connected(member: HostId, deadline_at: float, where: str) -> socket.socket:
    """Return a connection to the first address of the name that takes one, all tries within the one deadline."""
    failed: OSError = OSError(0, "its name leads nowhere")
    for family, kind, protocol, _, address in socket.getaddrinfo(*member, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline_at, where))
            connection.connect(address)
            return connection
        except TimeoutError as error:
            connection.close()
            raise ConnectError("unreachable", "no connection in time", where=where) from error
        except OSError as error:
            connection.close()
            failed = error
        except DeadlineError:
            connection.close()
            raise
    raise failed


def _checked(text: str, word: str, where: str) -> str:
    if NOT_ALLOWED in text[:200]:
        raise UnavailableError(
            f"{word} is not allowed there", where=where, fix=f"add {word} to 4lw.commands.whitelist"
        )
    if not text:
        # ClickHouse Keeper closes the connection in silence where a word is not in its list.
        raise UnavailableError(
            f"the connection was closed without an answer to {word}",
            where=where,
            fix=f"if that is a Keeper, add {word} to four_letter_word_allow_list",
        )
    return text


def _left(deadline_at: float, where: str) -> float:
    left = deadline_at - time.monotonic()
    if left <= 0:
        raise DeadlineError("no whole answer in time", where=where)
    return left
