"""`undaunted preview` of both packages: the same answers to the same requests, as tests/README.md has them; and what each does with its file."""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from setup import JS, PAGE, VENV

PROGRAMS = {
    "python": [VENV / ("Scripts" if os.name == "nt" else "bin") / "undaunted"],
    "node": ["node", JS / "bin" / "undaunted.mjs"],
}
HEADERS = [
    "Cache-Control", "Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy",
    "X-Content-Type-Options", "Content-Type", "Content-Length", "Allow",
]  # fmt: skip
STEADY = '{"attempts": 4}\n'
LONGEST = 1_000_000
#: For a process that hangs; nothing waits for it otherwise.
PATIENCE = 120


@dataclass
class Answer:
    status: int
    headers: dict[str, str | None]
    body: bytes

    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class Preview:
    address: str
    process: subprocess.Popen[str]
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = int(self.address.split(":")[2].split("/")[0])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: str | bytes | None = None, /, **headers: str) -> Answer:
        """Names of headers with `_` for `-`. Without a Host of its own, the right one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host="Host" in named, skip_accept_encoding=True)
        content = body.encode() if isinstance(body, str) else body
        if content is not None and "Transfer-Encoding" not in named:
            named["Content-Length"] = str(len(content))
        for name, value in named.items():
            connection.putheader(name, value)
        connection.endheaders(content)
        response = connection.getresponse()
        answer = Answer(response.status, {name: response.getheader(name) for name in HEADERS}, response.read())
        connection.close()
        return answer

    def save(self, text: str | bytes, /, **headers: str) -> Answer:
        return self.ask("PUT", "/policy", text, **{"Origin": self.origin, "Content_Type": "application/json", **headers})

    def state(self) -> dict:
        return self.ask("GET", "/policy").json()

    @contextmanager
    def changes(self) -> Iterator[Callable[[], dict]]:
        """What is called answers the next change."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/policy/changes")
        response = connection.getresponse()
        assert response.status == 200 and response.getheader("Content-Type") == "text/event-stream", response.status
        assert response.readline() == b": watching\n" and response.readline() == b"\n"

        def following() -> dict:
            lines = [response.readline() for _ in range(3)]
            assert lines[0] == b"event: change\n" and lines[1].startswith(b"data: {") and lines[2] == b"\n", lines
            return json.loads(lines[1].removeprefix(b"data: "))

        try:
            yield following
        finally:
            response.close()
            connection.close()


@contextmanager
def preview(program: list[object], folder: Path, *arguments: str, given: str = "", **more: str) -> Iterator[Preview]:
    """A preview that serves, ended by Ctrl-C: it must end well and say nothing."""
    words = [*map(str, program), "preview", *arguments]
    environment = {**os.environ, "CI": "true", **more}
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            process.stdin.write(given)
            process.stdin.close()
            line = process.stdout.readline()
            if not line:
                sys.exit(f"{' '.join(words)}: ended before it served: {process.stderr.read()}")
            said = re.fullmatch(r'The preview is at (\S+); Ctrl-C ends it\.\n|\{"address":"(\S+)"\}\n', line)
            assert said, line
            same(said[2] is not None, "--json" in arguments, "JSON")
            yield Preview(said[1] or said[2], process)
            process.send_signal(signal.SIGINT)
            ended = process.wait(PATIENCE), process.stdout.read(), process.stderr.read()
            same(ended, (0, "", ""), "what Ctrl-C ends")
        finally:
            process.kill()


def same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, wanted {wanted!r}")


