"""urllib3's own tests of `Retry`, from its source distribution, against ours: all but those that urllib3_shim.py names must pass."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from setup import URLLIB3_SOURCE


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="urllib3-") as folder:
        # Alone: the conftest beside it starts servers that these tests do not need.
        shutil.copy(URLLIB3_SOURCE / "test" / "test_retry.py", folder)
        paths = os.pathsep.join([str(URLLIB3_SOURCE / "src"), str(HERE)])
        words = [sys.executable, "-m", "pytest", "-q", "-rxX", "-p", "urllib3_shim", "test_retry.py"]
        return subprocess.run(words, cwd=folder, env={**os.environ, "PYTHONPATH": paths}).returncode


if __name__ == "__main__":
    sys.exit(main())
