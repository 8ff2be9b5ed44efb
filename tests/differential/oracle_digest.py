"""oracle_digest.py FILE [LINES]: the oracle's digest of the cases; with LINES, its result lines go to that file."""

import hashlib
import json
import sys
from decimal import Decimal
from multiprocessing import Pool

import dice  # noqa: F401  puts the oracle on the path
import result


def line(text):
    case = json.loads(text, parse_float=Decimal)
    found = result.line(case)
    if "expect" in case and found != " ".join(case["expect"]):
        raise AssertionError(f"{text}\nnow gives {found}")
    return found


def main(path, lines_path=None):
    with open(path, encoding="utf-8") as cases, Pool(2) as pool:
        lines = list(pool.imap(line, (text for text in cases if text.strip()), chunksize=500))
    if lines_path:
        with open(lines_path, "w", encoding="utf-8", newline="\n") as out:
            out.write("\n".join(lines) + "\n")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    print(f"differential: oracle {len(lines)} cases {digest}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: oracle_digest.py FILE [LINES]")
    main(*sys.argv[1:])