def revision(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


#: A request, and the status it must have; every server that is asked all of these, in this order, has to answer the same. `{port}` is its own.
REQUESTS: list[tuple[int, str, str, str | bytes | None, dict[str, str]]] = [
    (200, "GET", "/", None, {}),
    (200, "GET", "/?file", None, {}),
    (200, "HEAD", "/", None, {}),
    *[(200, "GET", f"/{file.relative_to(PAGE).as_posix()}", None, {}) for file in sorted(PAGE.rglob("*")) if file.is_file()],
    (200, "GET", "/", None, {"Host": "localhost:{port}"}),
    *[(403, "GET", path, None, {"Host": host}) for path in ("/", "/policy") for host in (
        "example.com", "example.com:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.1:{port}.example.com", "[::1]:{port}", "")],
    *[(404, "GET", path, None, {}) for path in (
        "/nothing", "/../_preview.py", "/..%2f_preview.py", "/%2e%2e/_preview.py", "/..\\_preview.py", "//index.html", "/./index.html", "//etc/passwd",
        "/index.html/", "/.", "/..", "/policy/", "/policy.json", "/index.html%00", "http://127.0.0.1:{port}/")],
    *[(405, method, path, None, {}) for method in ("POST", "PATCH", "DELETE", "OPTIONS") for path in ("/", "/policy")],
    (405, "PUT", "/", "x", {}),
    (200, "GET", "/policy", None, {}),
    (200, "HEAD", "/policy", None, {}),
    *[(403, "PUT", "/policy", STEADY, {"If-Match": "*", **headers}) for headers in (
        {}, {"Content-Type": "application/json"}, {"Origin": "http://127.0.0.1:{port}"},
        {"Content-Type": "application/json", "Origin": "http://example.com"}, {"Content-Type": "application/json", "Origin": "null"},
        {"Content-Type": "application/json", "Origin": "http://localhost:{port}"}, {"Content-Type": "application/json", "Origin": "https://127.0.0.1:{port}"},
        {"Content-Type": "text/plain", "Origin": "http://127.0.0.1:{port}"}, {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:{port}"})],
]  # fmt: skip
#: The same for requests that the page itself may make.
SAVES: list[tuple[int, str | bytes | None, dict[str, str]]] = [
    (428, STEADY, {}),
    (411, None, {"If-None-Match": "*"}),
    (412, STEADY, {"If-None-Match": "*"}),
    (412, STEADY, {"If-Match": "*"}),
    (412, STEADY, {"If-Match": '"0"'}),
    (412, STEADY, {"If-Match": revision(STEADY)}),
    (412, STEADY, {"If-Match": f'W/"{revision(STEADY)}"'}),
    (413, b" " * (LONGEST + 1), {"If-Match": "{now}"}),
    (422, '{"attempts": 0, "jiter": "ß", "größe": 1}', {"If-Match": "{now}"}),
    (422, "[]", {"If-Match": "{now}"}),
    (422, b'{"preset": "\xff"}', {"If-Match": "{now}"}),
    (200, '{"attempts": 5, "budget": {"name": "api", "capacity": 40}}', {"If-Match": "{now}"}),
    # A name stands for the budget of one file, whatever was there before.
    (200, '\ufeff{"attempts": 5, "budget": {"name": "api", "capacity": 50}}', {"If-Match": "{now}", "Content-Type": "Application/JSON; charset=utf-8"}),
    (200, '{"attempts": 4}'.ljust(LONGEST), {"If-Match": "{now}"}),
    (200, STEADY, {"If-Match": "{now}"}),
    (200, STEADY, {"If-Match": "{now}"}),
]


def answers(program: list[object], folder: Path) -> list[tuple[str, Answer]]:
    """What a server answers to all of these; its port is left out."""
    file = folder / "policy.json"
    file.write_text('{"attempts": 3, "größe": "ß \\u2028"}', encoding="utf-8")
    found = []
    with preview(program, folder, "policy.json") as running:

        def ask(status: int, method: str, path: str, body: str | bytes | None, headers: dict[str, str]) -> None:
            filled = {name.replace("-", "_"): value.format(port=running.port) for name, value in headers.items()}
            answer = running.ask(method, path.replace("{port}", str(running.port)), body, **filled)
            asked = f"{method} {path} {headers} {body if body is None else body[:60]!r}"
            same(answer.status, status, asked)
            answer.body = answer.body.replace(str(running.port).encode(), b"PORT")
            found.append((asked, answer))

        for status, method, path, body, headers in REQUESTS:
            ask(status, method, path, body, headers)
        for status, body, headers in SAVES:
            before = file.read_bytes()
            now = {name: f'"{revision(before)}"' if value == "{now}" else value for name, value in headers.items()}
            ask(status, "PUT", "/policy", body, {"Origin": "http://127.0.0.1:{port}", "Content-Type": "application/json", **now})
            content = body.encode() if isinstance(body, str) else body
            same(file.read_bytes(), content if status == 200 else before, f"the file after {body if body is None else body[:60]!r}")
            if status == 200:
                same(found[-1][1].json(), {"revision": revision(content)}, "a save's answer")
        # No JSON: where it breaks off is each parser's own.
        unparsed = running.save("{", If_Match=f'"{revision(STEADY)}"')
        same((unparsed.status, [error["code"] for error in unparsed.json()["errors"]]), (422, ["not_json"]), "no JSON")
        same(sorted(os.listdir(folder)), ["policy.json"], "what is left in the folder")
    return found


def check_page(program: list[object], folder: Path) -> None:
    """Without a policy, and with one that is no file."""
    with preview(program, folder) as running:
        same(running.address, f"http://127.0.0.1:{running.port}/", "the address without a policy")
        same(running.ask("GET", "/").body, (PAGE / "index.html").read_bytes(), "the page")
        said = running.ask("GET", "/").headers["Content-Security-Policy"]
        assert said.endswith("; frame-ancestors 'none'") and said.removesuffix("; frame-ancestors 'none'") in (PAGE / "index.html").read_text(), said
        same([running.ask("GET", path).status for path in ("/policy", "/policy/changes")], [404, 404], "no policy")
        same(running.save(STEADY, If_None_Match="*").status, 404, "saving no policy")
    for arguments, given, text in ((["preset:aws"], "", '{"preset": "aws"}\n'), (["-"], "{no policy", "{no policy")):
        with preview(program, folder, *arguments, given=given) as running:
            same(running.address, f"{running.origin}/?file", "the address with a policy")
            wanted = {"name": arguments[0], "text": text, "revision": revision(text), "writable": False, "watch": False}
            same(running.state(), wanted, "a policy that is no file")
            same(running.save(STEADY, If_Match=f'"{revision(text)}"').status, 409, "saving what is no file")
            same(running.ask("GET", "/policy/changes").status, 404, "watching what is no file")


def check_new_file(program: list[object], folder: Path) -> None:
    with preview(program, folder, "new.json", "--watch") as running, running.changes() as following:
        nothing = {"name": "new.json", "text": None, "revision": None, "writable": True, "watch": True}
        same(running.state(), nothing, "a file that is not there yet")
        for tag in ('"null"', '"None"', '""', "*"):
            same(running.save(STEADY, If_Match=tag).json(), nothing, "replacing a file that is not there")
        same(running.save(STEADY, If_None_Match="*").json(), {"revision": revision(STEADY)}, "making a file")
        there = {**nothing, "text": STEADY, "revision": revision(STEADY)}
        same(following(), there, "the change by a save")
        same(running.save(STEADY, If_None_Match="*").json(), there, "making a file that is there")
        same(stat.S_IMODE((folder / "new.json").stat().st_mode), 0o666 & ~umask(), "the mode of a new file")
    (folder / "new.json").unlink()


def check_watch(program: list[object], folder: Path) -> None:
    """As editors write: over the file, by renaming another, after deleting it. Two who watch hear the same."""
    file = folder / "watched.json"
    file.write_text("{}")
    with preview(program, folder, "watched.json", "--watch") as running, running.changes() as following, running.changes() as other:

        def change(text: str | None) -> None:
            wanted = {"name": "watched.json", "text": text, "revision": text and revision(text), "writable": True, "watch": True}
            same([following(), other(), running.state()], [wanted] * 3, f"the change to {text}")

        file.write_text('{"attempts": 2}')
        change('{"attempts": 2}')
        beside = folder / "beside.json"
        beside.write_text("no policy at all: ß\n")
        os.utime(beside, (0, 0))
        beside.replace(file)
        change("no policy at all: ß\n")
        file.unlink()
        change(None)
        file.write_text("{}")
        change("{}")
        same(running.ask("HEAD", "/policy/changes").status, 200, "HEAD of changes")
        same(running.save(STEADY, If_Match=f'"{revision("no policy")}"').status, 412, "a save over an edit")
        same(file.read_text(), "{}", "the edit")
    with preview(program, folder, "watched.json", "--watch") as running:
        # Ctrl-C does not wait for who watches.
        watching = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        watching.request("GET", "/policy/changes")
        watching.getresponse()


def check_links_and_modes(program: list[object], folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "link.json").symlink_to("there/second.json")
    (folder / "there" / "second.json").symlink_to("kept.json")
    with preview(program, folder, "link.json") as running:
        same(running.state()["text"], None, "a link to nothing")
        same(running.save(STEADY, If_None_Match="*").status, 200, "a save through links to nothing")
        kept = folder / "there" / "kept.json"
        same(kept.read_text(), STEADY, "what the links lead to")
        kept.chmod(0o640)
        same(running.save("{}", If_Match=f'"{revision(STEADY)}"').status, 200, "a save through links")
        same((kept.read_text(), stat.S_IMODE(kept.stat().st_mode)), ("{}", 0o640), "text and mode")
        same([(folder / name).is_symlink() for name in ("link.json", "there/second.json")], [True, True], "the links")
        same(sorted(os.listdir(folder / "there")), ["kept.json", "second.json"], "what is left beside the file")
        # To root everything is writable.
        if os.geteuid() != 0:
            kept.chmod(0o440)
            same(running.state()["writable"], False, "a file that cannot be written")
            same(running.save(STEADY, If_Match=f'"{revision("{}")}"').status, 409, "saving what cannot be written")
        kept.unlink()
        kept.mkdir()
        same((running.state()["text"], running.state()["writable"]), (None, False), "a folder in place of the file")
        same(running.save(STEADY, If_None_Match="*").status, 409, "a save over a folder")
    with preview(program, folder, "nowhere/policy.json") as running:
        same(running.state()["writable"], False, "a file in a folder that is not there")


def check_atomic(program: list[object], folder: Path) -> None:
    """Who reads while it is saved sees one text or the other, whole. Of saves that replace the same text one is let through."""
    file = folder / "policy.json"
    texts = [f'{{"attempts": {attempts}}}'.ljust(200_000) for attempts in (2, 3)]
    file.write_text(texts[0])
    with preview(program, folder, "policy.json") as running:
        seen, ends = set(), threading.Event()

        def read() -> None:
            while not ends.is_set():
                seen.add(file.read_text())

        reader = threading.Thread(target=read)
        reader.start()
        for turn in range(40):
            same(running.save(texts[1 - turn % 2], If_Match=f'"{revision(texts[turn % 2])}"').status, 200, "a save that is read meanwhile")
        ends.set()
        reader.join()
        assert seen <= set(texts), [len(text) for text in seen]
        statuses = []
        saves = [threading.Thread(target=lambda: statuses.append(running.save(texts[1], If_Match=f'"{revision(texts[0])}"').status)) for _ in range(8)]
        for save in saves:
            save.start()
        for save in saves:
            save.join()
        same(sorted(statuses), [200] + [412] * 7, "saves at the same time")
        same(file.read_text(), texts[1], "what they left")


def check_connections(program: list[object], folder: Path) -> None:
    """One connection for several requests, and one that breaks off in the middle of a save."""
    (folder / "policy.json").write_text(STEADY)
    with preview(program, folder, "policy.json") as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        for method, path, body in (("GET", "/", None), ("PUT", "/", b"x" * (LONGEST + 1)), ("HEAD", "/", None), ("GET", "/policy", None)):
            connection.request(method, path, body)
            before = connection.sock
            connection.getresponse().read()
            assert connection.sock is before, f"{method} {path} has closed the connection"
        connection.close()
        with socket.create_connection(("127.0.0.1", running.port)) as broken:
            head = [f"Host: 127.0.0.1:{running.port}", f"Origin: {running.origin}", "Content-Type: application/json", f'If-Match: "{revision(STEADY)}"']
            broken.sendall("\r\n".join(["PUT /policy HTTP/1.1", *head, "Content-Length: 15", "", '{"attemp']).encode())
        same(running.state()["text"], STEADY, "the file after half a save")


def check_browser(program: list[object], folder: Path) -> None:
    """The browser is opened at the address that is printed; without one, or with one that fails, nothing happens."""
    told = folder / "told"
    os.mkfifo(told)
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{told}"\n')
    browser.chmod(0o755)
    with preview(program, folder, "preset:aws", CI="", BROWSER=str(browser)) as running:
        same(told.read_text(), running.address, "what the browser is opened at")
    told.unlink()
    for arguments, more in (([], {"CI": "true"}), (["--no-open"], {"CI": ""})):
        with preview(program, folder, *arguments, BROWSER=str(browser), **more) as running:
            running.ask("GET", "/")
        assert not told.exists(), f"a browser was opened with {arguments} {more}"
    with preview(program, folder, CI="", BROWSER="/nonexistent/browser") as running:
        same(running.ask("GET", "/").status, 200, "without a browser that works")
    browser.unlink()


def check_refusals(program: list[object], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refuses(program, folder, ["--port", str(port)], f"undaunted: port {port}: Address already in use; choose another, or none for any that is free")
    with preview(program, folder) as running:
        free = running.port
    with preview(program, folder, f"--port={free}", "--json") as running:
        same(running.port, free, "the port that was asked for")
    (folder / "folder.json").mkdir()
    refuses(program, folder, ["folder.json"], "folder.json: Is a directory; name a file that can be read")


def refuses(program: list[object], folder: Path, arguments: list[str], sentence: str) -> None:
    words = [*map(str, program), "preview", *arguments]
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    same((done.returncode, done.stdout, done.stderr), (2, "", f"{sentence}\n"), " ".join(arguments))


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


CHECKS = [check_page, check_new_file, check_watch, check_links_and_modes, check_atomic, check_connections, check_browser, check_refusals]


def main() -> None:
    # The background job of a shell ignores it, and so would the programs that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = {}
    for name, program in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = answers(program, Path(folder))
        for check in CHECKS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    check(program, Path(folder))
                except AssertionError as error:
                    raise AssertionError(f"{name}: {error}") from None
    for (asked, python), (_, node) in zip(found["python"], found["node"], strict=True):
        same(python, node, f"python to {asked}, where node's is wanted")
    print(f"preview: {len(found['python'])} requests have the same answers in {len(PROGRAMS)} languages, {len(CHECKS)} checks of each")


if __name__ == "__main__":
    main()
