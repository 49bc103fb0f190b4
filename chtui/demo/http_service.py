"""A small JSON service on loopback: who may ask, how much, and how it is answered."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chtui.demo.options import HOST
from chtui.errors import DemoError

MOST_BODY_BYTES = 65536
REQUEST_SECONDS = 10.0
"""Who does not finish sending a request within this is hung up on."""

Answer = Mapping[str, object]
Routes = Mapping[tuple[str, str], Callable[[Mapping[str, object]], Answer]]
"""Method and path to what answers; it gets the request's JSON object, empty without a body."""


class Refusal(DemoError):
    """A request is not obeyed."""

    def __init__(self, what: str, *, status: int = 400) -> None:
        super().__init__(what)
        self.status = status
        """The HTTP status."""


class JsonService(ThreadingHTTPServer):
    """The server; each request is answered in a thread of its own."""

    daemon_threads = True

    def __init__(self, port: int, routes: Routes) -> None:
        """Listen on a port of loopback.

        Raises:
            OSError: it is in use.
        """
        self.routes = routes
        super().__init__((HOST, port), _Handler)

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say that answering failed, in a line without anything of the request."""
        print(f"a request failed: {type(sys.exception()).__name__}", file=sys.stderr, flush=True)


class _Handler(BaseHTTPRequestHandler):
    server: JsonService
    timeout = REQUEST_SECONDS
    server_version = "chtui-demo"
    sys_version = ""
    # an answer without headers is none
    default_request_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def _route(self) -> None:
        try:
            status, content = 200, self._answer()
        except Refusal as error:
            status, content = error.status, {"error": error.what}
        except ValueError as error:
            status, content = 400, {"error": str(error)}
        self._send(status, content)

    def _answer(self) -> Answer:
        # a page in a browser on this machine can reach the port too: its requests name another host, or an origin
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in (HOST, "localhost") or "Origin" in self.headers:
            raise Refusal("only programs on this machine are answered", status=403)
        body = self._body()
        path = self.path.partition("?")[0]
        answer = self.server.routes.get((self.command, path))
        if answer is None:
            methods = [method for method, known in self.server.routes if known == path]
            if methods:
                raise Refusal(f"this path takes {' and '.join(methods)} only", status=405)
            known = ", ".join(f"{method} {path}" for method, path in self.server.routes)
            raise Refusal(f"no such path; there are: {known}", status=404)
        return answer(body)

    def _body(self) -> dict[str, Any]:
        text = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (text.isascii() and text.isdigit()):
            raise Refusal("a body needs a Content-Length", status=411)
        size = int(text) if len(text) < 10 else MOST_BODY_BYTES + 1
        if size > MOST_BODY_BYTES:
            raise Refusal(f"the body is larger than {MOST_BODY_BYTES} bytes", status=413)
        raw = self.rfile.read(size)
        if not raw.strip():
            return {}
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise Refusal("the body is no JSON") from error
        if not isinstance(found, dict):
            raise Refusal("the body is no JSON object")
        return found

    def _send(self, status: int, content: Answer) -> None:
        raw = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def send_error(self, code: int, *_texts: object) -> None:
        """Answer a malformed request as every other one; what the base class would say repeats the request's text."""
        self.close_connection = True
        self._send(code, {"error": "the request is malformed"})

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a request's text has no place in a log."""
