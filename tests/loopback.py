"""A web server on this machine that misbehaves as told, for the tests of downloads."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message


@dataclass
class Site:
    """What the server does; tests change it at will, and read what was asked."""

    files: dict[str, bytes]
    ranges: bool = True
    etag: str = '"1"'
    content_type: str = "application/octet-stream"
    lengths: bool = True
    statuses: list[int] = field(default_factory=list)  # for the first requests; then 200 or 206
    drops: list[int] = field(default_factory=list)  # bytes after which the first responses break off
    silent: bool = False  # whether a response that breaks off leaves its connection open until the next request
    pause: float = 0.0  # seconds between pieces
    piece: int = 1 << 16
    wrong_range: bool = False
    requests: list[Message] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    closing: bool = False

    def address(self, name: str) -> str:
        return f"{self.url}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.requests.append(self.headers)
        status = site.statuses.pop(0) if site.statuses else 200
        content = site.files.get(self.path.lstrip("/"))
        if status != 200 or content is None:
            self.send_error(status if status != 200 else 404)
            return
        start = self.start(content)
        if start >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            claimed = start + site.wrong_range
            self.send_header("Content-Range", f"bytes {claimed}-{len(content) - 1}/{len(content)}")
        if site.etag:
            self.send_header("ETag", site.etag)
        self.send_header("Content-Type", site.content_type)
        if site.lengths:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.body(content[start:])

    def start(self, content: bytes) -> int:
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range", self.site.etag) == self.site.etag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.site.ranges and same else 0

    def body(self, content: bytes) -> None:
        breaks_off, asked = bool(self.site.drops), len(self.site.requests)
        limit = self.site.drops.pop(0) if breaks_off else len(content)
        for i in range(0, min(limit, len(content)), self.site.piece):
            piece = content[i : min(i + self.site.piece, limit)]
            try:
                self.wfile.write(piece)
                self.wfile.flush()
            except OSError:  # the client has gone
                break
            self.site.sent += len(piece)
            time.sleep(self.site.pause)
        while self.site.silent and breaks_off and len(self.site.requests) == asked and not self.site.closing:
            time.sleep(0.01)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Site]:
    """Serve files on a free port of this machine while the context lasts."""
    site = Site(files)
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing = True
        server.shutdown()
        server.server_close()
        thread.join()
