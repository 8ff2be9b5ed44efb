"""Sets up what demo, tests and packages need: says which tool is missing, makes the virtual environment, builds both packages.

`python3 tests/setup.py python|js|chromium|servers|drivers|redis-py|urllib3|wasm|bench|hosts|miri|mutants|lossy|network|plots|replay|docs-packages|
examples-packages` sets up one of them and prints nothing if all is well; `python3 tests/setup.py --python SCRIPT ...` runs a script in the virtual environment.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"
CACHE = Path(os.environ.get("UNDAUNTED_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "undaunted")
# Two checkouts may share compiled dependencies, but never an installed package.
OWN = CACHE / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or CACHE / "target")
VENV = OWN / "venv"
PYTHON = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
LOGS = OWN / "logs"
DIST = ROOT / "dist"
# Programs for `make prove`, the same for all checkouts.
TOOLS = CACHE / "tools"
MUTANTS = "27.1.0"
JS = ROOT / "bindings-js"
# The page of `undaunted preview`: built with the npm package, and shipped in the wheel, too.
PAGE = JS / "dist" / "preview"
PAGE_IN_WHEEL = ROOT / "bindings-python" / "python" / "undaunted" / "preview"
# The npm packages that the benches stand beside, in their newest versions for Node 20; away from the package's own.
PEERS = OWN / "peers"
PEER_PACKAGES = {
    **{"p-retry": "^7", "cockatiel": "^3", "async-retry": "^1", "retry": "^0.13", "exponential-backoff": "^3", "ts-retry-promise": "^0.8"},
    **{"@lifeomic/attempt": "^3", "fetch-retry": "^6", "ky": "^1", "axios": "^1", "axios-retry": "^4"},
}
# Bundlers, frameworks and other engines that the npm package is tried in: large, so the same for all checkouts that lock the same.
HOSTS_LOCK = ROOT / "tests" / "packaging" / "js" / "hosts" / "package-lock.json"
HOSTS = CACHE / "hosts" / hashlib.sha256(HOSTS_LOCK.read_bytes()).hexdigest()[:12]
# The npm packages that the adapters are tried with; away from the package's own, which needs none of them.
DRIVERS = OWN / "drivers"
# Versions of redis-py that `undaunted.fleet` is tried with, beside the newest: the least that pyproject.toml names, and others.
REDIS_PY = OWN / "redis-py"
REDIS_PY_VERSIONS = ["5.0.1", "6.4.0", "7.4.1"]
# The npm packages that JavaScript's documentation compares with and is made with, and those that its examples use.
DOCS_PACKAGES = OWN / "docs-packages"
EXAMPLES_PACKAGES = OWN / "examples-packages"
# The npm packages that the network lab holds beside ours.
LAB_PACKAGES = OWN / "lab-packages"
# urllib3's source distribution has its tests, which its wheel has not.
URLLIB3 = "2.8.0"
URLLIB3_SOURCE = OWN / f"urllib3-{URLLIB3}"

NEEDED = {
    "Rust": (["cargo", "--version"], (1, 88), "install it with rustup"),
    "Python": ([sys.executable, "--version"], (3, 11), "install Python 3.11 or newer and run make with it in front of PATH"),
    "Node": (["node", "--version"], (20,), "install Node 20 or newer"),
    "npm": (["npm", "--version"], (9,), "it comes with Node"),
}


def environment() -> dict[str, str]:
    return {
        **os.environ,
        **remapped_paths(),
        "CARGO_TARGET_DIR": str(TARGET),
        "UNDAUNTED_PYTHON": str(PYTHON),
        "UNDAUNTED_DRIVERS": str(DRIVERS),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def remapped_paths() -> dict[str, str]:
    """Keeps the builder's home out of the texts that dependencies compile into a library."""
    cargo = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    name = "RUSTFLAGS" if "RUSTFLAGS" in os.environ else "CARGO_BUILD_RUSTFLAGS"
    return {name: f"{os.environ.get(name, '')} --remap-path-prefix={cargo}=cargo".strip()}


