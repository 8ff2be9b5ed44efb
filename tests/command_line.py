"""The programs of both packages say the same, to the byte: standard output, standard error, exit code."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from setup import JS, VENV

PROGRAMS = {
    "python": [VENV / ("Scripts" if os.name == "nt" else "bin") / "undaunted"],
    "node": ["node", JS / "bin" / "undaunted.mjs"],
}
FILES = {
    "steady.json": '{"preset": "standard", "attempts": 4, "timeout": "10s", "jitter": "none"}',
    "budget.json": '{"attempts": 3, "budget": {"name": "api", "capacity": 40, "cost": 5}}',
    "elsewhere.json": '{"attempts": 3, "budget": "api", "breaker": "api"}',
    "wild.json": '{"forever": true, "jitter": "none", "max_delay": "24h", "hint": {"max": "48h"}}',
    "wrong.json": '{"attempts": 0, "jiter": 1, "initial": 5, "größe": "ß"}',
    "list.json": "[]",
    "größe.json": '{"attempts": 2}',
    "stamina.json": '{"attempts": 3, "wait_jitter": 0}',
    "grpc.json": '{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 7, "initialBackoff": "0.1s", "maxBackoff": "1s", '
    '"backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}',
}
#: Arguments, exit code, and a piece that one of the two texts must have.
CALLS: list[tuple[list[str], int, str]] = [
    ([], 0, "Exit codes: 0, 1 if"),
    (["--version"], 0, "undaunted "),
    *[([name, "--help"], 0, f"undaunted {name} ") for name in (
        "schedule", "lint", "analyse", "simulate", "simulate-layers", "simulate-outage", "simulate-loss", "explain", "diff", "convert", "export",
        "preview")],
    (["schedule", "steady.json"], 0, "\nall    7 s "),
    (["schedule", "preset:stamina", "--attempts", "30"], 0, "after timeout"),
    (["schedule", "preset:aws", "--json", "--seed", "18446744073709551615"], 0, '"p99_us":{"value":49500,"error":0}'),
    (["schedule", "größe.json", "--call-seed", "1", "--call", "2"], 2, "[duplicate_option]"),
    (["schedule", "größe.json", "--attempts", "1.50"], 2, "attempts is 1.5, allowed"),
    (["lint", "steady.json"], 0, "warning  jitter-none"),
    (["lint", "steady.json", "--fail-on", "warning"], 1, "jitter-none"),
    (["lint", "wild.json", "--json"], 0, '"code":"'),
    (["lint", "wrong.json"], 2, "wrong.json: attempts is 0, allowed 1 to 4294967295"),
    (["lint", "list.json"], 2, "list.json: "),
    (["lint", "missing.json"], 2, "missing.json: No such file or directory; name a file that can be read"),
    (["lint", "preset:nosuch"], 2, "[unknown_value]"),
    (["analyse", "budget.json", "--failure-rate", "0.5", "--attempt-duration", "200ms"], 0, "When 50 % of attempts fail and each takes 200 ms"),
    (["analyse", "elsewhere.json", "--json"], 0, '"outage_burst":null'),
    (["analyse", "steady.json", "--failure-rate", "3", "--attempt-duration", "2"], 2, "failure_rate is 3, allowed 0 to 1"),
    (["simulate", "steady.json", "--clients", "1000", "--seed", "7"], 0, "all retries           1 000 of 1 000 in the worst 100 ms"),
    (["simulate", "budget.json", "--clients", "500", "--outage", "3s", "--processes", "5", "--json"], 0, '"clients":500'),
    (["simulate", "steady.json", "--clients", "0"], 2, "clients is 0"),
    (["simulate", "elsewhere.json", "--clients", "10"], 0, "gave up: budget       10"),
    (["simulate-outage", "budget.json", "--capacity", "30", "--calls-per-second", "50.5"], 0, "recovered             after 30 s"),
    (["simulate-outage", "elsewhere.json", "--json", "--seed", "7"], 0, '"load_in_outage":1,'),
    (["simulate-outage", "steady.json", "--duration", "1h", "--calls-per-second", "1000"], 2, "duration is 1h, allowed up to 1000s"),
    (["simulate-loss", "--trials", "100", "--p", "0.2"], 0, "by formula"),
    (["simulate-layers", "preset:interactive", "--calls", "10"], 0, "at the bottom"),
    (["explain", "steady.json", "503", "reset", "429 + hint 2s", "postgres 40001 + takes 1s"], 0, "give up: attempts 4 of 4 attempts"),
    (["explain", "steady.json", "503 + hint 2"], 2, "[bad_duration]"),
    (["explain", "steady.json", "wat"], 2, 'the failure is "wat"'),
    (["diff", "steady.json", "preset:standard"], 0, "jitter                none → full"),
    (["diff", "steady.json", "preset:standard", "--exit-code"], 1, "attempts              4 → 10"),
    (["diff", "steady.json", "steady.json", "--exit-code"], 0, "no difference"),
    (["convert", "--from", "stamina", "stamina.json"], 0, "from stamina"),
    (["convert", "--from", "grpc", "grpc.json", "--json"], 0, '"source":"grpc"'),
    (["convert", "--from", "aws"], 0, '"attempts":7'),
    (["convert", "stamina.json"], 2, "--from is missing"),
    (["convert", "--from", "stamina"], 2, "SETTINGS is missing"),
    (["export", "steady.json", "--to", "json"], 0, '{\n  "attempts": 4,\n  "timeout": "10s",\n  "jitter": "none"\n}\n'),
    (["export", "budget.json", "--to", "python"], 0, 'budget={"name": "api", "capacity": 40, "cost": 5},\n'),
    (["export", "preset:grpc", "--to", "envoy", "--json"], 0, '{"target":"envoy","text":"timeout: 0s\\nretry_policy:'),
    (["export", "steady.json", "--to", "java"], 2, '--to is "java", allowed json, python, typescript, rust, curl, grpc, envoy or aws'),
    (["export", "steady.json"], 2, "--to is missing"),
    (["export", "wrong.json", "--to", "json"], 2, "wrong.json: attempts is 0"),
    (["lint", "a", "b"], 2, 'lint takes no "b" as well'),
    (["preview", "--port", "65536"], 2, '--port is "65536", allowed 0 to 65535'),
    (["preview", "--watch"], 2, "--watch needs a policy file"),
    (["preview", "preset:aws", "--watch"], 2, "--watch needs a policy file"),
    (["preview", "preset:nosuch"], 2, "[unknown_value]"),
    (["preview", "."], 2, ".: Is a directory; name a file that can be read"),
]  # fmt: skip


def main() -> None:
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        for arguments, code, piece in CALLS:
            said = {name: run([*program, *arguments], folder) for name, program in PROGRAMS.items()}
            called = " ".join(["undaunted", *arguments])
            if said["python"] != said["node"]:
                problems.append(f"{called}\n  python {said['python']}\n  node   {said['node']}")
            found, out, err = said["python"]
            if found != code or piece not in out + err or (err if code != 2 else out):
                problems.append(f"{called}: expected {code} and {piece!r}, got {said['python']}")
        for name, program in PROGRAMS.items():
            exported = run([*program, "export", "steady.json", "--to", "grpc"], folder)
            if exported[0] != 0 or not exported[1].startswith("{\n") or "info: gRPC draws each wait a fifth up or down" not in exported[2]:
                problems.append(f"{name}: an export for gRPC gives {exported}")
            if exported != run([*PROGRAMS["node"], "export", "steady.json", "--to", "grpc"], folder):
                problems.append(f"{name}: an export for gRPC is another than that of node")
            piped = run([*program, "lint", "-"], folder, FILES["steady.json"])
            if piped != run([*program, "lint", "steady.json"], folder):
                problems.append(f"{name}: a policy on standard input gives {piped}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"command line: {len(CALLS)} calls say the same in {len(PROGRAMS)} languages")


def run(words: list[object], folder: str, given: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, input=given.encode(), capture_output=True, env={**os.environ, "AWS_MAX_ATTEMPTS": "7"}
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


if __name__ == "__main__":
    main()
