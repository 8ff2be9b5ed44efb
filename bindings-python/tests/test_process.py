"""What is about the process: the import, the fork, the package."""

import os
import subprocess
import sys

import pytest

import undaunted


def test_the_import_pulls_in_nothing_heavy():
    code = (
        "import sys; sys.path[:0] = {path!r}; import undaunted; "
        "print(*sorted({{'asyncio', 'inspect', 'dataclasses', 'typing', 'logging', 'json', 're', 'functools', 'threading', 'datetime'}} & set(sys.modules)))"
    )
    path = [entry for entry in sys.path if entry]
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code.format(path=path)], capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()


def test_retrying_pulls_in_nothing_heavy_either():
    code = (
        "import sys; sys.path[:0] = {path!r}; import undaunted; "
        "calls = []\n"
        "def fn():\n"
        "    calls.append(1)\n"
        "    if len(calls) < 2: raise ConnectionResetError\n"
        "undaunted.retry(initial='1us', max_delay='1us')(fn)()\n"
        "print(*sorted({{'asyncio', 'inspect', 'dataclasses', 'typing', 'logging', 'trio', 'aiohttp'}} & set(sys.modules)))"
    )
    path = [entry for entry in sys.path if entry]
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code.format(path=path)], capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_draw_waits_of_their_own():
    code = (
        "import os, undaunted\n"
        "p = undaunted.Policy()\n"
        "p.schedule(); print(p.schedule()[0], flush=True)\n"
        "for _ in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        print(p.schedule()[0], flush=True); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "print(p.schedule()[0], flush=True)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    waits = done.stdout.split()
    assert (5, 5) == (len(waits), len(set(waits)))


def test_everything_in_all_is_there_and_documented():
    for name in undaunted.__all__:
        assert name == "__version__" or getattr(undaunted, name).__doc__, name
    assert "TimeoutError" not in undaunted.__all__ and issubclass(undaunted.TimeoutError, TimeoutError)
    assert all(part.isdigit() for part in undaunted.__version__.split("."))
