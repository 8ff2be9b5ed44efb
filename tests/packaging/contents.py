"""What is in each file of dist/: nothing missing, nothing that surprises, nothing of the machine that made it."""

import json
import os
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import dist
from stranger import passed

from setup import CACHE, ROOT, TARGET

Files = dict[str, bytes]

# Each archive has these, and nothing that no pattern of its own list matches whole. LICENSE is the root's, byte by byte.
PAGE = r"[A-Za-z0-9_-]+\.(html|js|css|svg|png|ico|txt)"
WHEEL = [
    r"undaunted/[a-z0-9_]+\.py",
    r"pytest_undaunted/__init__\.py",
    r"undaunted/(adapters|compat|compat/stamina|instrumentation)/[a-z0-9_]+\.py",
    r"undaunted/_core\.(abi3\.so|pyd)",
    r"undaunted/_core\.pyi",
    r"undaunted/py\.typed",
    r"undaunted/policy\.schema\.json",
    rf"undaunted/preview/{PAGE}",
    r"INFO/(METADATA|RECORD|WHEEL)",
    r"INFO/entry_points\.txt",
    r"INFO/licenses/LICENSE",
]
SDIST = [
    r"(PKG-INFO|Cargo\.(toml|lock)|pyproject\.toml|README\.md|LICENSE)",
    r"core/(Cargo\.toml|README\.md|LICENSE|policy\.schema\.json)",
    r"core/src/[a-z0-9_/]+\.(rs|lua)",
    r"bindings-python/(Cargo\.toml|README\.md|LICENSE|build\.rs)",
    r"bindings-python/src/[a-z0-9_/]+\.rs",
    r"python/pytest_undaunted/__init__\.py",
    r"python/undaunted/([a-z0-9_/]+\.pyi?|py\.typed|policy\.schema\.json)",
    rf"python/undaunted/preview/{PAGE}",
]
TARBALL = [
    r"(package\.json|README\.md|LICENSE|policy\.schema\.json)",
    r"bin/(undaunted|preview)\.mjs",
    rf"dist/preview/{PAGE}",
    r"dist/(js/)?((adapters|instrumentation)/)?[a-z0-9-]+\.(js|cjs|d\.ts|d\.cts)",
]
CRATE = [
    r"(Cargo\.(toml|lock)|Cargo\.toml\.orig|\.cargo_vcs_info\.json|README\.md|LICENSE|policy\.schema\.json)",
    r"src/[a-z0-9_/]+\.(rs|lua)",
]
# By their names in the archive, without the folder that an archive has around everything.
REQUIRED = {
    "wheel": [
        "undaunted/__init__.py", "undaunted/py.typed", "undaunted/_core.pyi", "undaunted/compat/stamina/__init__.py",
        "undaunted/instrumentation/logging.py", "undaunted/preview/index.html", "pytest_undaunted/__init__.py", "INFO/entry_points.txt", "INFO/METADATA", "INFO/licenses/LICENSE",
    ],
    "sdist": [
        "PKG-INFO", "LICENSE", "README.md", "Cargo.lock", "core/LICENSE", "core/src/lib.rs", "python/undaunted/py.typed",
        "python/pytest_undaunted/__init__.py", "python/undaunted/preview/index.html",
    ],
    "tarball": [
        "package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.cjs", "dist/index.d.ts", "dist/index.d.cts",
        "bin/undaunted.mjs", "bin/preview.mjs", "dist/preview/index.html", "dist/fetch.js", "dist/lab.js", "dist/lab.cjs", "dist/js/index.js", "dist/js/index.cjs", "policy.schema.json",
    ],
    "crate": ["Cargo.toml", "README.md", "LICENSE", "policy.schema.json", "src/lib.rs"],
}  # fmt: skip
# Where this machine keeps the checkout, its caches and its tools: a stranger has none of them.
PLACES = {ROOT, CACHE, TARGET, Path(sys.prefix), Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo"), Path.home() / ".rustup"}


def check() -> None:
    shown, problems = [], []
    for kind, files, allowed in (
        ("wheel", wheel_files(), WHEEL),
        ("sdist", tar_files(dist.SDIST, f"undaunted-{dist.VERSION}"), SDIST),
        ("tarball", tar_files(dist.TARBALL, "package"), TARBALL),
        ("crate", tar_files(dist.CRATE, f"undaunted-{dist.VERSION}"), CRATE),
    ):
        found = [*surprises(files, allowed), *gaps(files, REQUIRED[kind]), *leaks(files), *licences(files), *versions(kind, files)]
        problems += [f"{kind}: {problem}" for problem in found]
        shown.append(f"{kind} {len(files)}")
    single = {file.name: file.read_bytes() for file in (dist.WASM, dist.ABI, dist.SCHEMA)}
    problems += leaks(single)
    if problems:
        sys.exit("\n".join(problems))
    passed(f"contents: files in {', '.join(shown)}, {len(single)} single; no path of this machine, every licence")


def wheel_files() -> Files:
    with zipfile.ZipFile(dist.wheel()) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {name.replace(f"undaunted-{dist.VERSION}.dist-info/", "INFO/"): archive.read(name) for name in names}


def tar_files(path: Path, top: str) -> Files:
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isfile() else None
            if content is None or not member.name.startswith(f"{top}/"):
                sys.exit(f"{path.name}: {member.name} is no plain file under {top}/")
            found[member.name.removeprefix(f"{top}/")] = content.read()
        return found


def surprises(files: Files, allowed: list[str]) -> list[str]:
    pattern = re.compile("|".join(f"(?:{one})" for one in allowed))
    return [f"{name} has no business there" for name in sorted(files) if not pattern.fullmatch(name)]


def gaps(files: Files, required: list[str]) -> list[str]:
    empty = [f"{name} is empty" for name, content in files.items() if not content and not name.endswith("py.typed")]
    return [f"{name} is missing" for name in required if name not in files] + empty


def leaks(files: Files) -> list[str]:
    """A place counts as a whole path only: /src is not in cargo/registry/src."""
    paths = {path for place in PLACES for path in (place, place.resolve())}
    spellings = sorted({spelling for path in paths for spelling in (str(path), path.as_posix(), path.as_uri())}, key=len, reverse=True)
    said = re.compile(rb"(?<![\w./-])(?:%s)(?![\w.-])" % b"|".join(re.escape(spelling.encode()) for spelling in spellings))
    return [f"{name} says {place.decode()}" for name, content in files.items() for place in sorted(set(said.findall(content)))]


def licences(files: Files) -> list[str]:
    right = (ROOT / "LICENSE").read_bytes()
    return [f"{name} is not the licence of the repository" for name in files if Path(name).name == "LICENSE" and files[name] != right]


def versions(kind: str, files: Files) -> list[str]:
    """Each says the one version and the licence in its own way."""
    if kind in ("wheel", "sdist"):
        metadata = files["INFO/METADATA" if kind == "wheel" else "PKG-INFO"].decode().split("\n\n")[0]
        said = re.search(r"^Version: (.*)$", metadata, re.MULTILINE), re.search(r"^License-Expression: (.*)$", metadata, re.MULTILINE)
        found = tuple(match[1].strip() if match else None for match in said)
    elif kind == "tarball":
        package = json.loads(files["package.json"])
        found = package["version"], package["license"]
    else:
        manifest = tomllib.loads(files["Cargo.toml"].decode())["package"]
        found = manifest["version"], manifest["license"]
    return [] if found == (dist.VERSION, "MIT") else [f"version and licence are {found}, wanted {(dist.VERSION, 'MIT')}"]