def require_tools() -> None:
    """Ends the program if a tool is missing or too old, with a line for each."""
    problems = []
    for name, (command, least, advice) in NEEDED.items():
        wanted = f"{name} {'.'.join(map(str, least))} or newer"
        if not shutil.which(command[0]):
            problems.append(f"{wanted} is missing; {advice}")
            continue
        text = subprocess.run(command, capture_output=True, text=True).stdout
        found = re.search(r"(\d+)(?:\.(\d+))?", text)
        version = tuple(int(part or 0) for part in found.groups()) if found else (0,)
        if version < least:
            problems.append(f"{wanted} is needed, found {text.strip() or 'no version'}; {advice}")
    if problems:
        sys.exit("\n".join(["Undaunted cannot be built here:", *(f"  {problem}" for problem in problems)]))


def run(*words: object, folder: Path = ROOT) -> None:
    """Runs a command; what it prints is shown only if it fails."""
    given = [str(word) for word in words]
    done = subprocess.run(
        given, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{' '.join(given)}: ended with {done.returncode}")


def stamp(name: str, *inputs: Path) -> tuple[Path, str]:
    """A file that remembers with what something was made, and the digest of what it would be made with now."""
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(path.read_bytes())
    return OWN / f"{name}.stamp", digest.hexdigest()


def set_up_wasm() -> None:
    libraries = subprocess.run(["rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown"], capture_output=True, text=True)
    if not Path(libraries.stdout.strip() or "none").is_dir():
        if not shutil.which("rustup"):
            sys.exit("Rust's target wasm32-unknown-unknown is missing and there is no rustup; install the target")
        run("rustup", "target", "add", "wasm32-unknown-unknown")


def set_up_venv() -> None:
    """A virtual environment with everything that builds and tests the Python package."""
    project = ROOT / "bindings-python" / "pyproject.toml"
    mark, digest = stamp("venv", project)
    if PYTHON.exists() and mark.exists() and mark.read_text() == digest:
        return
    venv.create(VENV, with_pip=True, clear=True)
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "pip>=25.1")
    groups = [word for group in ("test", "typing", "build") for word in ("--group", f"{project}:{group}")]
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *groups)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)


def set_up_python() -> None:
    """The wheel, built with the page that the npm package has, and installed into the virtual environment."""
    set_up_venv()
    if not PAGE.is_dir():
        set_up_js()
    shutil.rmtree(PAGE_IN_WHEEL, ignore_errors=True)
    shutil.copytree(PAGE, PAGE_IN_WHEEL)
    wheels = OWN / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    run(PYTHON, "-m", "maturin", "build", "--release", "--quiet", "--manifest-path", "bindings-python/Cargo.toml", "--out", wheels)
    (wheel,) = wheels.glob("undaunted-*.whl")
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps", wheel)


def set_up_node_modules() -> None:
    install_locked("node_modules", JS)


def set_up_drivers() -> None:
    """The npm packages that the adapters are tried with, in the versions of their lock."""
    install_away("drivers", ROOT / "tests" / "js" / "drivers", DRIVERS)


def set_up_redis_py() -> None:
    """Each version of redis-py in a folder of its own."""
    set_up_venv()
    for version in REDIS_PY_VERSIONS:
        folder = REDIS_PY / version
        if not (folder / f"redis-{version}.dist-info").is_dir():
            run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", folder, f"redis=={version}")


def set_up_docs_packages() -> None:
    install_away("docs-packages", ROOT / "tests" / "docs" / "js", DOCS_PACKAGES)


def set_up_examples_packages() -> None:
    """What the examples use beside the npm package, which they get from its folder."""
    install_away("examples-packages", ROOT / "examples" / "js", EXAMPLES_PACKAGES, own="undaunted")


def install_away(name: str, source: Path, folder: Path, own: str | None = None) -> None:
    """What a folder of the tree asks for and has locked, into another that is outside; all but a package of the tree's own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / ".npmrc", folder)
    manifest = json.loads((source / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((source / "package-lock.json").read_text(encoding="utf-8"))
    for dependencies in (manifest["dependencies"], lock["packages"][""]["dependencies"]):
        dependencies.pop(own, None)
    lock["packages"].pop(f"node_modules/{own}", None)
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    install_locked(name, folder)


def install_locked(name: str, folder: Path) -> None:
    """What a folder's package-lock.json says, unless it is there."""
    mark, digest = stamp(name, folder / "package-lock.json")
    if (folder / "node_modules").is_dir() and mark.exists() and mark.read_text() == digest:
        return
    run("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", folder=folder)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)


