"""The npm tarball in what runs or bundles JavaScript: one program, in an empty project for each; `package: WHAT: ok`, line by line."""

import glob
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dist
import js_package
from stranger import environment, passed, run

import setup
from setup import HOSTS, JS, OWN, ROOT

HERE = Path(__file__).resolve().parent / "js"
FILES = HERE / "hosts"
TOOLS = HOSTS / "node_modules"
BIN = TOOLS / ".bin"
TARBALL = OWN / "tarball" / dist.TARBALL.name
WASM = "wasm: 3 attempts, fetched after 6, waits as wanted"
TWIN = WASM.replace("wasm", "js")


def main() -> None:
    TARBALL.parent.mkdir(parents=True, exist_ok=True)
    dist.run("npm", "pack", "--silent", "--pack-destination", TARBALL.parent, folder=JS)
    for check in (node, deno, bun, esbuild, rollup, webpack, vite_library, pages, worker, next_app, jest, vitest, node_test):
        check()


@contextmanager
def project(*files: str) -> Iterator[Path]:
    """An empty project with the package and the program. Its tools are found in the folder above it, as in a workspace."""
    with tempfile.TemporaryDirectory(prefix="project-", dir=HOSTS) as name:
        folder = Path(name)
        js_package.install(folder, TARBALL)
        (folder / "package.json").write_text('{ "private": true, "type": "module" }', encoding="utf-8")
        for file in ("program.js", *files):
            shutil.copy(FILES / file, folder)
        (folder / "wanted.js").write_text(f"export const WANTED = {json.dumps(wanted())};\n", encoding="utf-8")
        yield folder


def wanted() -> dict[str, object]:
    """A schedule that the oracle computed, in the milliseconds of JavaScript."""
    cases = json.loads((ROOT / "tests" / "vectors" / "schedule-arguments.json").read_text(encoding="utf-8"))["cases"]
    case = next(case for case in cases if case.get("seed") == "7")
    return {**{name: case[name] for name in ("policy", "seed", "call")}, "waits": [wait / 1000 for wait in case["expect"]]}


def says(host: str, said: str, expected: str = WASM) -> None:
    if said.strip() != expected:
        sys.exit(f"{host} says {said.strip()!r}, wanted {expected!r}")
    passed(f"tarball in {host}, {expected.split(':')[0]}")


def node() -> None:
    with project("main.mjs") as folder:
        says("Node", run("node", "main.mjs", folder=folder))
        for condition in ("workerd", "edge-light", "react-native"):
            says(f"Node with the condition {condition}", run("node", f"--conditions={condition}", "main.mjs", folder=folder), TWIN)
        import_twin(folder / "program.js")
        says("Node that imports undaunted/js", run("node", "main.mjs", folder=folder), TWIN)


def import_twin(file: Path) -> None:
    """As the documentation says: `undaunted/js` instead of `undaunted`."""
    file.write_text(file.read_text(encoding="utf-8").replace('"undaunted', '"undaunted/js'), encoding="utf-8")


def deno() -> None:
    if program := native("Deno", "@deno/*/deno*"):
        with project("main.mjs") as folder:
            more = {"DENO_DIR": str(folder / "cache"), "DENO_NO_UPDATE_CHECK": "1"}
            words = [program, "run", "--quiet", "--no-prompt", "--cached-only", "--node-modules-dir=manual", "main.mjs"]
            says("Deno", run(*words, folder=folder, **more))


def bun() -> None:
    if program := native("Bun", "@oven/bun-*/bin/bun*"):
        with project("main.mjs") as folder:
            says("Bun", run(program, "main.mjs", folder=folder))


def esbuild() -> None:
    with project("main.mjs", "script.js") as folder:
        for form, source, file in (("esm", "main.mjs", "built.mjs"), ("cjs", "script.js", "built.cjs"), ("iife", "script.js", "built.cjs")):
            run(BIN / "esbuild", source, "--bundle", "--minify", f"--format={form}", f"--outfile={file}", folder=folder)
            alone(f"esbuild as {form}", folder, file)


def rollup() -> None:
    with project("main.mjs", "rollup.config.mjs") as folder:
        run(BIN / "rollup", "--config", "rollup.config.mjs", "--failAfterWarnings", folder=folder)
        alone("Rollup", folder, "built/main.mjs")


def webpack() -> None:
    with project("script.js", "webpack.config.cjs") as folder:
        (folder / "build.cjs").write_text(RUN_WEBPACK, encoding="utf-8")
        run("node", "build.cjs", folder=folder)
        alone("webpack", folder, "built/script.cjs")


