"""The HTTP connection pool under a driver: one connection, no retries, a deadline of its own for every request."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.response import BaseHTTPResponse

from chtui.errors import ConfigError

if TYPE_CHECKING:
    from chtui.profile.model import Tls


BODY_HEADERS = ("Content-Length", "Transfer-Encoding")
"""One of them tells where an answer ends. Without, Python's HTTP client takes the end of the connection for it: of a server
that is killed while it sends headers an empty answer. Every answer of ClickHouse has one of them (seen on 18.16 and 26.9)."""
SUCCESS = 200
"""A failure is one, whether or not all that is said of it arrives; a native port says its own without these headers."""


class OneConnectionPool(urllib3.PoolManager):
    """A pool of one connection to one server.

    The driver above fixes its time-out for life and has urllib3 retry; here every request has the time its call has left,
    and is sent once.
    """

    connect_seconds: float = 3.0
    """How long one attempt to connect may take."""
    query_ids: Iterator[str] | None = None
    """Ids for requests that have none; None to send those without."""
    deadline_seconds: float = 10.0
    """How long the next request may wait for bytes."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> BaseHTTPResponse:  # type: ignore[override]
        """Send one request; as urllib3's, but never again by itself and never elsewhere.

        Raises:
            urllib3.exceptions.HTTPError: there is no answer, or its headers are not whole.
        """
        del redirect
        if self.query_ids is not None and "query_id=" not in url and not url.endswith("/ping"):
            # The driver's own login queries carry none; its URL may end in a bare question mark.
            joint = "" if url.endswith("?") else "&" if "?" in url else "?"
            url = f"{url}{joint}query_id={next(self.query_ids)}"
        options["retries"] = False
        options["timeout"] = urllib3.Timeout(
            connect=min(self.connect_seconds, self.deadline_seconds), read=self.deadline_seconds
        )
        answer = super().urlopen(method, url, redirect=False, **options)
        if answer.status == SUCCESS and not any(name in answer.headers for name in BODY_HEADERS):
            answer.close()
            raise urllib3.exceptions.ProtocolError("the connection broke in the headers of an answer")
        return answer


def make_pool(tls: Tls, connect_seconds: float) -> OneConnectionPool:
    """Return a pool for one server.

    Raises:
        ConfigError: a certificate file cannot be used.
    """
    options: dict[str, Any] = {"num_pools": 1, "maxsize": 1, "block": False}
    if tls.secure:
        options["ssl_context"] = _context(tls)
        if tls.server_name:
            options["server_hostname"] = tls.server_name
            if tls.verify:
                options["assert_hostname"] = tls.server_name
        if not tls.verify:
            options["assert_hostname"] = False
            options["cert_reqs"] = "CERT_NONE"
    pool = OneConnectionPool(**options)
    pool.connect_seconds = connect_seconds
    return pool


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "cannot be read as PEM certificates",
            where=str(tls.ca_file),
            fix="give a file of PEM certificates",
        ) from error
    if tls.cert_file:
        try:
            context.load_cert_chain(str(tls.cert_file), str(tls.key_file) if tls.key_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                "certificate and key cannot be used",
                where=str(tls.cert_file),
                fix="give a PEM certificate and its key",
            ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