def set_up_js() -> None:
    """The npm package, built in its folder."""
    set_up_wasm()
    set_up_node_modules()
    run("npm", "run", "--silent", "build", folder=JS)


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def set_up_chromium() -> None:
    """Debian's Chromium, where it can be installed without asking."""
    if not chromium():
        install("chromium")


def install(*packages: str) -> None:
    """Debian's packages, where they can be installed without asking."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (as_root and not shutil.which("sudo")):
        return
    # The run level asks Debian not to start the services that come with some.
    quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]
    for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
        subprocess.run([*as_root, *quietly, *words], stdin=subprocess.DEVNULL, stdout=sys.stderr)


# Debian's package for each server that the drivers are tried against.
SERVERS = {"postgres": "postgresql", "mariadbd": "mariadb-server-core", "redis-server": "redis-server"}


def server(name: str) -> str | None:
    """The path of a server's program. Debian keeps those of PostgreSQL and of MariaDB out of users' PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4])) if name == "postgres" else []
    return found[-1] if found else shutil.which(name) or shutil.which(name, path="/usr/sbin")


def missing_servers() -> list[str]:
    """The packages of those that are not there."""
    return [package for name, package in SERVERS.items() if not server(name)]


def set_up_servers() -> None:
    """Debian's PostgreSQL, MariaDB and Redis, where they can be installed without asking."""
    if missing := missing_servers():
        install(*missing)


GET_MIRI = ["rustup", "toolchain", "install", "nightly", "--profile", "minimal", "--component", "miri,rust-src", "--no-self-update"]


def has_miri() -> bool:
    return subprocess.run(["cargo", "+nightly", "miri", "--version"], capture_output=True).returncode == 0


def set_up_miri() -> None:
    """Rust's nightly with Miri, where it can be fetched; a nightly that is there and has Miri stays."""
    if not has_miri() and shutil.which("rustup"):
        subprocess.run(GET_MIRI, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if has_miri():
        run("cargo", "+nightly", "miri", "setup", "--quiet")


def cxx() -> str | None:
    return shutil.which(os.environ.get("CXX") or "c++")


def set_up_urllib3() -> None:
    """urllib3's source distribution, unpacked, where it can be fetched."""
    set_up_venv()
    if URLLIB3_SOURCE.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix="urllib3-") as folder:
        words = [PYTHON, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "urllib3"]
        subprocess.run([*words, "--dest", folder, f"urllib3=={URLLIB3}"], stdin=subprocess.DEVNULL, stdout=sys.stderr)
        for archive in Path(folder).glob("*.tar.gz"):
            shutil.unpack_archive(archive, OWN)


def set_up_lossy() -> None:
    """The programs of the network lab that lose packets."""
    run("cargo", "build", "--locked", "--quiet", "--release", "-p", "undaunted-lossy", "--bins")


def lossy(program: str) -> Path:
    """The path of one of them."""
    return TARGET / "release" / (f"{program}.exe" if os.name == "nt" else program)


# Debian's package for each program that `make lab` makes its network with.
NETWORK = {"ip": "iproute2", "ss": "iproute2", "iptables": "iptables", "nginx": "nginx-light"}


def missing_network_packages() -> list[str]:
    return sorted({package for program, package in NETWORK.items() if not server(program)})


def no_network_here() -> str | None:
    """Why there can be no network with real packets, whatever is installed; with what to do."""
    if not sys.platform.startswith("linux"):
        return "A network with real packets needs Linux: network namespaces, veth and netfilter's queues; make test has a part on a proxy"
    if os.geteuid() != 0:
        return "A network with real packets needs root, who may make network namespaces; run it as root, or with sudo"
    return None


def missing_network() -> str | None:
    """Why there is no network with real packets here, with what to do; None if there is."""
    if problem := no_network_here():
        return problem
    if packages := missing_network_packages():
        return f"A program of the network is missing; install Debian's {', '.join(packages)}"
    return None


