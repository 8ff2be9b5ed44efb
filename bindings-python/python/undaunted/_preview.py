"""What `undaunted preview` serves on loopback: the page, and the policy beside it. tests/README.md says what is answered to what."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import sys
import threading
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ._errors import PolicyError
from ._policy import compiled, json_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Errors = list[dict[str, str]]


class GivenPolicy:
    """A policy that is no file."""

    is_writable = False

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self._content = name, content

    def read(self) -> bytes | None:
        return self._content

    def write(self, content: bytes) -> None:
        raise PermissionError


class PolicyFile:
    def __init__(self, name: str) -> None:
        self.name = name

    def read(self) -> bytes | None:
        """Nothing while it is not there, or cannot be read."""
        try:
            return Path(self.name).read_bytes()
        except OSError:
            return None

    @property
    def is_writable(self) -> bool:
        path = os.path.realpath(self.name)
        if os.path.exists(path) and not (os.path.isfile(path) and os.access(path, os.R_OK | os.W_OK)):
            return False
        return os.access(os.path.dirname(path), os.W_OK | os.X_OK)

    def write(self, content: bytes) -> None:
        """At once or not at all, whoever reads meanwhile."""
        path = os.path.realpath(self.name)
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
        temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{secrets.token_hex(6)}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with open(os.open(temporary, flags, NEW_FILE if mode is None else mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def serve(policy: GivenPolicy | PolicyFile | None, port: int, watch: bool, opens: bool, told: Callable[[str], None]) -> None:
    """Serves until Ctrl-C; `told` hears the address. Raises OSError if the page is not there or the port cannot be had."""
    with contextlib.suppress(KeyboardInterrupt), Server(("127.0.0.1", port), policy, watch) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/{'?file' if policy else ''}"
        told(address)
        if opens:
            _open_browser(address)
        server.serve_forever()


class Server(ThreadingHTTPServer):
    # On Windows it would let two programs listen on one port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, address: tuple[str, int], policy: GivenPolicy | PolicyFile | None, watch: bool) -> None:
        self.policy, self.watch = policy, watch
        self.writing = threading.Lock()
        self.headers = _headers()
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        # The one who asked has gone.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def state(self) -> dict[str, Any]:
        assert self.policy
        content = self.policy.read()
        return {
            "name": self.policy.name,
            "text": None if content is None else content.decode("utf-8", "replace"),
            "revision": None if content is None else _revision(content),
            "writable": self.policy.is_writable,
            "watch": self.watch,
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        content = self._body()
        path = self.requestline.split(" ")[1].split("?")[0]
        origins = [f"{name}:{self.server.server_address[1]}" for name in ("127.0.0.1", "localhost")]
        if self.headers.get("Host") not in origins:
            return self._say(403, f"only http://{' and http://'.join(origins)} are served")
        is_policy = path == "/policy" and self.server.policy is not None
        is_changes = path == "/policy/changes" and self.server.watch
        file = None if is_policy or is_changes else _file(path)
        if not is_policy and not is_changes and not file:
            return self._say(404, "nothing is here")
        allowed = ["GET", "HEAD", "PUT"] if is_policy else ["GET", "HEAD"]
        if self.command not in allowed:
            return self._say(405, f"allowed {', '.join(allowed)}", {"Allow": ", ".join(allowed)})
        if file:
            return self._send(200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())
        if is_changes:
            return self._changes()
        if self.command == "PUT":
            return self._put(content)
        return self._json(200, self.server.state())

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _body(self) -> bytes | None:
        """Nothing if it is too long. It is read in any case, so that the next request begins after it."""
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
        given = self.headers.get("Content-Length", "0")
        left = int(given) if given.isdecimal() else 0
        if left <= LONGEST:
            return self.rfile.read(left)
        while left and (piece := self.rfile.read(min(left, LONGEST))):
            left -= len(piece)
        return None

    def _put(self, content: bytes | None) -> None:
        headers, policy = self.headers, self.server.policy
        assert policy
        media = headers.get("Content-Type", "").split(";")[0].strip().lower()
        if headers.get("Origin") != f"http://{headers['Host']}" or media != "application/json":
            return self._say(403, "the policy is written by its page alone, as application/json")
        if "Content-Length" not in headers:
            return self._say(411, "Content-Length is missing")
        if not policy.is_writable:
            return self._say(409, f"{policy.name} cannot be written; save the policy as another file")
        if content is None:
            return self._say(413, "the policy has more than 1 MB; shorten it")
        wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")
        if wanted is None and unwanted is None:
            return self._say(428, "If-Match and If-None-Match are missing; say what is to be replaced")
        with self.server.writing:
            before = self.server.state()
            revision = before["revision"]
            is_met = wanted is None and unwanted == "*" if revision is None else wanted == f'"{revision}"'
            if not is_met:
                return self._json(412, before)
            if errors := _errors(content):
                return self._json(422, {"errors": errors})
            try:
                policy.write(content)
            except OSError as error:
                return self._say(500, f"{policy.name}: {error.strerror}")
        return self._json(200, {"revision": _revision(content)})

    def _changes(self) -> None:
        """The policy as it is after each change, until the one who asked has gone."""
        policy = self.server.policy
        assert policy
        self.close_connection = True
        self._head(200, {"Content-Type": "text/event-stream", "Connection": "close"})
        if self.command == "HEAD":
            return
        before, turns = policy.read(), 0
        self.wfile.write(b": watching\n\n")
        while True:
            time.sleep(POLL)
            now = policy.read()
            turns += 1
            if now != before:
                self.wfile.write(b"event: change\ndata: " + _as_json(self.server.state()) + b"\n\n")
            elif turns % QUIET_TURNS == 0:
                self.wfile.write(b": watching\n\n")
            before = now

    def _say(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        self._json(status, {"error": error}, headers)

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", _as_json(value), headers)

    def _send(self, status: int, media: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, {**(headers or {}), "Content-Type": media, "Content-Length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"Date": self.date_time_string(), **self.server.headers, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _revision(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _errors(content: bytes) -> Errors:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [{"code": "not_json", "pointer": "", "text": "the policy is no JSON, since it is not UTF-8; correct the text"}]
    try:
        compiled(json_value(text.removeprefix("\ufeff")), "json")
    except PolicyError as error:
        return [{"code": code, "pointer": pointer, "text": text} for code, pointer, text in error.problems]
    return []


def _file(path: str) -> Path | None:
    """A file of the page; only what its folder lists can be had."""
    name = "index.html" if path == "/" else path[1:]
    return next((file for file in PAGE.rglob("*") if file.is_file() and file.relative_to(PAGE).as_posix() == name), None)


def _headers() -> dict[str, str]:
    """What each answer has: what the page says of itself in its <meta>, and what only a header can say."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page, re.IGNORECASE)
    said = found[1] if found else "default-src 'none'"
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": re.sub(r";?\s*$", "", said) + "; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _open_browser(address: str) -> None:
    """Where there is a screen, or the variable BROWSER. Nothing that fails here matters: the address is printed."""
    has_screen = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")))
    if has_screen:
        # Some browsers are waited for.
        threading.Thread(target=_try_to_open, args=(address,), daemon=True).start()


def _try_to_open(address: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)


PAGE = Path(__file__).parent / "preview"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
LONGEST = 1_000_000
NEW_FILE = 0o666
#: Seconds between two looks at the file.
POLL = 0.1
#: Looks without a change after which one who may have gone is written to.
QUIET_TURNS = 150
