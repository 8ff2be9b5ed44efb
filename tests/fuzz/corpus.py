"""Writes the corpus from the vectors, a few of each file: `python3 tests/fuzz/corpus.py`. What libFuzzer finds beside stays in the cache."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
OF_EACH_FILE = 3
MOST_BYTES = 1500
# Bytes that Unstructured reads as events and failures: any do, these differ.
TAILS = [bytes(range(256)), bytes((number * 37 + 11) % 256 for number in range(400)), bytes(number * number % 251 for number in range(300))]


def main() -> None:
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    size = count = 0
    targets = {
        "policy": policies(), "hints": hints(), "rules": against("rules"), "events": against("breaker", "budget", "limits", "jitter"),
        "token": tokens(),
    }  # fmt: skip
    for target, inputs in targets.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True)
        for number, data in enumerate(sorted(set(inputs))):
            if len(data) <= MOST_BYTES:
                (folder / f"{number:03}").write_bytes(data)
                size, count = size + len(data), count + 1
    print(f"corpus: {count} inputs, {size} bytes")


def cases(*kinds: str) -> Iterator[tuple[str, dict]]:
    """A few cases of each file of vectors."""
    for path in sorted(VECTORS.glob("*.json")):
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["kind"] in kinds:
            for case in written["cases"][:OF_EACH_FILE]:
                yield path.stem, case


def policies() -> Iterator[bytes]:
    for _, case in cases("schedule", "refusal", "dump", "session", "shared"):
        yield json.dumps(case["policy"], separators=(",", ":")).encode()
    # Found by fuzzing: a refused jitter had a share of 2^32 - 1, which the room for constant delays added to.
    yield b'{"jitter":"nonn","backoff":"constant"}'
    # Raw tapes: a notation, then {"attempts": 3, "timeout": null}; one that breaks off.
    tape = b"{s\x08\0\0\0attemptsd\x01\0\0\x003s\x07\0\0\0timeoutn}"
    yield from (b"\1" + tape, b"\2" + tape, b"\0" + tape[:20])


def hints() -> Iterator[bytes]:
    for _, case in cases("hint"):
        clock = case.get("now")
        lines = "\n".join(f"{name}: {value}" for name, value in case["headers"])
        yield (1 if clock is None else clock & ~1).to_bytes(8, "little") + lines.encode()


def tokens() -> Iterator[bytes]:
    for number, (_, case) in enumerate(cases("resume", "resume_refusal")):
        token = case.get("token") or case["expect"]["token"]
        text = token if isinstance(token, str) else json.dumps(token, separators=(",", ":"))
        yield text.encode() + b"\0" + TAILS[number % len(TAILS)]


def against(*names: str) -> Iterator[bytes]:
    for name, case in cases("session", "shared", "dump"):
        if any(part in name for part in names):
            text = json.dumps(case["policy"], separators=(",", ":")).encode()
            yield from (text + b"\0" + tail for tail in TAILS[: 1 + (len(text) % 2)])


if __name__ == "__main__":
    main()
