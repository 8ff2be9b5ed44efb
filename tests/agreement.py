"""Every host ran the same vectors and decided the same cases alike: compares what their logs say."""

import re
import sys

from setup import LOGS

HOSTS = {"rust", "python", "node", "chromium"}
# The engine as JavaScript, which has neither the lab nor single draws.
TWIN = "node-js"


def main() -> None:
    text = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in sorted(LOGS.glob("*.log")))
    vectors = {host: (int(cases), int(files)) for host, cases, files in re.findall(VECTORS, text)}
    decided = {host: (int(cases), digest) for host, cases, digest in re.findall(DIFFERENTIAL, text)}
    texts = {host: (int(count), digest) for host, count, digest in re.findall(LAB, text)}
    compare("vectors", vectors, HOSTS)
    compare("vectors that need neither lab nor single draws", vectors, {TWIN})
    compare("lab", texts, HOSTS, "texts")
    compare("differential", decided, HOSTS | {TWIN, "oracle"})


def compare(what: str, found: dict[str, tuple[int, object]], hosts: set[str], units: str = "cases") -> None:
    if missing := hosts - found.keys():
        sys.exit(f"{what}: nothing from {', '.join(sorted(missing))}")
    results = {found[host] for host in hosts}
    if len(results) != 1 or min(results)[0] == 0:
        sys.exit(f"{what}: hosts disagree or ran nothing:\n" + "\n".join(f"  {host}: {found[host]}" for host in sorted(hosts)))
    (cases, detail), *_ = results
    print(f"agreement: {what}: {cases} {units}, the same in {', '.join(sorted(hosts))} ({str(detail)[:16]})")


VECTORS = re.compile(r"^vectors: ([\w-]+) ran (\d+) cases in (\d+) files", re.MULTILINE)
DIFFERENTIAL = re.compile(r"^differential: ([\w-]+) (\d+) cases ([0-9a-f]{64})", re.MULTILINE)
LAB = re.compile(r"^lab: ([\w-]+) (\d+) texts ([0-9a-f]{64})", re.MULTILINE)

if __name__ == "__main__":
    main()
