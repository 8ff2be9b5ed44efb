"""What is about the process: the import, the fork, the package."""

import os
import subprocess
import sys

import pytest

import undaunted


def printed(code: str) -> str:
    """What code prints in an interpreter that has loaded nothing else."""
    path = [entry for entry in sys.path if entry]
    code = f"import sys; sys.path[:0] = {path!r}; import undaunted; {code}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_import_pulls_in_nothing_heavy():
    heavy = {"asyncio", "inspect", "dataclasses", "typing", "logging", "json", "re", "functools", "threading", "datetime", "importlib"}
    assert "" == printed(f"print(*sorted({heavy} & set(sys.modules)))")


def test_what_is_not_needed_to_retry_is_loaded_when_it_is_named():
    code = (
        "later = {'undaunted._' + name for name in ('breaker', 'bulkhead', 'hedge', 'throttle', 'simulate', 'testing')}\n"
        "assert {'Breaker', 'Bulkhead', 'Hedge', 'Throttle', 'simulate_herd', 'testing'} <= set(dir(undaunted)), dir(undaunted)\n"
        "assert not later & set(sys.modules), sys.modules\n"
        "assert all(getattr(undaunted, name) is getattr(undaunted, name) for name in undaunted.__all__)\n"
        "assert later <= set(sys.modules)\n"
        "try: undaunted.Braeker\n"
        "except AttributeError as error: print(error)"
    )
    assert "module 'undaunted' has no attribute 'Braeker'" == printed(code)


def test_retrying_pulls_in_nothing_heavy_either():
    code = (
        "calls = []\n"
        "def fn():\n"
        "    calls.append(1)\n"
        "    if len(calls) < 2: raise ConnectionResetError\n"
        "undaunted.retry(initial='1us', max_delay='1us')(fn)()\n"
        "print(*sorted({'asyncio', 'inspect', 'dataclasses', 'typing', 'logging', 'trio', 'aiohttp'} & set(sys.modules)))"
    )
    assert "" == printed(code)


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
