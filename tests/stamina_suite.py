"""stamina's own tests, from its sdist, on `undaunted.compat.stamina` in the place of stamina: once with all libraries that hooks report to,
once without. Then its file of user code under mypy.

Tests that cannot pass are named in CANNOT, each with the reason, and have to fail.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from setup import OWN

VERSION = "26.1.0"
SHA256 = "0214d05fdf5102c518194a4aac7520ce53cf660550ae3b940701aad88cf50c17"
CANNOT = {
    "tests/test_sync.py::TestMakeStop::test_never": "asks for an object of tenacity, which is not there",
    "tests/test_sync.py::test_attempt_next_wait": "makes an Attempt of a stand-in for an object of tenacity",
    "tests/test_config.py::test_config_init_concurrently": "makes a private _Config and replaces its private methods",
}

# `import stamina` runs this. Private names that its tests import are adapted: the waits are asked of the policy, what is not there is None.
FRONT = """
import sys
from types import ModuleType

from undaunted.compat import stamina
from undaunted.compat.stamina import _config, _core, instrumentation, typing

def module(name, **names):
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(names)

sys.modules["stamina"] = stamina
sys.modules["stamina.instrumentation"] = instrumentation
sys.modules["stamina.typing"] = typing
for name in ("_data", "_hooks", "_structlog"):
    sys.modules["stamina.instrumentation." + name] = instrumentation
module("stamina._config", CONFIG=_config.CONFIG, _Testing=_config._Testing, _Config=None)
module("stamina._core", Attempt=stamina.Attempt, _make_stop=None)
context = type(stamina.retry_context(on=ValueError))
context._backoff_for_attempt_number = lambda self, number: self._plan.next_wait(number)
context._jittered_backoff_for_rcs = lambda self, state: self.policy.schedule(attempts=state.attempt_number + 1)[-1]
"""

# The plugin that expects the tests in CANNOT to fail, and hides libraries.
PLUGIN = """
import os
import sys

import pytest

sys.modules.update(dict.fromkeys(os.environ["HIDDEN"].split()))
CANNOT = {cannot!r}

def pytest_collection_modifyitems(items):
    missing = dict(CANNOT)
    for item in items:
        if reason := missing.pop(item.nodeid, None):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    if missing:
        raise pytest.UsageError("there are no tests " + ", ".join(missing))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="stamina-") as folder:
        suite, front = Path(folder) / "suite", Path(folder) / "front"
        unpack(sdist(), suite)
        put_in_front(front)
        for hidden in ("", "structlog prometheus_client"):
            run_tests(suite, front, hidden)
        check_types(suite)


def sdist() -> Path:
    """The sdist, fetched once."""
    folder = OWN / "suites"
    path = folder / f"stamina-{VERSION}.tar.gz"
    if not path.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--dest", folder, f"stamina=={VERSION}"], check=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(f"{path} has the digest {digest}, expected {SHA256}; remove it")
    return path


def unpack(path: Path, folder: Path) -> None:
    with tarfile.open(path) as archive:
        members = [member for member in archive if "/tests/" in member.name]
        for member in members:
            member.name = member.name.partition("/")[2]
        archive.extractall(folder, members, filter="data")


def put_in_front(folder: Path) -> None:
    info = folder / f"stamina-{VERSION}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stamina\nVersion: {VERSION}\n")
    (folder / "stamina.py").write_text(FRONT)
    (folder / "stamina_suite_plugin.py").write_text(PLUGIN.format(cannot=CANNOT))


def run_tests(suite: Path, front: Path, hidden: str) -> None:
    (suite / "pytest.ini").write_text("[pytest]\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "stamina_suite_plugin", "--import-mode=importlib"]
    environment = {**os.environ, "PYTHONPATH": str(front), "HIDDEN": hidden}
    done = subprocess.run([*words, "-W", "once::Warning", "tests"], cwd=suite, env=environment, capture_output=True, text=True)
    counts = re.search(r"^(\d+ passed.*) in ", done.stdout, re.MULTILINE)
    if done.returncode != 0 or counts is None:
        sys.exit(f"{done.stdout}{done.stderr}")
    print(f"stamina suite: {VERSION} {'without ' + hidden.replace(' ', ' and ') if hidden else 'with all libraries'}, {counts[1]}")


def check_types(suite: Path) -> None:
    path = suite / "api.py"
    path.write_text(re.sub(r"^from stamina\b", "from undaunted.compat.stamina", (suite / "tests/typing/api.py").read_text(), flags=re.MULTILINE))
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", path], cwd=suite, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}")
    print("stamina suite: its user code type-checks")


if __name__ == "__main__":
    main()
