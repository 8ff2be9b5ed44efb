"""What a retry costs beside its peers, in one run: rounds are interleaved, sleeping is patched out, ratios are printed.

    python tests/bench/bench.py [--rounds 21] [--target-ms 8]

Needs undaunted; stamina, tenacity and backoff are compared where they are installed. Nothing here asserts a time.
"""

import argparse
import asyncio
import importlib.util
import logging
import statistics
import subprocess
import sys
import time

import naive
import undaunted


class Flaky(Exception):
    """A failure of the user's own class."""


def succeed():
    return 1


async def succeed_async():
    return 1


class FailsOnce:
    """Callables that fail and succeed in turn."""

    def __init__(self, error):
        self.error, self.failed = error, False

    def call(self):
        self.failed = not self.failed
        if self.failed:
            raise self.error("once")
        return 1

    async def call_async(self):
        return self.call()


def decorators():
    """Name to (sync decorator, async decorator) for an exception type."""
    found = {
        "naive": lambda on: (naive.retry(on=on), naive.retry_async(on=on)),
        "undaunted": lambda on: (undaunted.retry(on=on),) * 2,
    }
    if importlib.util.find_spec("stamina"):
        import stamina

        stamina.instrumentation.set_on_retry_hooks([])
        found["stamina"] = lambda on: (stamina.retry(on=on),) * 2
    if importlib.util.find_spec("tenacity"):
        import tenacity

        def by_tenacity(on):
            return tenacity.retry(
                retry=tenacity.retry_if_exception_type(on),
                stop=tenacity.stop_after_attempt(10) | tenacity.stop_after_delay(45),
                wait=tenacity.wait_random_exponential(1, 10),
                reraise=True,
            )

        found["tenacity"] = lambda on: (by_tenacity(on), by_tenacity(on))
    if importlib.util.find_spec("backoff"):
        import backoff

        def by_backoff(on):
            return backoff.on_exception(backoff.expo, on, max_tries=10, max_time=45, max_value=10, logger=None)

        found["backoff"] = lambda on: (by_backoff(on), by_backoff(on))
    return found


def drive(coroutine):
    """Runs a coroutine that never suspends: the loop itself is not what is measured."""
    try:
        coroutine.send(None)
    except StopIteration:
        return


def block(context, fn):
    def run():
        for attempt in context():
            with attempt:
                fn()

    return run


def tables():
    """Title to rows: (name, function without arguments)."""
    found = decorators()
    yield "success, sync", [("bare call", succeed)] + [(name, make(Flaky)[0](succeed)) for name, make in found.items()]
    rows = [(name, make(Flaky)[1](succeed_async)) for name, make in found.items()]
    yield "success, async", [("bare call", lambda: drive(succeed_async()))] + [
        (name, lambda fn=fn: drive(fn())) for name, fn in rows
    ]
    for title, error in (("builtin error", ConnectionResetError), ("own error", Flaky)):
        yield f"one failure ({title}), sync", [(name, make(error)[0](FailsOnce(error).call)) for name, make in found.items()]
        rows = [(name, make(error)[1](FailsOnce(error).call_async)) for name, make in found.items()]
        yield f"one failure ({title}), async", [(name, lambda fn=fn: drive(fn())) for name, fn in rows]
    hooked = undaunted.retry(on=Flaky, on_event=lambda event: None)
    policy = undaunted.Policy(on=Flaky)
    yield "other forms, success", [
        ("naive", naive.retry(on=Flaky)(succeed)),
        ("undaunted, with a hook", hooked(succeed)),
        ("undaunted, policy.call", lambda: policy.call(succeed)),
        ("undaunted, retry_context", block(lambda: undaunted.retry_context(policy), succeed)),
    ] + ([("stamina, retry_context", block(lambda: sys.modules["stamina"].retry_context(on=Flaky), succeed))] if "stamina" in found else [])


def measure(rows, rounds, target):
    """Each round times every row once, so that a slow moment of the machine hits all alike."""
    counts = {}
    for name, fn in rows:
        count, took = 1, 0.0
        while took < target:
            count *= 2
            took = timed(fn, count)
        counts[name] = count
    samples = {name: [] for name, _ in rows}
    for _ in range(rounds):
        for name, fn in rows:
            samples[name].append(timed(fn, counts[name]) / counts[name] * 1e9)
    return {name: (min(values), statistics.median(values)) for name, values in samples.items()}


def timed(fn, count):
    started = time.perf_counter()
    for _ in range(count):
        fn()
    return time.perf_counter() - started


def import_times(names, rounds):
    """Milliseconds that `import name` adds to an interpreter that has loaded nothing else."""
    code = "import sys, time; sys.path[:0] = {path!r}; t = time.perf_counter(); import {name}; print((time.perf_counter() - t) * 1e3)"
    samples = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            line = code.format(path=[entry for entry in sys.path if entry], name=name)
            done = subprocess.run([sys.executable, "-I", "-S", "-c", line], capture_output=True, text=True, check=True)
            samples[name].append(float(done.stdout))
    return {name: (min(values), statistics.median(values)) for name, values in samples.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=21)
    arguments.add_argument("--target-ms", type=float, default=8.0)
    given = arguments.parse_args()
    logging.getLogger("backoff").addHandler(logging.NullHandler())
    time.sleep = lambda seconds: None

    async def no_sleep(seconds):
        return None

    asyncio.sleep = no_sleep
    if importlib.util.find_spec("sniffio"):
        import sniffio

        # No loop runs here, so peers that ask which one it is are told.
        sniffio.thread_local.name = "asyncio"
    print(f"Python {sys.version.split()[0]}, undaunted {undaunted.__version__}, {given.rounds} interleaved rounds")
    for title, rows in tables():
        print(f"\n{title:34} {'min ns':>9} {'median ns':>10} {'x naive':>8} {'x (median)':>10}")
        times = measure(rows, given.rounds, given.target_ms / 1e3)
        base = times["naive"]
        for name, (least, median) in times.items():
            print(f"  {name:32} {least:9.0f} {median:10.0f} {least / base[0]:8.2f} {median / base[1]:10.2f}")
    print(f"\n{'import':34} {'min ms':>9} {'median ms':>10}")
    names = ["undaunted"] + [name for name in ("stamina", "tenacity", "backoff") if importlib.util.find_spec(name)]
    for name, (least, median) in import_times(names, 9).items():
        print(f"  {name:32} {least:9.1f} {median:10.1f}")


if __name__ == "__main__":
    main()
