"""A real HTTP server on loopback that fails the way real ones do.

`python server.py` prints its ports as JSON and runs until it is interrupted. From Python: `with server.start() as running: running.url`.

A path is /CLIENT/SCENARIO. The n-th request for a path gets the n-th answer of the scenario, and the last answer from then on, so that
every client meets the same failures. An answer is a map: `status`, `headers`, `body`, `after` (seconds of silence before it) and `resets`
(the connection is reset in the middle of the body). Requests to the refused port find nobody there.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

SCENARIOS = Path(__file__).with_name("scenarios.json")


class MisbehavingServer(ThreadingHTTPServer):
    """Answers by script, one thread for each connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, scenarios: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[dict[str, Any]]] = {scenario["name"]: scenario["answers"] for scenario in scenarios}
        self.closing = threading.Event()
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        # Bound but never listening: the port is ours, and connecting to it is refused.
        self._refusing = socket.socket()
        self._refusing.bind(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def refused_url(self) -> str:
        """Where connections are refused."""
        return f"http://127.0.0.1:{self._refusing.getsockname()[1]}"

    def answer_to(self, path: str) -> dict[str, Any] | None:
        """The answer that is due for a path, None for a scenario that is not known."""
        answers = self.answers.get(path.rpartition("/")[2])
        if not answers:
            return None
        with self._lock:
            self._requests[path] += 1
            return answers[min(self._requests[path], len(answers)) - 1]

    def requests_for(self, path: str) -> int:
        """How often a path was asked for."""
        return self._requests[path]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._refusing.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are part of the play."""


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    server: MisbehavingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer_to(self.path) or {"status": 404}
        if self.server.closing.wait(answer.get("after", 0)):
            return
        status = answer["status"]
        body = answer.get("body", self.responses[status][0]).encode()
        self.send_response(status)
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(2 * len(body) if answer.get("resets") else len(body)))
        self.end_headers()
        self.wfile.write(body)
        if answer.get("resets"):
            self.reset()

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def reset(self) -> None:
        """Ends the connection with RST instead of FIN, after the client has had time to see the first half."""
        self.server.closing.wait(0.05)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The streams still hold the socket: closing it would wait for them.
        socket.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing: the clients tell the story."""


def start(scenarios: list[dict[str, Any]] | None = None) -> MisbehavingServer:
    """A server for these scenarios, by default those of the demo, listening already; `with` runs it."""
    return MisbehavingServer(json.loads(SCENARIOS.read_bytes()) if scenarios is None else scenarios)


def main() -> None:
    with start() as running:
        ports = {"port": running.server_port, "refused_port": int(running.refused_url.rpartition(":")[2])}
        print(json.dumps(ports), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
