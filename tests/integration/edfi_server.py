"""A small server that speaks as an Ed-Fi ODS/API does: sign-in, pages, counts, change queries, deletes."""

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET, TOKEN = "a-key", "a-secret-that-nobody-sees", "a-token"
LARGEST_PAGE = 500


class Ods:
    """What the server holds: of each resource its records and deletes, each with the change version that made it."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, tuple[int, dict[str, Any]]]] = defaultdict(dict)
        self.deletes: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.version = 0
        self.url = ""
        self.asked: list[str] = []
        self.has_change_queries = True
        self.faults: list[int | None] = []
        """Statuses answered to the next requests for data; 0 hangs up, None is no fault."""
        self.forbidden: set[str] = set()
        self.hides = 0
        """Records that are counted and never come."""

    def upsert(self, resource: str, *records: dict[str, Any]) -> None:
        for record in records:
            self.version += 1
            self.records[resource][record["id"]] = (self.version, record)

    def delete(self, resource: str, record_id: str) -> None:
        self.version += 1
        del self.records[resource][record_id]
        self.deletes[resource].append((self.version, record_id))

    def rows(self, resource: str, *, deletes: bool) -> list[tuple[int, dict[str, Any]]]:
        if deletes:
            return [(at, {"id": gone, "changeVersion": at}) for at, gone in self.deletes[resource]]
        return sorted(self.records[resource].values(), key=lambda row: row[0])


@contextmanager
def serving() -> Iterator[Ods]:
    """A running server with nothing in it yet."""
    ods = Ods()

    class Handler(_Handler):
        holds = ods

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ods.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ods
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    holds: Ods
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """A test's output is no place for requests."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qs(self.rfile.read(length).decode())
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        right = base64.b64decode(given).decode() == f"{KEY}:{SECRET}"
        if self.path != "/oauth/token" or form.get("grant_type") != ["client_credentials"] or not right:
            self._answer(401, {"error": "invalid_client"})
        else:
            self._answer(200, {"access_token": TOKEN, "expires_in": 1800, "token_type": "bearer"})

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(at.query).items()}
        if at.path in ("", "/"):
            self._answer(200, {"version": "6.1", "apiMode": "Shared Instance"})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {})
        elif at.path == "/changeQueries/v1/availableChangeVersions":
            found = self.holds.has_change_queries
            self._answer(200 if found else 404, {"oldestChangeVersion": 0, "newestChangeVersion": self.holds.version})
        else:
            self._answer_data(at.path.removeprefix("/data/v3/ed-fi/"), asked)

    def _answer_data(self, path: str, asked: dict[str, str]) -> None:
        self.holds.asked.append(f"{path}?{asked.get('offset', '')}")
        fault = self.holds.faults.pop(0) if self.holds.faults else None
        if fault == 0:
            self.close_connection = True
            return
        if fault is not None or int(asked.get("limit", 25)) > LARGEST_PAGE:
            self._answer(fault or 400, {})
            return
        resource, _, deletes = path.partition("/")
        if resource in self.holds.forbidden:
            self._answer(403, {})
            return
        first, last = int(asked.get("minChangeVersion", 0)), int(asked.get("maxChangeVersion", 1 << 60))
        rows = [row for at, row in self.holds.rows(resource, deletes=bool(deletes)) if first <= at <= last]
        start = int(asked.get("offset", 0))
        page = rows[start : start + int(asked.get("limit", 25))]
        self._answer(200, page, {"Total-Count": str(len(rows) + self.holds.hides)})

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
