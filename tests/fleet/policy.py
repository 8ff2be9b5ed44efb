"""A policy that was published reaches processes of both languages, and a bad one none: `policy.py`, in the virtual environment, with a Redis
of its own. Each process says what it has whenever that changes."""

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "bindings-python" / "tests" / "servers")]

import processes  # noqa: E402

from undaunted import Policy, fleet  # noqa: E402

KEY = "undaunted:{upstream}:policy"
PYTHON = """
import sys, time
from undaunted import fleet
store = fleet.Store(f"redis://127.0.0.1:{sys.argv[1]}/0", timeout=10.0)
say = lambda *words: print("python", *words, flush=True)
source = fleet.policy_source(store, "upstream", on_error=lambda error: say("refused", type(error).__name__))
last = None
while True:
    policy = source.current()
    if policy.version != last:
        say(policy.version, policy.attempts)
    last = policy.version
    time.sleep(0.005)
"""
JS = """
import { createRequire } from "node:module";
const [port, home, drivers] = process.argv.slice(2);
const { policySource, Store } = await import(`${home}/dist/fleet.js`);
const { Redis } = createRequire(`${drivers}/package.json`)("ioredis");
const store = new Store(new Redis({ port: Number(port) }), { timeout: "10s" });
const say = (...words) => console.log("js", ...words);
const source = policySource(store, "upstream", { onError: ({ name }) => say("refused", name) });
let last;
setInterval(async () => {
  const policy = await source.current();
  if (policy.version !== last) say(policy.version, policy.toJSON().attempts);
  last = policy.version;
}, 5);
"""
EACH = 2


def main() -> None:
    running: list[subprocess.Popen[str]] = []
    said: queue.Queue[str] = queue.Queue()

    def listen(process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            said.put(line.strip())

    def expect(words: str) -> float:
        """Waits until all processes have said so; answers how long it took."""
        begun = time.monotonic()
        found = sorted(said.get(timeout=processes.SECONDS) for _ in running)
        if found != sorted(f"{language} {words}" for language in ("js", "python") for _ in range(EACH)):
            sys.exit(f"fleet policy: processes say {found}, wanted {words!r} of each")
        return time.monotonic() - begun

    with processes.Redis() as server, server.client() as admin:
        store = fleet.Store(f"redis://127.0.0.1:{server.port}/0", timeout=10.0)
        fleet.publish_policy(store, "upstream", Policy(attempts=2))
        script = server.folder / "reader.mjs"
        script.write_text(JS)
        home, drivers = HERE.parents[1] / "bindings-js", os.environ["UNDAUNTED_DRIVERS"]
        try:
            for words in ([sys.executable, "-c", PYTHON, server.port], ["node", script, server.port, home, drivers]):
                for _ in range(EACH):
                    running.append(subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True))
                    threading.Thread(target=listen, args=running[-1:], daemon=True).start()
            expect("1 2")
            fleet.publish_policy(store, "upstream", Policy(attempts=3))
            took = expect("2 3")
            admin.hset(KEY, mapping={"text": '{"attempts": 0}', "version": 3})
            expect("refused PolicyError")
            # Nobody took it, and nobody says so again: the next words of all are these.
            fleet.publish_policy(store, "upstream", Policy(attempts=4), expected=3)
            expect("4 4")
        finally:
            for process in running:
                process.kill()
                process.wait()
            store.close()
    print(f"fleet policy: {len(running)} processes of two languages have a change after {took:.2f} s, and refuse a bad one")


if __name__ == "__main__":
    main()
