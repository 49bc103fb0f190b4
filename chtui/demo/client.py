"""Questions to a demo's node over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chtui.demo.options import HOST
from chtui.errors import ConnectError, DeadlineError, QueryError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 2.0
Param = str | int | float


class Client:
    """One user's way to the nodes; may be used by several threads."""

    def __init__(self, user: str, password: str) -> None:
        import httpx

        self.user = user
        self._http: httpx.Client = httpx.Client(
            headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": password},
            # the nodes are on this machine: no proxy of the environment, no certificates to read
            trust_env=False,
            # an idle connection would only keep a node from ending
            limits=httpx.Limits(max_keepalive_connections=0),
            verify=False,
        )

    def ask(
        self,
        http_port: int,
        sql: str,
        params: Mapping[str, Param] | None = None,
        *,
        seconds: float | None = 30.0,
        query_id: str = "",
    ) -> str:
        """Return a node's answer as text; `params` are bound by the server; `seconds` None waits for ever.

        Raises:
            QueryError: the server refused or failed the statement.
            ConnectError: nobody answers there: `refused` where nothing was sent, else `down`.
            DeadlineError: no answer in time; what became of the statement is unknown.
        """
        import httpx

        where = f"{HOST}:{http_port}"
        query = {f"param_{name}": str(value) for name, value in (params or {}).items()}
        if query_id:
            query["query_id"] = query_id
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            answer = self._http.post(f"http://{where}/", params=query, content=sql.encode(), timeout=timeout)
        except httpx.ReadTimeout as error:
            raise DeadlineError(f"no answer in {seconds} s", where=where) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ConnectError("refused", f"no connection: {error}", where=where) from error
        except httpx.TransportError as error:
            raise ConnectError("down", f"the connection broke: {error}", where=where) from error
        if answer.status_code != 200:
            code = answer.headers.get("X-ClickHouse-Exception-Code", "0")
            raise QueryError(answer.text, code=int(code) if code.isdigit() else 0, where=where)
        return answer.text

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
