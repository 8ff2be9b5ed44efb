"""The npm tarball, installed into an empty folder: ESM, CommonJS, TypeScript, a browser with and without a bundler."""

import json
import os
import re
import shutil
from pathlib import Path

import dist
from readme import first_block
from stranger import empty_folder, passed, run, serves_page

import setup
from setup import JS, PAGE, ROOT

HERE = Path(__file__).resolve().parent / "js"
TOOLS = JS / "node_modules" / ".bin"
TSC = ["--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--noEmit", "--ignoreConfig"]
RESOLUTIONS = {
    "node16 as ESM": ("uses.mts", ["--module", "node16", "--moduleResolution", "node16"]),
    "node16 as CJS": ("uses.cts", ["--module", "node16", "--moduleResolution", "node16"]),
    "bundler": ("uses.ts", ["--module", "esnext", "--moduleResolution", "bundler"]),
}


def check_node() -> None:
    with empty_folder() as folder:
        install(folder)
        block = first_block(ROOT / "bindings-js" / "README.md", "js")
        (folder / "example.mjs").write_text(block.text, encoding="utf-8")
        run("node", "example.mjs", folder=folder)
        passed("tarball runs the first example of its README as ESM")
        (folder / "example.cjs").write_text(as_commonjs(block.text), encoding="utf-8")
        run("node", "example.cjs", folder=folder)
        passed("tarball runs it as CommonJS")
        shutil.copy(HERE / "node.cjs", folder)
        run("node", "node.cjs", dist.VERSION, folder=folder)
        passed("tarball is one package for import and require: a policy of one is a policy of the other")
        run("npx", "--no", "undaunted", "lint", "preset:standard", "--fail-on", "warning", folder=folder)
        passed("tarball's program runs")
        serves_page("node", "node_modules/undaunted/bin/undaunted.mjs", folder=folder, page=PAGE)
        passed("tarball's program serves the page")
        check_types(folder)


def check_types(folder: Path) -> None:
    for name, (file, options) in RESOLUTIONS.items():
        shutil.copy(HERE / "uses.ts", folder / file)
        # Declarations are checked too, with no other types about: what they need they must bring.
        run(TOOLS / "tsc", *TSC, "--types", "", *options, file, folder=folder)
        passed(f"tarball's types with {name}")
    wrong = (folder / "uses.ts").read_text(encoding="utf-8").replace('"30s"', '"30 seconds"')
    (folder / "wrong.ts").write_text(wrong, encoding="utf-8")
    said = run("node", "-e", REFUSED, TOOLS / "tsc", *TSC, *RESOLUTIONS["bundler"][1], "wrong.ts", folder=folder)
    assert "30 seconds" in said, said
    passed("tarball's types refuse a duration that is none")


def check_browser() -> None:
    chromium = setup.chromium()
    if not chromium:
        if setup.IN_CI:
            raise SystemExit("Chromium is missing; install Debian's package chromium")
        print("package: tarball in Chromium: skipped, Chromium is missing")
        return
    with empty_folder() as folder:
        install(folder)
        for name in ("bundled.html", "unbundled.html", "page.js"):
            shutil.copy(HERE / name, folder)
        page = (folder / "unbundled.html").read_text(encoding="utf-8")
        (folder / "unbundled.html").write_text(page.replace("IMPORT_MAP", json.dumps(import_map(folder))), encoding="utf-8")
        run(TOOLS / "esbuild", "page.js", "--bundle", "--format=esm", "--minify", "--outfile=bundle.js", folder=folder)
        words = ["node", HERE / "chromium.mjs", JS / "package.json", folder, chromium]
        for name in ("bundled", "unbundled"):
            said = run(*words, f"{name}.html", folder=folder)
            passed(f"tarball {name} in Chromium {said.strip()}")


def install(folder: Path, tarball: Path = dist.TARBALL) -> None:
    (folder / "package.json").write_text('{ "private": true }', encoding="utf-8")
    run("npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarball, folder=folder)
    installed = sorted(os.listdir(folder / "node_modules"))
    assert [name for name in installed if not name.startswith(".")] == ["undaunted"], installed


def import_map(folder: Path) -> dict[str, dict[str, str]]:
    """What a page needs to find the package's ESM files, read from its `exports`."""
    exports = json.loads((folder / "node_modules" / "undaunted" / "package.json").read_text(encoding="utf-8"))["exports"]
    found = {}
    for name, target in exports.items():
        if isinstance(target, dict):
            found[f"undaunted{name[1:]}"] = f"/node_modules/undaunted/{target['import']['default'][2:]}"
    return {"imports": found}


def as_commonjs(text: str) -> str:
    """An ESM example as CommonJS users write it: `require`, and an async function around it."""
    named = re.compile(r"^import \{([^}]*)\} from (\"[^\"]+\");?$", re.MULTILINE)
    requires = [f"const {{{names.replace(' as ', ': ')}}} = require({name});" for names, name in named.findall(text)]
    rest = named.sub("", text)
    assert not re.search(r"^(import|export)\b", rest, re.MULTILINE), "the example imports in another way than by name"
    return "\n".join([*requires, "(async () => {", rest, "})().catch((error) => { console.error(error); process.exit(1); });"])


# tsc has to fail: its output becomes that of a program that succeeds.
REFUSED = """
const { spawnSync } = require("node:child_process");
const done = spawnSync(process.argv[1], process.argv.slice(2), { encoding: "utf8" });
console.log(done.stdout);
process.exit(done.status === 0 ? 1 : 0);
"""
