"""Real servers under fault: 200 workers of each language write with unique keys while their server is restarted, crashes, is frozen,
becomes read-only and runs out of connections. Afterwards nothing is lost, nothing is written twice that must not be, and every error that
reached a caller is one that should.

`python3 tests/setup.py --python tests/lab/servers/run.py [--rows N] [--server NAME] [--fault NAME] [--log FOLDER]`
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import verdict
from servers import CONNECTIONS, FAULTS, SERVERS, until

HERE = Path(__file__).resolve().parent
POLICY = HERE / "policy.json"
WORKERS = 200
PROGRAMS = {"python": [sys.executable, HERE / "workers.py"], "node": ["node", HERE / "workers.mjs"]}
#: For each thing that is waited for; less than the policy's `timeout`, within which every write has to be done.
SECONDS = 45


class Program:
    """The workers of one language, what they said, and how far they are under the present fault."""

    def __init__(self, language, kind, port, policy):
        self.language = language
        self.said = []
        self._is_gone = False
        self._changed = threading.Condition()
        words = [*PROGRAMS[language], kind, port, policy, WORKERS, CONNECTIONS]
        self._running = subprocess.Popen(list(map(str, words)), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def begin(self, fault):
        with self._changed:
            self.fault, self.written, self.met, self.is_finished = fault, 0, set(), False
        self._tell(f"{fault}\n")

    def _tell(self, text):
        self._running.stdin.write(text)
        self._running.stdin.flush()

    def finish(self):
        """The workers begin nothing new."""
        self._tell("\n")
        self.wait(lambda: self.is_finished, "finish what they have begun")

    def wait(self, condition, what):
        with self._changed:
            came = self._changed.wait_for(lambda: condition() or self._is_gone, SECONDS)
            if self._is_gone or not came:
                why = "their program ended" if self._is_gone else f"waited {SECONDS} s"
                told = f"{self.written} writes, {len(self.met)} workers met it"
                raise Stuck(f"the {self.language} workers did not {what} under {self.fault}: {why}; {told}")

    def end(self):
        self._running.stdin.close()
        if self._running.wait(SECONDS) != 0:
            raise Stuck(f"the {self.language} program ended with {self._running.returncode}")
        self._listening.join()

    def kill(self):
        self._running.kill()
        self._running.wait()

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(record)}\n" for record in list(self.said)))

    def _listen(self):
        for text in self._running.stdout:
            record = json.loads(text)
            with self._changed:
                self._hear(record)
                self._changed.notify_all()
        with self._changed:
            self._is_gone = True
            self._changed.notify_all()

    def _hear(self, record):
        if "finished" in record:
            self.is_finished = True
            return
        self.said.append(record)
        if "ended" in record:
            self.written += record["error"] is None
        elif verdict.is_met(record):
            self.met.add(record["worker"])


class Stuck(Exception):
    """Something did not happen in time."""


def meet(server, programs, kind, fault, rows):
    """One fault, from writes that go well to writes that go well. What is done goes by what the workers said, not by time."""
    for program in programs:
        program.begin(fault)
    for program in programs:
        program.wait(lambda: program.written >= rows, "write")
    getattr(server, fault)()
    try:
        for program in programs:
            program.wait(lambda: len(program.met) >= to_meet(program.language, kind, fault), "meet it")
    finally:
        getattr(server, f"end_{fault}")()
    for program in programs:
        before = program.written
        program.wait(lambda: program.written >= before + rows, "write again")
    for program in programs:
        program.finish()


def to_meet(language, kind, fault):
    """How many workers: all, so that none of them hangs. Of threads those wait that have no connection, until the others give up theirs."""
    return CONNECTIONS if (language, kind, fault) == ("python", "mariadb", "freeze") else WORKERS


def lab(kind, faults, rows, policy=POLICY, log=None, meddle=lambda server, said: None):
    """What became of the writes, by language and fault. `meddle` may change what is there before it is looked at."""
    with SERVERS[kind]() as server, contextlib.ExitStack() as stack:
        server.make()
        programs = [Program(language, kind, server.port, policy) for language in PROGRAMS]
        for program in programs:
            stack.callback(program.kill)
            if log:
                stack.callback(program.write, log / f"{kind}-{program.language}.jsonl")
        for fault in faults:
            meet(server, programs, kind, fault, rows)
        # Connections that were given up are closed, too.
        until(lambda: server.sessions() <= len(programs) * CONNECTIONS)
        for program in programs:
            program.end()
        # A server that was frozen may still be at what was sent to it before.
        until(lambda: server.sessions() == 0)
        said = {program.language: program.said for program in programs}
        meddle(server, said)
        contents = server.contents()
        return {language: verdict.judge(kind, language, records, *contents) for language, records in said.items()}


COLUMNS = ("server", "fault", "language", "calls", "retries", "met", "absorbed", "unknown", "done", "lost", "twice")
LAYOUT = "{:9} {:15} {:8} {:>7} {:>8} {:>7} {:>9} {:>8} {:>6} {:>5} {:>6}  {}"


def show(kind, fault, language, line):
    counts = (line.calls, line.retries, line.met, line.absorbed, line.unknown, line.carried_out, len(line.lost), len(line.doubled))
    codes = ", ".join(f"{count} {code}" for code, count in line.codes.most_common())
    print(LAYOUT.format(kind, fault, language, *counts, codes).rstrip(), flush=True)


def guilt(kind, fault, language, line):
    found = list(line.guilt())
    if not line.met:
        found.append("no retry shows that the fault was met")
    return [f"{kind} {fault} {language}: {sentence}" for sentence in found]


def check_the_check():
    """Policies that are wrong, and a server that loses a write, have to be found guilty, in both languages; answers of what they were."""

    def lose(server, said):
        with server.client() as client:
            for records in said.values():
                plain = (record for record in records if "ended" in record and record["kind"] == "plain")
                client.lrem("plain", 1, next(record["key"] for record in plain if record["error"] is None))

    right = json.loads(POLICY.read_text())
    wrong = {
        "no retries": ({**right, "attempts": 1}, lose, ("wrong", "lost")),
        "everything repeated": ({**right, "idempotent": True}, lambda server, said: None, ("doubled",)),
    }
    with tempfile.TemporaryDirectory(prefix="undaunted-") as folder:
        for name, (policy, meddle, expected) in wrong.items():
            path = Path(folder) / "policy.json"
            path.write_text(json.dumps(policy))
            for language, lines in lab("redis", ["freeze"], WORKERS, path, meddle=meddle).items():
                for kind in expected:
                    found = getattr(lines["freeze"], kind)
                    if not found:
                        sys.exit(f"{name}, {language}: nothing {kind}, though there must be; the check sees nothing")
                    yield f"{language} {name} {len(found)} {kind}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=WORKERS, help="writes of each language before a fault, and after it (%(default)s)")
    parser.add_argument("--server", choices=SERVERS, action="append", help="this one only; may be given again")
    parser.add_argument("--fault", choices=FAULTS, action="append", help="this one only; may be given again")
    parser.add_argument("--log", type=Path, help="a folder for what the workers said, as lines of JSON")
    given = parser.parse_args()
    began = time.monotonic()
    servers, faults = given.server or list(SERVERS), given.fault or FAULTS
    print(LAYOUT.format(*COLUMNS, "errors of unknown"))
    found, calls, retries, unknown = [], 0, 0, 0
    try:
        for kind in servers:
            results = lab(kind, faults, given.rows, log=given.log)
            for fault in faults:
                for language, lines in results.items():
                    line = lines[fault]
                    show(kind, fault, language, line)
                    found += guilt(kind, fault, language, line)
                    calls, retries, unknown = calls + line.calls, retries + line.retries, unknown + line.unknown
        checked = list(check_the_check())
    except Stuck as stuck:
        sys.exit(str(stuck))
    print(f"wrong on purpose, and found: {'; '.join(checked)}")
    if found:
        sys.exit("\n".join(found))
    where = f"{', '.join(servers)} under {len(faults)} faults, {WORKERS} workers of each language"
    what = f"{calls} writes, {retries} retries, {unknown} left unknown to their callers, 0 lost, 0 twice"
    print(f"lab servers: {where}: {what}; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