def require_network() -> None:
    """Ends the program before anything is built where a network cannot be."""
    if problem := no_network_here():
        sys.exit(problem)


def set_up_plots() -> None:
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--group", f"{ROOT / 'bindings-python' / 'pyproject.toml'}:plots")


def set_up_network() -> None:
    """What a network with real packets is made with, and held beside ours in it; Debian's packages where they can be installed without asking."""
    set_up_lossy()
    set_up_venv()
    project = ROOT / "bindings-python" / "pyproject.toml"
    mark, digest = stamp("lab", project)
    if not mark.exists() or mark.read_text() != digest:
        run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--group", f"{project}:lab")
        mark.write_text(digest)
    install_away("lab-packages", ROOT / "tests" / "lab" / "js", LAB_PACKAGES)
    if missing := missing_network_packages():
        install(*missing)


def set_up_replay() -> None:
    """The program of the soak that makes decisions again; as `cargo test` has it, since it is fast enough so."""
    run("cargo", "build", "--locked", "--quiet", "-p", "undaunted-tests", "--bin", "replay")


def replay() -> Path:
    return TARGET / "debug" / ("replay.exe" if os.name == "nt" else "replay")


def set_up_mutants() -> None:
    """cargo-mutants, built into the cache. Its speed does not count, its build does."""
    if (TOOLS / "bin" / "cargo-mutants").exists():
        return
    profile = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "1", "CARGO_PROFILE_RELEASE_LTO": "off"}
    words = ["cargo", "install", "--locked", "--quiet", "--root", TOOLS, "cargo-mutants", "--version", MUTANTS]
    subprocess.run([str(word) for word in words], env={**environment(), **profile}, check=True)


def set_up_bench() -> None:
    """What the benches stand beside: other retry packages, in the virtual environment and in a folder of their own."""
    set_up_venv()
    project = ROOT / "bindings-python" / "pyproject.toml"
    words = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*words, "--group", f"{project}:bench"], capture_output=True).returncode != 0:
        # What can be had, one by one; the bench says which it does without.
        for package in tomllib.loads(project.read_text())["dependency-groups"]["bench"]:
            subprocess.run([*words, package], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if all((PEERS / "node_modules" / name).is_dir() for name in PEER_PACKAGES):
        return
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "package.json").write_text(json.dumps({"private": True, "dependencies": PEER_PACKAGES}))
    run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", folder=PEERS)


def set_up_hosts() -> None:
    """What the npm package is tried in, where npm reaches a registry. Install scripts do not run: the programs are in the packages."""
    if HOSTS.is_dir():
        return
    HOSTS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=HOSTS.parent) as name:
        folder = Path(name) / "hosts"
        folder.mkdir()
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HOSTS_LOCK.parent / file, folder)
        words = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        if done.returncode == 0 and not HOSTS.is_dir():
            folder.rename(HOSTS)


def run_script(*words: str) -> int:
    """A script in the virtual environment, with the caller's terminal; answers how it ended."""
    set_up_venv()
    return subprocess.run([PYTHON, *words], cwd=ROOT, env=environment()).returncode


PARTS = {
    "python": set_up_python,
    "js": set_up_js,
    "chromium": set_up_chromium,
    "servers": set_up_servers,
    "drivers": set_up_drivers,
    "redis-py": set_up_redis_py,
    "wasm": set_up_wasm,
    "venv": set_up_venv,
    "bench": set_up_bench,
    "hosts": set_up_hosts,
    "miri": set_up_miri,
    "urllib3": set_up_urllib3,
    "lossy": set_up_lossy,
    "network": set_up_network,
    "require-network": require_network,
    "plots": set_up_plots,
    "replay": set_up_replay,
    "mutants": set_up_mutants,
    "docs-packages": set_up_docs_packages,
    "examples-packages": set_up_examples_packages,
}

if __name__ == "__main__":
    require_tools()
    if sys.argv[1:2] == ["--python"]:
        sys.exit(run_script(*sys.argv[2:]))
    for part in sys.argv[1:]:
        PARTS[part]()
