"""What failed calls mean: troubles that really happen on loopback, and recorded words of 26.9 and 18.16."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from chtui.errors import ChtuiError, ConfigError, ConnectError, DeadlineError, QueryError
from chtui.fleet.driver import Driver, parse_version
from chtui.fleet.trouble import from_driver, from_login, server_text, speaks_tls
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Tls
from chtui.profile.secret import Secret
from tests.rigs.impostors import ClosedPort, PlainHttpServer, SilentServer
from tests.rigs.loop import LoopServer
from tests.rigs.tls import Certificate, TlsProxy

URL = " (for url http://127.0.0.1:8123)"
NEW_UNKNOWN_WORDS = (
    "Unknown expression identifier `nope`. In scope SELECT nope: Note: the query does not have the FROM clause. "
    "Did you forget to add it?. (UNKNOWN_IDENTIFIER)"
)
NEW_UNKNOWN = (
    "Received ClickHouse exception, code: 47, server response: Code: 47. DB::Exception: "
    + NEW_UNKNOWN_WORDS
    + " (version 26.9.2.1)"
    + URL
)
NEW_AUTH = (
    "Received ClickHouse exception, code: 516, server response: Code: 516. DB::Exception: nobody: Authentication failed: "
    "password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)" + URL
)
NEW_TIMEOUT_WORDS = "Timeout exceeded: elapsed 1031.943 ms, maximum: 1000.000 ms. (TIMEOUT_EXCEEDED)"
NEW_TIMEOUT = (
    "Received ClickHouse exception, code: 159, server response: Code: 159. DB::Exception: "
    + NEW_TIMEOUT_WORDS
    + " (version 26.9.2.1)"
    + URL
)
OLD_AUTH = (
    "HTTP driver received HTTP status 401, server response: Code: 193, e.displayText() = DB::Exception: "
    "Wrong password for user default, e.what() = DB::Exception" + URL
)
OLD_USER = OLD_AUTH.replace("193", "192").replace("Wrong password for user default", "Unknown user nobody")
OLD_TABLE = (
    "HTTP driver received HTTP status 404, server response: Code: 60, e.displayText() = DB::Exception: "
    "Table system.nope doesn't exist., e.what() = DB::Exception" + URL
)
NATIVE_26_9 = (
    "Port 9000 is for clickhouse-client program\r\nYou must use port 8123 for HTTP.\r\n"
    "You can also use the /play endpoint for interactive queries\r\nand the /dashboard endpoint for the Dashboard."
)
NATIVE_18_16 = "Port 9000 is for clickhouse-client program.\r\nYou must use port 8123 for HTTP.\r\n"


def reply(status: str, body: str, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", body]).encode()


BAD_REQUEST = reply("400 Bad Request", "")


class Canned(LoopServer):
    """Answers every request with the same bytes and hangs up."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer

    def protocol(self) -> asyncio.BaseProtocol:
        return _Answer(self.answer)

    def drop_connections(self) -> None:
        return


class _Answer(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer)
        self.transport.close()


def trouble(port: int, tls: Tls | None = None, seconds: float = 9.0, **options: bool) -> ChtuiError:
    """What logging in to a port of this machine comes to."""
    endpoint, who = Endpoint("127.0.0.1", port), Credentials("u", Secret.literal("hunter2", "test"))
    with pytest.raises(ChtuiError) as caught:
        Driver(endpoint, who, tls or Tls(), connect_seconds=9.0, seconds=seconds, **options)
    assert "hunter2" not in caught.value.line
    assert caught.value.where == f"127.0.0.1:{port}" or isinstance(caught.value, ConfigError)
    return caught.value


def told(error: ChtuiError) -> tuple[str, str]:
    assert isinstance(error, ConnectError)
    return error.kind, error.what


def test_nobody_listens() -> None:
    port = ClosedPort().port
    assert told(trouble(port)) == ("refused", "connection refused: nothing listens there")
    assert told(trouble(port, Tls(secure=True)))[0] == "refused"
    assert told(trouble(port, ping_first=True))[0] == "refused"


