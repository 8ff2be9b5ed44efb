"""A server, the proxy that loses its answers, and the clients that download from it: what twin.py and chains.py share."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent)]

import setup

#: Characters of the text in the server's document, which is 7 kB of JSON with them.
SIZE = 6900
DOCUMENT = json.dumps({"text": "undaunted " * (SIZE // 10)}).encode()


def chunks(body: bytes, size: int = 1000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#: By path: with a length, and in chunks.
ANSWERS = {
    "/": HEADERS + b"Content-Length: %d\r\n\r\n" % len(DOCUMENT) + DOCUMENT,
    "/chunked": HEADERS + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(DOCUMENT),
}
#: Clients, and the language of each; see client.py and client.mjs.
WAYS = {"aiohttp": "python", "requests": "python", "httpx": "python", "decorator": "python", "fetch": "node", "run": "node"}
#: Ways that read the body outside the attempt: the packages do not promise to retry it there.
OPEN_WAYS = {"aiohttp-open": "python", "requests-open": "python", "fetch-open": "node"}
#: For what hangs, in seconds; nothing waits for it otherwise.
PATIENCE = 60


class Program:
    """A program that is told what to do, and answers, in lines of JSON. It ends with its standard input."""

    def __init__(self, *words: object) -> None:
        self.words = list(map(str, words))
        self.process = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=setup.environment(), encoding="utf-8"
        )

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def hear(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.words)}: ended with {self.process.wait()}")
        return json.loads(line)

    def tell(self, told: dict[str, Any]) -> dict[str, Any]:
        self.process.stdin.write(f"{json.dumps(told)}\n")
        self.process.stdin.flush()
        return self.hear()


class Proxy(Program):
    """`lossy-proxy` before a server of 127.0.0.1."""

    def __init__(self, to: int) -> None:
        super().__init__(setup.lossy("lossy-proxy"), "--to", f"127.0.0.1:{to}")
        self.url = f"http://127.0.0.1:{self.hear()['port']}"

    def begin(self, seed: int, number: int = 0, **options: Any) -> dict[str, Any]:
        """A channel anew; answers the counts of before."""
        return self.tell({"begin": {"seed": seed, "number": number, **options}})

    def count(self) -> dict[str, Any]:
        return self.tell({"count": True})

    def settle(self, at_most: int) -> None:
        """Waits until no more connections are open than that."""
        until = time.monotonic() + PATIENCE
        while (count := self.count())["open"] > at_most:
            if time.monotonic() > until:
                raise RuntimeError(f"{' '.join(self.words)}: connections stay open: {count}")


class Client(Program):
    """A package that downloads in a way of its own."""

    def __init__(self, way: str) -> None:
        is_python = {**WAYS, **OPEN_WAYS}[way] == "python"
        program = [setup.PYTHON, HERE / "client.py"] if is_python else ["node", HERE / "client.mjs"]
        super().__init__(*program, way)

    def hear(self) -> dict[str, Any]:
        """One that hangs is ended."""
        watch = threading.Timer(PATIENCE, self.process.kill)
        watch.start()
        try:
            return super().hear()
        finally:
            watch.cancel()


def serve() -> int:
    """Serves the document on a free port, over connections that are kept alive, for as long as this program runs."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWERS[request.split()[1].decode()])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
        ports.append(server.sockets[0].getsockname()[1])
        is_there.set()
        await server.serve_forever()

    ports: list[int] = []
    is_there = threading.Event()
    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    is_there.wait()
    return ports[0]

