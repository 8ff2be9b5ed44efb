"""The engine asks nothing of a host: it builds without an operating system, imports nothing, and has no way to panic."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

from setup import ROOT, TARGET, environment

BARE = "thumbv7em-none-eabi"
WASM = TARGET / "wasm32-unknown-unknown" / "wasm" / "undaunted_js.wasm"
PANICS = ("panicking", "panic_fmt", "panic_handler", "rust_begin_unwind", "unwrap_failed", "expect_failed")
IMPORTS, CUSTOM = 2, 0


def main() -> None:
    if shutil.which("rustup"):
        run("rustup", "target", "add", BARE)
        run("cargo", "build", "--locked", "--quiet", "-p", "undaunted", "--release", "--target", BARE)
        print(f"bare metal: core builds for {BARE}, which has no operating system and no allocator")
    # The engine last: whoever looks for it finds it there.
    check("the lab", "--features", "lab")
    check("the engine")


def check(what: str, *features: str) -> None:
    wasm = ["--target", "wasm32-unknown-unknown", "--profile", "wasm", "--no-default-features"]
    run("cargo", "build", "--locked", "--quiet", "-p", "undaunted-js", *wasm, *features)
    sections = list(read_sections(WASM.read_bytes()))
    if imports := sum(count(body) for kind, body in sections if kind == IMPORTS):
        sys.exit(f"{WASM.name} imports {imports} things, allowed none")
    names = [name for kind, body in sections if kind == CUSTOM for name in function_names(body)]
    if len(names) < 20:
        sys.exit(f"{WASM.name} names {len(names)} functions; without names nothing can be said about panics")
    if panics := [name for name in names if any(mark in name for mark in PANICS)]:
        sys.exit(f"{what} can panic:\n" + "\n".join(f"  {name}" for name in panics))
    print(f"bare metal: {what} imports nothing, and none of its {len(names)} functions panics")


def run(*words: str) -> None:
    subprocess.run(words, cwd=ROOT, env=environment(), check=True)


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self) -> int:
        """An unsigned LEB128."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self) -> bytes:
        size = self.number()
        self.at += size
        return self.data[self.at - size : self.at]

    def __bool__(self) -> bool:
        return self.at < len(self.data)


def read_sections(wasm: bytes) -> Iterator[tuple[int, bytes]]:
    rest = Bytes(wasm[8:])
    while rest:
        kind = rest.number()
        yield kind, rest.take()


def count(section: bytes) -> int:
    return Bytes(section).number()


def function_names(custom: bytes) -> Iterator[str]:
    rest = Bytes(custom)
    if rest.take() != b"name":
        return
    while rest:
        kind, body = rest.number(), Bytes(rest.take())
        if kind == 1:
            for _ in range(body.number()):
                body.number()
                yield body.take().decode()


if __name__ == "__main__":
    main()