@pytest.mark.parametrize("ping_first", [False, True])
def test_a_server_that_never_answers(ping_first: bool) -> None:
    with SilentServer() as server:
        error = trouble(server.port, seconds=-0.7, ping_first=ping_first)
    assert isinstance(error, DeadlineError)
    assert error.what == "no answer within the deadline"


def test_a_web_server() -> None:
    with PlainHttpServer() as server:
        error = trouble(server.port)
    assert told(error) == ("not_clickhouse", "what listens there is not ClickHouse (HTTP 200 to /ping)")


@pytest.mark.parametrize("body", [NATIVE_26_9, NATIVE_18_16])
def test_the_native_port(body: str) -> None:
    with Canned(b"HTTP/1.0 400 Bad Request\r\n\r\n" + body.encode()) as server:
        error = trouble(server.port)
    assert told(error) == ("not_clickhouse", "that is ClickHouse's native port, not its HTTP port")


def test_a_wrong_password() -> None:
    new = reply("403 Forbidden", NEW_AUTH.partition("response: ")[2], "X-ClickHouse-Exception-Code: 516")
    old = reply("401 Unauthorized", OLD_AUTH.partition("response: ")[2])
    for answer, code in ((new, 516), (old, 193)):
        with Canned(answer) as server:
            error = trouble(server.port)
        assert told(error) == ("auth_failed", f"the server refuses this user or password (Code {code})")


def test_a_login_that_is_denied_or_fails() -> None:
    for code, kind, what in ((497, "denied", "Code 497: no"), (202, "down", "login failed, Code 202: no")):
        with Canned(reply("500 Error", f"Code: {code}. DB::Exception: no (version 26.9.2.1)")) as server:
            assert told(trouble(server.port)) == (kind, what)


def test_a_server_that_hangs_up() -> None:
    with Canned(b"") as server:
        kind, what = told(trouble(server.port))
    assert kind == "down"
    assert what.startswith("the connection broke: ")


def test_one_that_answers_ping_and_then_fails_is_clickhouse() -> None:
    with Canned(reply("200 OK", "Ok.\n")) as server:
        kind, what = told(trouble(server.port))
    assert kind == "down"
    assert what.startswith("login failed: ")


def test_tls_spoken_to_in_clear(tmp_path: Path) -> None:
    with Canned(BAD_REQUEST) as server, TlsProxy(server.port, tmp_path) as front:
        error = trouble(front.port)
        assert speaks_tls("127.0.0.1", front.port, 9.0)
        assert not speaks_tls("127.0.0.1", server.port, 9.0)
    assert told(error) == ("not_clickhouse", "that port speaks TLS")
    assert error.fix.startswith("set secure = true")


def test_a_clear_port_spoken_to_in_tls() -> None:
    with Canned(BAD_REQUEST) as server:
        error = trouble(server.port, Tls(secure=True))
    assert told(error) == ("not_clickhouse", "that port does not speak TLS")
    assert error.fix.startswith("set secure = false")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates(tmp_path: Path) -> None:
    with PlainHttpServer() as server:
        with TlsProxy(server.port, tmp_path / "self", Certificate.SELF_SIGNED) as front:
            kind, what = told(trouble(front.port, Tls(secure=True)))
            assert (kind, "is not trusted: self-signed" in what) == ("down", True)
            assert told(trouble(front.port, Tls(secure=True, verify=False)))[0] == "not_clickhouse"
        with TlsProxy(server.port, tmp_path / "wrong", Certificate.WRONG_HOST) as front:
            trusting = Tls(secure=True, ca_file=front.ca_file)
            kind, what = told(trouble(front.port, trusting))
            assert (kind, "127.0.0.1" in what) == ("down", True)
            named = Tls(secure=True, ca_file=front.ca_file, server_name="elsewhere.invalid")
            assert told(trouble(front.port, named))[0] == "not_clickhouse"
        with TlsProxy(server.port, tmp_path / "good") as front:
            assert told(trouble(front.port, Tls(secure=True, ca_file=front.ca_file)))[0] == "not_clickhouse"