def vite_library() -> None:
    with project("vite.lib.config.mjs") as folder:
        run(BIN / "vite", "build", "--config", "vite.lib.config.mjs", "--logLevel=warn", folder=folder)
        for file, program in (
            ("main.mjs", 'import { program } from "./built/program.js"; console.log(await program());'),
            ("main.cjs", 'require("./built/program.cjs").program().then(console.log);'),
        ):
            (folder / file).write_text(program, encoding="utf-8")
            alone(f"Vite's library, {file.split('.')[1]}", folder, file)


def alone(what: str, folder: Path, file: str) -> None:
    """What a bundler wrote needs no package beside it."""
    aside = folder / "node_modules" / "aside"
    (folder / "node_modules" / "undaunted").rename(aside)
    says(what, run("node", file, folder=folder))
    aside.rename(folder / "node_modules" / "undaunted")


def pages() -> None:
    chromium = setup.chromium()
    if not chromium:
        return absent("Chromium", "install Debian's package chromium")
    words = ["node", HERE / "chromium.mjs", JS / "package.json"]
    with project("vite.app.config.mjs", "index.html") as folder:
        shutil.copy(HERE / "page.js", folder)
        run(BIN / "vite", "build", "--config", "vite.app.config.mjs", "--logLevel=warn", folder=folder)
        run(*words, folder / "built", chromium, "index.html", folder=folder)
        passed("tarball in Vite's app, in Chromium")
    with project("strict.html", "strict.js") as folder:
        shutil.copy(HERE / "page.js", folder)
        import_twin(folder / "page.js")
        run(BIN / "esbuild", "strict.js", "--bundle", "--format=esm", "--minify", "--outfile=bundle.js", folder=folder)
        run(*words, folder, chromium, "strict.html", folder=folder)
        passed("tarball in Chromium under script-src 'self': the main entry names undaunted/js, which works")


def worker() -> None:
    program = native("workerd", "@cloudflare/workerd-*/bin/workerd*")
    if not program:
        return
    with project("worker.js", "worker.capnp") as folder:
        run(BIN / "esbuild", "worker.js", "--bundle", "--format=esm", "--conditions=workerd", "--outfile=bundle.js", folder=folder)
        with serving(r'"port":(\d+)', program, "serve", "--control-fd=1", "worker.capnp", folder=folder) as port:
            says("workerd", get(port, "/"), TWIN)
            said = get(port, "/wasm")
            if "import undaunted/js" not in said:
                sys.exit(f"workerd, where WebAssembly is refused, says {said!r}")
            passed("tarball's main entry in workerd names undaunted/js")


def next_app() -> None:
    with project() as folder:
        shutil.copytree(FILES / "next", folder, dirs_exist_ok=True)
        more = {"HOSTS": str(HOSTS), "NEXT_TELEMETRY_DISABLED": "1"}
        run(BIN / "next", "build", folder=folder, **more)
        words = [BIN / "next", "start", "--hostname", "127.0.0.1", "--port", "0"]
        with serving(r"Local:\s+http://[^:]+:(\d+)", *words, folder=folder, **more) as port:
            says("Next's node route", get(port, "/node"))
            says("Next's edge route", get(port, "/edge"), TWIN)


def jest() -> None:
    with project("jest.test.js") as folder:
        (folder / "package.json").write_text('{ "private": true }', encoding="utf-8")
        run(BIN / "jest", "--ci", "--no-watchman", f"--rootDir={folder}", "jest.test.js", folder=folder)
        passed("tarball under jest's fake timers")


def vitest() -> None:
    with project("vitest.test.mjs") as folder:
        run(BIN / "vitest", "run", f"--root={folder}", folder=folder)
        passed("tarball under vitest's fake timers")


def node_test() -> None:
    with project("node.test.mjs") as folder:
        run("node", "--test", "node.test.mjs", folder=folder)
        passed("tarball under node:test's mock timers")


def native(what: str, pattern: str) -> str | None:
    """A program that an npm package brings for some platforms only."""
    found = sorted(glob.glob(str(TOOLS / pattern)))
    return found[0] if found else absent(what, "its npm package has no program for this platform")


def absent(what: str, why: str) -> None:
    if setup.IN_CI:
        sys.exit(f"{what} is missing: {why}")
    print(f"package: tarball in {what}: skipped: {why}", flush=True)


@contextmanager
def serving(pattern: str, *words: object, folder: Path, **more: str) -> Iterator[int]:
    """A server, until the block ends; its port is what the pattern finds in what it says."""
    said = ""
    given = [str(word) for word in words]
    started = subprocess.Popen(
        given, cwd=folder, env=environment(**more), start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for line in started.stdout:
            said += line
            if found := re.search(pattern, said):
                yield int(found[1])
                return
        sys.exit(f"{said}{' '.join(given)}: ended before it served")
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


# Its command line is a package of its own.
RUN_WEBPACK = """
require("webpack")(require("./webpack.config.cjs"), (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
});
"""

if __name__ == "__main__":
    main()
