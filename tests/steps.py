"""The steps of `make test`: what each runs, what it needs, and which lines of its log say how much was done."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import setup
from setup import JS, OWN, PYTHON, ROOT

CASES = OWN / "cases.jsonl"
NUMBER_OF_CASES = 100_000
NUMBER_OF_SEQUENCES = 20_000
# `make prove` asks for others.
SEED = int(os.environ.get("UNDAUNTED_SEED") or 1)
SECONDS_OF_FUZZING = 15


@dataclass
class Command:
    words: list[object]
    folder: Path = ROOT


@dataclass
class Step:
    commands: list[Command]
    needs: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    needs_chromium: bool = False
    needs_miri: bool = False
    needs_cxx: bool = False
    needs_servers: bool = False
    needs_urllib3: bool = False
    needs_hosts: bool = False
    needs_network: bool = False

    def missing(self) -> str | None:
        if self.needs_miri and not setup.has_miri():
            return f"Miri is missing; run {' '.join(setup.GET_MIRI)}"
        if self.needs_servers and (packages := setup.missing_servers()):
            return f"A server is missing; install Debian's {', '.join(packages)}"
        if self.needs_network and (problem := setup.missing_network()):
            return problem
        if self.needs_urllib3 and not setup.URLLIB3_SOURCE.is_dir():
            return "urllib3's source distribution is missing; run python3 tests/setup.py urllib3 where pip reaches a registry"
        if self.needs_hosts and not setup.HOSTS.is_dir():
            return "What the npm package is tried in is missing; run python3 tests/setup.py hosts where npm reaches a registry"
        if self.needs_cxx and not setup.cxx():
            return "A C++ compiler is missing, which builds libFuzzer; install Debian's package g++"
        if self.needs_chromium and not setup.chromium():
            return "Chromium is missing; install Debian's package chromium"
        return None


def own(*words: object, folder: Path = ROOT) -> Command:
    """A program of the tests, in the virtual environment."""
    return Command([PYTHON, *words], folder)


def cargo(*words: object) -> Command:
    return Command(["cargo", *words])


def npm(*words: object) -> Command:
    return Command(["npm", "run", "--silent", *words], JS)


def set_up(part: str) -> Command:
    return Command(["python3", "tests/setup.py", part])


CRATES = ["undaunted", "undaunted-tests", "undaunted-lossy", "undaunted-examples", "undaunted-js", "undaunted-js-build", "undaunted-python"]
ALL = [word for crate in CRATES for word in ("-p", crate)]

STEPS: dict[str, Step] = {
    "venv": Step([set_up("venv")]),
    "chromium": Step([set_up("chromium")]),
    # One after the other: both may install packages of Debian's.
    "servers": Step([set_up("servers")], needs=["chromium"]),
    "urllib3": Step([set_up("urllib3")], needs=["venv"]),
    "js-package": Step([set_up("js")]),
    "js-size": Step([npm("size")], needs=["js-package"], facts=["gzip"]),
    "python-package": Step([set_up("python")], needs=["venv", "js-package"]),
    "layout": Step([own("tests/layout.py")], needs=["venv"], facts=["layout:"]),
    "surface": Step([own("tests/surface.py")], needs=["venv"], facts=["surface:"]),
    "oracle": Step(
        [
            own("tests/oracle/test_oracle.py"),
            own("tests/oracle/generate.py", "--check"),
            own("tests/differential/test_differential.py"),
        ],
        needs=["venv"],
        facts=["Ran ", "vectors"],
    ),
    "rust": Step(
        [
            cargo("test", "--locked", "-p", "undaunted", "--all-features"),
            cargo("test", "--locked", "-p", "undaunted-tests", "--", "--nocapture"),
            cargo("test", "--locked", "-p", "undaunted-lossy"),
            cargo("build", "--locked", "-p", "undaunted-examples"),
        ],
        facts=["vectors:", "lab:", "test result"],
    ),
    "rust-lint": Step(
        [
            cargo("fmt", "--check", *ALL),
            *(cargo("fmt", "--check", "--manifest-path", f"tests/{folder}/Cargo.toml") for folder in ("fuzz", "bench/core")),
            cargo("clippy", "--locked", "--all-targets", *ALL, "--", "-D", "warnings"),
            cargo("clippy", "--locked", "-p", "undaunted", "--all-features", "--", "-D", "warnings"),
        ],
        needs=["python-package", "js-package"],
    ),
    "nightly": Step([set_up("miri")]),
    "miri": Step([own("tests/miri.py")], needs=["nightly", "venv"], facts=["miri:"], needs_miri=True),
    "fuzz": Step([own("tests/fuzz/run.py", SECONDS_OF_FUZZING)], needs=["venv"], facts=["fuzz:"], needs_cxx=True),
    "schema": Step([own("tests/schema.py", "--check")], needs=["venv", "rust"], facts=["schema:"]),
    "bare-metal": Step([own("tests/bare_metal.py")], needs=["js-package", "venv"], facts=["bare metal:"]),
    "python": Step([own("-m", "pytest", "-q", folder=ROOT / "bindings-python")], needs=["python-package"], facts=[" passed"]),
    "stamina-suite": Step([own("tests/stamina_suite.py")], needs=["python-package"], facts=["stamina suite:"]),
    "python-servers": Step(
        [own("-m", "pytest", "-q", "tests/servers", folder=ROOT / "bindings-python")],
        needs=["python-package", "servers"],
        facts=[" passed"],
        needs_servers=True,
    ),
    "fleet-scripts": Step(
        [own("tests/fleet/check.py", NUMBER_OF_SEQUENCES), own("tests/fleet/servers.py")],
        needs=["venv", "servers"],
        facts=["fleet:"],
        needs_servers=True,
    ),
    "fleet-exact": Step(
        [own("tests/fleet/exact.py"), set_up("redis-py"), own("tests/fleet/clients.py")],
        needs=["python-package", "js-package", "js-drivers", "servers"],
        facts=["fleet exact:", "fleet clients:"],
        needs_servers=True,
    ),
    "fleet-failover": Step(
        [own("tests/fleet/failover.py")],
        needs=["python-package", "js-package", "js-drivers", "servers"],
        facts=["fleet failover:"],
        needs_servers=True,
    ),
    "python-urllib3": Step(
        [own("tests/python/urllib3_retry.py")], needs=["python-package", "urllib3"], facts=[" passed", "XFAIL"], needs_urllib3=True
    ),
    "python-types": Step(
        [
            own("-m", "mypy", "--strict", "python/undaunted", "python/pytest_undaunted", folder=ROOT / "bindings-python"),
            own("-m", "mypy", "--strict", "tests/typing/api.py", folder=ROOT / "bindings-python"),
            own("-m", "pyright", "--pythonpath", PYTHON, "tests/typing/api.py", folder=ROOT / "bindings-python"),
            own("-m", "mypy.stubtest", "undaunted._core", folder=ROOT / "bindings-python"),
            own("tests/python/type_checkers.py"),
        ],
        needs=["python-package"],
        facts=["Success", "0 errors", "types:"],
    ),
    "js": Step([Command(["npm", "test", "--silent"], JS)], needs=["js-package"], facts=["# pass", "# fail", "ℹ pass", "ℹ fail"]),
    "js-twin": Step([npm("test:twin")], needs=["js-package"], facts=["# pass", "# fail", "ℹ pass", "ℹ fail"]),
    "js-drivers": Step([set_up("drivers")]),
    "js-servers": Step(
        [npm("test:servers")],
        needs=["js-package", "js-drivers", "servers"],
        facts=["# pass", "# fail", "ℹ pass", "ℹ fail"],
        needs_servers=True,
    ),
    "lab-servers": Step(
        [own("tests/lab/servers/run.py"), own("tests/fleet/policy.py")],
        needs=["python-package", "js-package", "js-drivers", "servers"],
        facts=["lab servers:", "fleet policy:"],
        needs_servers=True,
    ),
    "js-exports": Step([npm("check")], needs=["js-package"], facts=["All good", "No problems"]),
    "command-line": Step([own("tests/command_line.py")], needs=["python-package", "js-package"], facts=["command line:"]),
    "preview-servers": Step([own("tests/preview/servers.py")], needs=["python-package", "js-package"], facts=["preview:"]),
    "preview": Step(
        [npm("test:preview")],
        needs=["js-package", "chromium"],
        facts=["preview:", "# pass", "# fail", "ℹ pass", "ℹ fail"],
        needs_chromium=True,
    ),
    "vectors-python": Step([own("tests/python/test_conformance.py")], needs=["python-package"], facts=["vectors:", "lab:"]),
    "vectors-node": Step([Command(["node", "tests/js/conformance.mjs"])], needs=["js-package"], facts=["vectors:", "lab:"]),
    "vectors-node-js": Step([Command(["node", "tests/js/conformance.mjs", "--twin"])], needs=["js-package"], facts=["vectors:"]),
    "vectors-chromium": Step(
        [Command(["node", "tests/js/conformance.mjs", "--chromium"])],
        needs=["js-package", "chromium"],
        facts=["vectors:", "lab:"],
        needs_chromium=True,
    ),
    "cases": Step([own("tests/differential/generate.py", NUMBER_OF_CASES, SEED, CASES)], needs=["venv"]),
    "differential-oracle": Step([own("tests/differential/oracle_digest.py", CASES)], needs=["cases"], facts=["differential:"]),
    "differential-rust": Step(
        [cargo("run", "--locked", "--quiet", "--release", "-p", "undaunted-tests", "--bin", "differential", CASES)],
        needs=["cases"],
        facts=["differential:"],
    ),
    "differential-python": Step(
        [own("tests/python/differential.py", CASES)], needs=["cases", "python-package"], facts=["differential:"]
    ),
    "differential-node": Step(
        [Command(["node", "tests/js/differential.mjs", CASES])], needs=["cases", "js-package"], facts=["differential:"]
    ),
    "differential-node-js": Step(
        [Command(["node", "tests/js/differential.mjs", CASES, "--twin"])], needs=["cases", "js-package"], facts=["differential:"]
    ),
    "differential-chromium": Step(
        [Command(["node", "tests/js/differential.mjs", CASES, "--chromium"])],
        needs=["cases", "js-package", "chromium"],
        facts=["differential:"],
        needs_chromium=True,
    ),
    "agreement": Step(
        [own("tests/agreement.py")],
        needs=[
            "rust",
            "vectors-python",
            "vectors-node",
            "vectors-node-js",
            "vectors-chromium",
            "differential-oracle",
            "differential-rust",
            "differential-python",
            "differential-node",
            "differential-node-js",
            "differential-chromium",
        ],
        facts=["agreement:"],
    ),
    "lossy": Step([set_up("lossy")]),
    "network": Step([set_up("network")], needs=["servers", "lossy", "venv"]),
    "lab": Step(
        [own("tests/lab/lab.py", "--check", "requests-timeout", "requests-ours", "aiohttp-adapter", "fetch-ours")],
        needs=["python-package", "js-package", "network"],
        facts=["lab:", "✗"],
        needs_network=True,
    ),
    "lab-twin": Step([own("tests/lab/twin/twin.py")], needs=["python-package", "js-package", "lossy"], facts=["twin:"]),
    "lab-chains": Step([own("tests/lab/twin/chains.py")], needs=["python-package", "js-package", "lossy"], facts=["chains:"]),
    "docs-packages": Step([set_up("docs-packages"), set_up("examples-packages")]),
    "docs": Step([own("tests/docs/run.py")], needs=["python-package", "js-package", "docs-packages"], facts=["docs:"]),
    "examples": Step(
        [own("tests/docs/examples.py")], needs=["python-package", "js-package", "docs-packages", "chromium"], facts=["examples:"]
    ),
    "reference": Step([own("tests/docs/reference.py", "--check")], needs=["python-package"], facts=["reference:"]),
    "js-reference": Step([own("tests/docs/js_reference.py", "--check")], needs=["venv", "js-package", "docs-packages"], facts=["reference:"]),
    "packages": Step(
        [own("tests/packaging/packages.py")], needs=["python-package", "js-package", "rust", "chromium"], facts=["package:"]
    ),
    "hosts": Step([set_up("hosts")]),
    "js-everywhere": Step(
        [own("tests/packaging/js_hosts.py")], needs=["js-package", "hosts", "venv", "chromium"], facts=["package:"], needs_hosts=True
    ),
    "lab-soak": Step(
        [
            set_up("lossy"),
            set_up("replay"),
            own("tests/lab/soak/run.py", "--minutes", "0.4"),
            own("tests/lab/soak/run.py", "--minutes", "0.1", "--leak"),
        ],
        needs=["python-package", "js-package"],
        facts=["soak:"],
    ),
    "fleet": Step(
        [own("examples/fleet/fleet.py", "--seconds", "9")],
        needs=["python-package", "js-package", "js-drivers", "servers"],
        facts=["✓", "✗"],
        needs_servers=True,
    ),
    "demo": Step(
        [own("examples/demo/demo.py", "--check", "--node-folder", JS)], needs=["python-package", "js-package"], facts=["equal"]
    ),
}
