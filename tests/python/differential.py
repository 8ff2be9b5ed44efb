"""Decides every case of a differential file and prints the digest: `python tests/python/differential.py cases.jsonl`."""

import hashlib
import sys

import hosts


def line(case):
    kind = case["kind"]
    said = hosts.answer(kind, case)
    is_refused = isinstance(said, list) and said and isinstance(said[0], dict) and "pointer" in said[0]
    if is_refused or kind == "refusal":
        return " ".join(f"{problem['code']}@{problem['pointer']}" for problem in said) or "accepted"
    if kind in hosts.GUARDS:
        return " ".join(joined(*found.values()) or "-" for found in said)
    return LINES[kind](said)


def token(value):
    if value is None:
        return "-"
    return str(int(value)) if isinstance(value, bool) else str(value)


def joined(*values):
    return ":".join(map(token, values))


def step(said):
    if "told" in said:
        return said["told"]
    if "number" in said:
        return joined("a", said["number"], said["limit"], said["remaining"])
    if "retry" in said:
        return joined("r", said["retry"], said["class"], said["sent"], said["last"], said["nested_warning"])
    if "class" in said:
        return joined("g", said["give_up"], said["hint"], said["class"], said["sent"])
    return joined("x", said["give_up"], said["hint"])


LINES = {
    "session": lambda said: " ".join(map(step, said)),
    "shared": lambda said: " ".join(f"{step(one)}@{joined(one['tokens'], one['state'])}" for one in said),
    "schedule": lambda said: " ".join(map(token, said)),
    "dump": str,
    "hint": lambda said: joined(said["delay"], said["should_retry"], said["suspicious"]),
    "classify": lambda said: joined(said["class"], said["sent"], said["condition"], said["known"], said["retried"]),
}


def main():
    digest, cases = hashlib.sha256(), 0
    show = "--lines" in sys.argv
    with open(sys.argv[1], encoding="utf-8") as file:
        for text in file:
            result = line(hosts.read(text))
            digest.update((("\n" if cases else "") + result).encode())
            cases += 1
            if show:
                print(result)
    print(f"differential: python {cases} cases {digest.hexdigest()}")


if __name__ == "__main__":
    main()
