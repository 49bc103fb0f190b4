"""Finding clickhouse-connect's login query in a stream of HTTP requests, and nothing else."""

from __future__ import annotations

import re
from enum import Enum, auto

LOGIN_QUERY = b"SELECT name, value, readonly FROM system.settings"
# As modern servers answer: 1 for a user who may change no setting (readonly = 1), else 0. A plain 0 makes
# clickhouse-connect send settings for such a user, which 18.16 refuses.
REWRITTEN = (
    b"SELECT name, value, toUInt8((SELECT value FROM system.settings WHERE name = 'readonly') = '1')"
    b" AS readonly FROM system.settings"
)

# Bodies and chunks above this pass as they come: the login query is far smaller.
SMALL = 16 * 1024
LARGEST_HEAD = 256 * 1024

_LENGTH = re.compile(rb"(\r\ncontent-length:[ \t]*)(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_REQUEST = re.compile(rb"[A-Z]+ [^\r\n]* HTTP/1\.[01]\r\n")


class _State(Enum):
    HEAD = auto()
    SMALL_BODY = auto()
    PASSING = auto()
    CHUNK_SIZE = auto()
    SMALL_CHUNK = auto()
    TRAILER = auto()
    NOT_HTTP = auto()


class LoginQueryRewriter:
    """Follows the requests of one connection and gives back their bytes, with the login query rewritten.

    18.16 has no `readonly` column in system.settings. The query is looked for at the start of a body, or of a
    body's first chunk; the length that announces it is corrected, and every other byte stays as it was.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._state = _State.HEAD
        self._head = b""
        self._left = 0
        self._after_passing = _State.HEAD
        self._first_chunk = False

    def feed(self, data: bytes) -> bytes:
        """Take what the client sent and return what the server is to get now."""
        self._buffer += data
        out: list[bytes] = []
        while (step := self._step()) is not None:
            out.append(step)
        return b"".join(out)

    def _step(self) -> bytes | None:
        """The next bytes that are decided upon, or None where more must come first."""
        if not self._buffer:
            return None
        match self._state:
            case _State.HEAD:
                return self._take_head()
            case _State.SMALL_BODY:
                return self._take_small_body()
            case _State.PASSING:
                return self._pass_on()
            case _State.CHUNK_SIZE:
                return self._take_chunk_size()
            case _State.SMALL_CHUNK:
                return self._take_small_chunk()
            case _State.TRAILER:
                return self._take_trailer_line()
            case _State.NOT_HTTP:
                return self._cut(len(self._buffer))

    def _take_head(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return self._give_up() if len(self._buffer) > LARGEST_HEAD else None
        head = self._cut(end + 4)
        length = _LENGTH.search(head)
        if not _REQUEST.match(head):
            self._state = _State.NOT_HTTP
        elif _CHUNKED.search(head):
            self._state, self._first_chunk = _State.CHUNK_SIZE, True
        elif length and (size := int(length.group(2))) > 0:
            # A client that waits for "100 Continue" sends no body while its head is held back.
            if size <= SMALL and not _EXPECT.search(head):
                self._state, self._head, self._left = _State.SMALL_BODY, head, size
                return b""
            self._let_pass(size, _State.HEAD)
        return head

    def _take_small_body(self) -> bytes | None:
        if len(self._buffer) < self._left:
            return None
        head, body = self._head, self._cut(self._left)
        self._state, self._head = _State.HEAD, b""
        if body.startswith(LOGIN_QUERY):
            body = REWRITTEN + body[len(LOGIN_QUERY) :]
            head = _LENGTH.sub(lambda found: found.group(1) + str(len(body)).encode(), head, count=1)
        return head + body

    def _take_chunk_size(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        line = self._cut(end + 2)
        digits = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
            self._state = _State.NOT_HTTP
            return line
        size = int(digits, 16)
        first, self._first_chunk = self._first_chunk, False
        if size == 0:
            self._state = _State.TRAILER
        elif first and size <= SMALL:
            self._state, self._head, self._left = _State.SMALL_CHUNK, line, size + 2
            return b""
        else:
            self._let_pass(size + 2, _State.CHUNK_SIZE)
        return line

    def _take_small_chunk(self) -> bytes | None:
        if len(self._buffer) < self._left:
            return None
        line, chunk = self._head, self._cut(self._left)
        self._state, self._head = _State.CHUNK_SIZE, b""
        if chunk.startswith(LOGIN_QUERY):
            chunk = REWRITTEN + chunk[len(LOGIN_QUERY) :]
            line = b"%x\r\n" % (len(chunk) - 2)
        return line + chunk

    def _take_trailer_line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        if end == 0:
            self._state = _State.HEAD
        return self._cut(end + 2)

    def _pass_on(self) -> bytes:
        passed = self._cut(min(self._left, len(self._buffer)))
        self._left -= len(passed)
        if self._left == 0:
            self._state = self._after_passing
        return passed

    def _let_pass(self, size: int, then: _State) -> None:
        self._state, self._left, self._after_passing = _State.PASSING, size, then

    def _give_up(self) -> bytes:
        self._state = _State.NOT_HTTP
        return b""

    def _cut(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
