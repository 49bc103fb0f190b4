"""What a failed call means: exceptions of the driver, of urllib3 and of the socket made one line and one word."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator

from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError
from chtui.text import one_line

AUTH_CODES = frozenset({192, 193, 194, 516})
"""UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED. Source: ErrorCodes.cpp."""
DENIED_CODES = frozenset({195, 497})
"""IP_ADDRESS_NOT_ALLOWED, ACCESS_DENIED. Source: ErrorCodes.cpp."""
ABSENT_CODES = frozenset({47, 60, 81, 139})
"""UNKNOWN_IDENTIFIER, UNKNOWN_TABLE, UNKNOWN_DATABASE, NO_ELEMENTS_IN_CONFIG (no Keeper is configured): the server lacks what was
asked for. Source: ErrorCodes.cpp."""
CODE = re.compile(r"Code:\s*(\d+)")
EXCEPTION_TEXT = re.compile(r"DB::Exception:\s*(.*)", re.DOTALL)
TAIL = re.compile(r"\s*(\(version .*|, e\.what\(\) = .*|\(for url .*)$", re.DOTALL)
NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""OpenSSL's words for a peer that answers a handshake in clear text."""
NATIVE_PORT = "is for clickhouse-client program"
"""What ClickHouse's native port answers to HTTP."""


def server_text(error: BaseException | str) -> str:
    """Return the server's own words out of an exception, without version, address and C++ decoration; one line."""
    text = str(error)
    match = EXCEPTION_TEXT.search(text)
    return one_line(TAIL.sub("", match[1] if match else text))


def from_driver(error: BaseException, where: str, *, query_id: str = "") -> ChtuiError:
    """Return the error that `error`, raised by a call on a logged-in connection, stands for."""
    if isinstance(error, ChtuiError):
        return error
    code = _code(error)
    if code in AUTH_CODES:
        return _auth_failed(code, where)
    if code:
        return QueryError(f"Code {code}: {server_text(error)}", code=code, query_id=query_id, where=where)
    return _network(error, where) or QueryError(server_text(error), query_id=query_id, where=where)


def from_login(
    error: BaseException, where: str, *, ping: Callable[[], tuple[int, str]], tls: Callable[[], bool]
) -> ChtuiError:
    """Return the error that `error`, raised while logging in, stands for.

    `ping` asks what listens there, `tls` whether it would shake hands; each is called only where the error leaves it open.
    """
    if isinstance(error, ChtuiError):
        return error
    code = _code(error)
    if code in AUTH_CODES:
        return _auth_failed(code, where)
    if code in DENIED_CODES:
        fix = "grant this user the right to log in from here"
        return ConnectError("denied", f"Code {code}: {server_text(error)}", where=where, fix=fix)
    if code:
        return ConnectError(
            "down",
            f"login failed, Code {code}: {server_text(error)}",
            where=where,
            fix="see the server's log",
        )
    found = _network(error, where) or _impostor(error, where, ping)
    if isinstance(found, ConnectError) and found.what.startswith("the connection broke") and tls():
        fix = "set secure = true, or give the port without TLS, usually 8123"
        return ConnectError("not_clickhouse", "that port speaks TLS", where=where, fix=fix)
    return found


def speaks_tls(host: str, port: int, seconds: float) -> bool:
    """Return whether a TLS handshake succeeds there within `seconds`; nothing is trusted by it and nothing sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=seconds) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def _auth_failed(code: int, where: str) -> ConnectError:
    what = f"the server refuses this user or password (Code {code})"
    return ConnectError("auth_failed", what, where=where, fix="check user and password")


def _impostor(error: BaseException, where: str, ping: Callable[[], tuple[int, str]]) -> ChtuiError:
    try:
        status, body = ping()
    except Exception as second:  # noqa: BLE001 - whatever listens there may answer in any way
        unknown = ConnectError(
            "not_clickhouse", "what listens there is not ClickHouse", where=where, fix="check host and port"
        )
        return _network(second, where) or unknown
    if NATIVE_PORT in body or NATIVE_PORT in str(error):
        return _native_port(where)
    if body.strip() == "Ok.":
        return ConnectError(
            "down", f"login failed: {server_text(error)}", where=where, fix="see the server's log"
        )
    what = f"what listens there is not ClickHouse (HTTP {status} to /ping)"
    return ConnectError("not_clickhouse", what, where=where, fix="check host and port")


def _network(error: BaseException, where: str) -> ChtuiError | None:
    """The network trouble behind `error`, the most telling link of the chain first; None if there is none."""
    import urllib3.exceptions as http

    links = list(_chain(error))

    def find(*kinds: type[BaseException]) -> BaseException | None:
        return next((link for link in links if isinstance(link, kinds)), None)

    certificate = find(ssl.SSLCertVerificationError)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        what = f"the server's certificate is not trusted: {one_line(certificate.verify_message)}"
        return ConnectError("down", what, where=where, fix="set ca_file, or server_name, or verify = false")
    if broken_tls := find(ssl.SSLError, http.SSLError):
        if any(mark in str(broken_tls) for mark in NOT_TLS):
            fix = "set secure = false, or give the TLS port, usually 8443"
            return ConnectError("not_clickhouse", "that port does not speak TLS", where=where, fix=fix)
        what = f"TLS failed: {one_line(_innermost(error), 160)}"
        return ConnectError("down", what, where=where, fix="check the certificates")
    if any(NATIVE_PORT in str(link) for link in links):
        return _native_port(where)
    if find(socket.gaierror, http.NameResolutionError):
        return ConnectError(
            "down", "the host name cannot be resolved", where=where, fix="check the name and the DNS"
        )
    if find(ConnectionRefusedError):
        fix = "check that the server runs, and the port"
        return ConnectError("refused", "connection refused: nothing listens there", where=where, fix=fix)
    if find(http.ReadTimeoutError):
        return DeadlineError("no answer within the deadline", where=where)
    if find(http.ConnectTimeoutError, TimeoutError):
        fix = "check the network and the host"
        return ConnectError("down", "no connection within the deadline", where=where, fix=fix)
    if find(http.ProtocolError, http.NewConnectionError, OSError):
        what = f"the connection broke: {one_line(_innermost(error), 160)}"
        return ConnectError("down", what, where=where, fix="check the server and the network")
    return None


def _native_port(where: str) -> ConnectError:
    fix = "give the HTTP port, usually 8123, or 8443 with TLS"
    return ConnectError(
        "not_clickhouse", "that is ClickHouse's native port, not its HTTP port", where=where, fix=fix
    )


def _innermost(error: BaseException) -> str:
    *_, last = _chain(error)
    return str(last) or type(last).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        inner = next((arg for arg in link.args if isinstance(arg, BaseException)), None)
        link = link.__cause__ or getattr(link, "reason", None) or inner or link.__context__
        if not isinstance(link, BaseException):
            return


def _code(error: BaseException) -> int:
    code = getattr(error, "code", None)
    if isinstance(code, int) and code:
        return code
    match = CODE.search(str(error)) if "DB::Exception" in str(error) else None
    return int(match[1]) if match else 0
