"""Two network namespaces joined by a veth pair: programs in one, servers in the other, and lossy-link between them.

The kernel's own TCP runs on both sides. Every address of 10.77.0.0/16 is the server's: 10.77.RUN.LANE is one link, which loses by itself.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from setup import OWN, lossy, server

HERE = Path(__file__).resolve().parent
# Two checkouts may run at the same time.
CLIENT, SERVER = (f"undaunted-{OWN.name}-{side}" for side in ("client", "server"))
ADDRESSES = "10.77.0.0/16"
RESOLVER = "10.78.0.2"
QUEUE = "77"
SECONDS = 30
# CLONE_NEWNET of Linux; Python has os.setns from 3.12 on.
NEW_NETWORK = 0x40000000
DIE_WITH_PARENT = 1


def run(*words: object, check: bool = True) -> str:
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def dies_with_parent() -> None:
    """For the child of a fork: it ends when its parent does, however that ends."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


class Program:
    """A program in a namespace that is told lines and answers lines."""

    def __init__(self, namespace: str, *words: object, log: Path, environment: dict[str, str] | None = None) -> None:
        self._lock = threading.Lock()
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, env={**os.environ, **(environment or {})}, preexec_fn=dies_with_parent, start_new_session=True,
            )  # fmt: skip
        self._log = log

    def read(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args[4:6])}: ended: {self._log.read_text()[-2000:]}")
        return line

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, **told: object) -> dict:
        with self._lock:
            self.say(json.dumps(told))
            return json.loads(self.read())

    def end(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()


class World:
    """The namespaces with their servers, from `with World(scale) as world` on; what it made is gone afterwards."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.folder = Path(tempfile.mkdtemp(prefix="undaunted-lab-"))
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> "World":
        # Whatever fails in between is taken down all the same.
        with self._ends:
            self._ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._make_namespaces()
            self.content = self._make_content()
            self.link = self._program(CLIENT, lossy("lossy-link"), QUEUE)
            self._start_nginx()
            self.faults = self._program(SERVER, sys.executable, HERE / "servers_with_faults.py", self.folder / "data.json", self.scale)
            self.faults.read()
            self._ends = self._ends.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()

    def _program(self, namespace: str, *words: object) -> Program:
        program = Program(namespace, *words, log=self.folder / f"{Path(str(words[0])).name}-{len(list(self.folder.iterdir()))}.log")
        self._ends.callback(program.end)
        return program

    def _make_namespaces(self) -> None:
        remove_namespaces()
        self._ends.callback(remove_namespaces)
        resolver = Path("/etc/netns") / CLIENT
        resolver.mkdir(parents=True, exist_ok=True)
        (resolver / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions timeout:1 attempts:1\n")
        for name in (CLIENT, SERVER):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            # Each packet that finds no route hears of it, however many there are.
            run("ip", "netns", "exec", name, "sysctl", "-q", "net.ipv4.icmp_ratelimit=0")
        run("ip", "link", "add", "client", "netns", CLIENT, "type", "veth", "peer", "name", "server", "netns", SERVER)
        # The shortest wait for a segment to be sent again is scaled as the timeouts are; its first one, 1 s for SYN, cannot be.
        shortest = f"{round(200 * self.scale)}ms"
        for name, device, address in ((CLIENT, "client", "10.78.0.1/24"), (SERVER, "server", f"{RESOLVER}/24")):
            # A packet of the link is one of the wire: no segmentation offload.
            run("ip", "-n", name, "link", "set", device, "gso_max_segs", "1", "up")
            run("ip", "-n", name, "addr", "add", address, "dev", device)
            run("ip", "-n", name, "route", "replace", "10.78.0.0/24", "dev", device, "rto_min", shortest)
        run("ip", "-n", CLIENT, "route", "add", ADDRESSES, "via", RESOLVER, "rto_min", shortest)
        run("ip", "-n", SERVER, "route", "add", "local", ADDRESSES, "dev", "lo")
        for chain, side in (("OUTPUT", "-d"), ("INPUT", "-s")):
            self.filter(CLIENT, "-A", chain, side, ADDRESSES, "-j", "NFQUEUE", "--queue-num", QUEUE)

    def filter(self, namespace: str, *words: object) -> None:
        """A change to the packet filter of a namespace."""
        run("ip", "netns", "exec", namespace, "iptables", "--wait", *words)

    @staticmethod
    def enter(namespace: str) -> None:
        """Takes the calling thread into a namespace, for good."""
        with open(f"/run/netns/{namespace}") as handle:
            if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")

    def _make_content(self) -> bytes:
        """The talk's file: 7 kB of JSON."""
        body = json.dumps({"builds": [{"number": n, "result": ["ok", "failed"][n % 7 == 0], "seconds": n * n % 997} for n in range(145)]})
        (self.folder / "data.json").write_text(body)
        return body.encode()

    def _start_nginx(self) -> None:
        self.folder.chmod(0o755)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;\n"
            "events { worker_connections 8192; }\n"
            f"http {{ access_log off; server {{ listen 80 backlog=4096; root {self.folder}; }} }}\n"
        )
        self._program(SERVER, server("nginx"), "-c", configuration)
        until(lambda: ":80 " in run("ip", "netns", "exec", SERVER, "ss", "-Hltn"))

    def forgotten(self, run_number: int) -> set[int]:
        """The lanes of a run on which the program still waits for a server that knows nothing of it any more."""

        def lanes(namespace: str, side: str) -> set[int]:
            text = run("ip", "netns", "exec", namespace, "ss", "-Htn", "state", "established", "state", "fin-wait-1", "state",
                       "close-wait", "state", "last-ack", side, f"10.77.{run_number}.0/24")  # fmt: skip
            column = -2 if side == "src" else -1
            return {int(line.split()[column].split(":")[0].split(".")[-1]) for line in text.splitlines()}

        return lanes(CLIENT, "dst") - lanes(SERVER, "src")


def remove_namespaces() -> None:
    """Those of this lab, with what still runs in them."""
    for name in (CLIENT, SERVER):
        for process in run("ip", "netns", "pids", name, check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), 9)
        run("ip", "netns", "del", name, check=False)
    shutil.rmtree(Path("/etc/netns") / CLIENT, ignore_errors=True)


def until(condition) -> None:
    """Waits for what another process does."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {SECONDS} s in vain")
        time.sleep(0.02)