def test_a_file_that_holds_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        error = trouble(1, Tls(secure=True, ca_file=tmp_path / name))
        assert isinstance(error, ConfigError)
        assert error.where == str(tmp_path / name)


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (DatabaseError(NEW_UNKNOWN, code=47), f"h:1: Code 47: {NEW_UNKNOWN_WORDS}", 47),
        (DatabaseError(NEW_TIMEOUT, code=159), f"h:1: Code 159: {NEW_TIMEOUT_WORDS}", 159),
        (DatabaseError(OLD_TABLE), "h:1: Code 60: Table system.nope doesn't exist.", 60),
        (DatabaseError("something else"), "h:1: something else", 0),
        (ValueError("a fault\nof the driver"), "h:1: a fault of the driver", 0),
    ],
)  # fmt: skip
def test_what_the_server_said_to_a_query(error: Exception, line: str, code: int) -> None:
    found = from_driver(error, "h:1", query_id="chtui-1")
    assert isinstance(found, QueryError)
    assert (found.line, found.code, found.query_id) == (line, code, "chtui-1")


@pytest.mark.parametrize(("text", "code"), [(NEW_AUTH, 516), (OLD_AUTH, 193), (OLD_USER, 192)])
def test_a_password_that_is_not_right_any_more(text: str, code: int) -> None:
    given = DatabaseError(text, code=516) if code == 516 else DatabaseError(text)
    assert told(from_driver(given, "h:1")) == (
        "auth_failed",
        f"the server refuses this user or password (Code {code})",
    )


def test_an_error_of_ours_stays_itself() -> None:
    error = ConfigError("no password")
    assert from_driver(error, "h:1") is error
    assert from_login(error, "h:1", ping=lambda: (200, "Ok."), tls=lambda: False) is error


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (socket.gaierror(-2, "Name or service not known"), ("down", "the host name cannot be resolved")),
        (ConnectionRefusedError(111, "refused"), ("refused", "connection refused: nothing listens there")),
        (TimeoutError("timed out"), ("down", "no connection within the deadline")),
        (ConnectionResetError(104, "Connection reset by peer"), ("down", "the connection broke: [Errno 104] Connection reset by peer")),
        (OSError(113, "No route to host"), ("down", "the connection broke: [Errno 113] No route to host")),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), ("not_clickhouse", "that port does not speak TLS")),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT] bad\x1b"), ("down", "TLS failed: [SSL: TLSV1_ALERT] bad?")),
    ],
)  # fmt: skip
def test_the_innermost_cause_counts(error: Exception, found: tuple[str, str]) -> None:
    outer = OperationalError("Error executing HTTP request")
    outer.__cause__ = RuntimeError("between")
    outer.__cause__.__context__ = error
    assert told(from_driver(error, "h:1")) == found
    assert told(from_driver(outer, "h:1")) == found


@pytest.mark.parametrize(
    ("ping", "kind"),
    [
        (lambda: (200, "Ok.\n"), "down"),
        (lambda: (404, "<html>"), "not_clickhouse"),
        (lambda: (400, NATIVE_18_16), "not_clickhouse"),
    ],
)
def test_what_a_ping_tells(ping: Callable[[], tuple[int, str]], kind: str) -> None:
    assert told(from_login(KeyError("x"), "h:1", ping=ping, tls=lambda: False))[0] == kind


def test_the_servers_own_words_are_safe_to_draw() -> None:
    assert server_text("Code: 60. DB::Exception: Table `\x1b[31m`\ndoes not exist. (version 26.9.2.1)") == (
        "Table `?[31m` does not exist."
    )


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("26.9.2.1", (26, 9, 2, 1)), ("22.8.15.25.altinitystable", (22, 8, 15, 25)), ("", ()), ("x", ())],
)
def test_versions(version: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(version) == numbers
