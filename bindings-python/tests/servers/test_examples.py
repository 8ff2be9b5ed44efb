"""Examples that need a server, run as a user would run them."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"


def test_asyncio_postgres(postgres):
    where = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
    words = [sys.executable, "-X", "dev", "-W", "error", EXAMPLES / "asyncio_postgres.py", where]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert ("2000\n20\nTrue\npermanent 1\n", "", 0) == (done.stdout, done.stderr, done.returncode)
