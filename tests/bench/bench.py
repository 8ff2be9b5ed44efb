"""What a retry costs beside its peers, in one run: rounds are interleaved, sleeping is patched out, ratios are printed.

    python tests/bench/bench.py [--rounds 21] [--target-ms 8] [--waiting 10000]

Needs undaunted; of the peers in `KNOWN` those that are installed are compared, the others named. Nothing here asserts a time.
"""

import argparse
import asyncio
import gc
import importlib.util
import logging
import os
import statistics
import subprocess
import sys
import time
import types

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


def by_naive(on):
    return naive.retry(on=on), naive.retry_async(on=on)


def by_undaunted(on):
    return undaunted.retry(on=on), undaunted.retry(on=on)


def by_compat(on):
    from undaunted.compat import stamina

    stamina.instrumentation.set_on_retry_hooks([])
    return stamina.retry(on=on), stamina.retry(on=on)


def by_stamina(on):
    import stamina

    stamina.instrumentation.set_on_retry_hooks([])
    return stamina.retry(on=on), stamina.retry(on=on)


def by_tenacity(on):
    import tenacity

    def make():
        return tenacity.retry(
            retry=tenacity.retry_if_exception_type(on),
            stop=tenacity.stop_after_attempt(10) | tenacity.stop_after_delay(45),
            wait=tenacity.wait_random_exponential(1, 10),
            reraise=True,
        )

    return make(), make()


def by_backoff(on):
    import backoff

    def make():
        return backoff.on_exception(backoff.expo, on, max_tries=10, max_time=45, max_value=10, logger=None)

    return make(), make()


def by_opnieuw(on):
    import opnieuw

    options = {"retry_on_exceptions": on, "max_calls_total": 10, "retry_window_after_first_call_in_seconds": 45}
    return opnieuw.retry(**options), opnieuw.retry_async(**options)


def by_google(on):
    from google.api_core import retry, retry_async

    options = {"predicate": retry.if_exception_type(on), "initial": 1, "maximum": 10, "timeout": 45}
    return retry.Retry(**options), retry_async.AsyncRetry(**options)


def by_redress(on):
    import redress

    def make():
        return redress.retry(classifier=lambda error: redress.ErrorClass.TRANSIENT, max_attempts=10, deadline_s=45)

    return make(), make()


def by_hyx(on):
    from hyx.retry import retry
    from hyx.retry.backoffs import expo

    return None, retry(on=on, attempts=10, backoff=expo(min_delay_secs=1, max_delay_secs=10))


def by_pyfailsafe(on):
    from datetime import timedelta

    from failsafe import Backoff, Failsafe, RetryPolicy

    backoff = Backoff(timedelta(seconds=1), timedelta(seconds=10), jitter=True)
    failsafe = Failsafe(RetryPolicy(allowed_retries=9, retriable_exceptions=[on], backoff=backoff))
    return None, lambda fn: lambda: failsafe.run(fn)


#: Name to the module that is imported for it, and what makes (sync decorator, async decorator) for an exception type; None is not there.
KNOWN = {
    "naive": (None, by_naive),
    "undaunted": ("undaunted", by_undaunted),
    "undaunted.compat.stamina": ("undaunted.compat.stamina", by_compat),
    "stamina": ("stamina", by_stamina),
    "tenacity": ("tenacity", by_tenacity),
    "backoff": ("backoff", by_backoff),
    "opnieuw": ("opnieuw", by_opnieuw),
    "google-api-core": ("google.api_core.retry", by_google),
    "redress": ("redress", by_redress),
    "hyx": ("hyx.retry", by_hyx),
    "pyfailsafe": ("failsafe", by_pyfailsafe),
}


def is_there(module):
    try:
        return module is None or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def makers():
    return {name: make for name, (module, make) in KNOWN.items() if is_there(module)}


def drive(coroutine):
    """Runs a coroutine that never suspends: the loop itself is not what is measured."""
    try:
        coroutine.send(None)
    except StopIteration:
        return


def block(context):
    def run():
        for attempt in context():
            with attempt:
                succeed()

    return run


def block_async(context):
    async def run():
        async for attempt in context():
            with attempt:
                await succeed_async()

    return lambda: drive(run())


def contexts():
    """Name to what gives the attempts of a block, for the libraries that have such a form."""
    policy = undaunted.Policy(on=Flaky)
    found = {"undaunted": lambda: undaunted.retry_context(policy)}
    there = makers()
    from undaunted.compat import stamina as compat

    found["undaunted.compat.stamina"] = lambda: compat.retry_context(on=Flaky)
    if "stamina" in there:
        import stamina

        found["stamina"] = lambda: stamina.retry_context(on=Flaky)
    if "tenacity" in there:
        import tenacity

        options = {"retry": tenacity.retry_if_exception_type(Flaky), "stop": tenacity.stop_after_attempt(10), "reraise": True}
        found["tenacity"] = lambda: tenacity.Retrying(**options)
        return found, {**found, "tenacity": lambda: tenacity.AsyncRetrying(**options)}
    return found, found


def tables():
    """Title to rows: (name, function without arguments)."""
    there = makers()

    def sync(on, fn):
        return [(name, make(on)[0](fn())) for name, make in there.items() if make(on)[0]]

    def later(on, fn):
        return [(name, lambda call=make(on)[1](fn()): drive(call())) for name, make in there.items()]

    yield "success, sync", [("bare call", succeed), *sync(Flaky, lambda: succeed)]
    yield "success, async", [("bare call", lambda: drive(succeed_async())), *later(Flaky, lambda: succeed_async)]
    for title, error in (("builtin error", ConnectionResetError), ("own error", Flaky)):
        yield f"one failure ({title}), sync", sync(error, lambda: FailsOnce(error).call)
        yield f"one failure ({title}), async", later(error, lambda: FailsOnce(error).call_async)
    plain, later_too = contexts()
    decorated = naive.retry(on=Flaky)(succeed), naive.retry_async(on=Flaky)(succeed_async)
    yield "block, success, sync", [("naive", decorated[0]), *((name, block(context)) for name, context in plain.items())]
    rows = [(name, block_async(context)) for name, context in later_too.items()]
    yield "block, success, async", [("naive", lambda: drive(decorated[1]())), *rows]
    policy = undaunted.Policy(on=Flaky)
    yield "other forms of undaunted, success", [
        ("naive", decorated[0]),
        ("with a hook", undaunted.retry(on=Flaky, on_event=lambda event: None)(succeed)),
        ("with a budget", undaunted.retry(on=Flaky, budget={"name": "bench"})(succeed)),
        ("with a breaker", undaunted.retry(on=Flaky, breaker={"name": "bench"})(succeed)),
        ("policy.call", lambda: policy.call(succeed)),
    ]


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
            line = code.format(path=[entry for entry in sys.path if entry], name=KNOWN[name][0])
            done = subprocess.run([sys.executable, "-I", "-S", "-c", line], capture_output=True, text=True, check=True)
            samples[name].append(float(done.stdout))
    return {name: (min(values), statistics.median(values)) for name, values in samples.items()}


def memory_of_waiting(name, count):
    """Bytes of each of so many calls that have failed once and wait, by the memory of a process of its own."""
    words = [sys.executable, __file__, "--memory-of", name, "--waiting", str(count)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def wait_in_this_process(name, count):
    waiting = []

    async def fail():
        raise Flaky

    async def sleep(seconds, result=None):
        waiting.append(None)
        await asyncio.get_running_loop().create_future()

    async def main():
        call = KNOWN[name][1](Flaky)[1](fail)
        asyncio.sleep = sleep
        before = 0
        tasks = []
        for number in range(count + WARM):
            if number == WARM:
                before = resident()
            tasks.append(asyncio.ensure_future(call()))
            await yields()
        while len(waiting) < count + WARM:
            await yields()
        print((resident() - before) // count, flush=True)
        os._exit(0)

    asyncio.run(main())


@types.coroutine
def yields():
    yield


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=21)
    arguments.add_argument("--target-ms", type=float, default=8.0)
    arguments.add_argument("--waiting", type=int, default=10_000, help="calls that wait at the same time, for the memory of one")
    arguments.add_argument("--memory-of", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.memory_of:
        wait_in_this_process(given.memory_of, given.waiting)
    logging.getLogger("backoff").addHandler(logging.NullHandler())
    time.sleep = lambda seconds: None

    async def no_sleep(seconds):
        return None

    asyncio.sleep = no_sleep
    if is_there("sniffio"):
        import sniffio

        # No loop runs here, so peers that ask which one it is are told.
        sniffio.thread_local.name = "asyncio"
    print(f"Python {sys.version.split()[0]}, undaunted {undaunted.__version__}, {given.rounds} interleaved rounds")
    if missing := KNOWN.keys() - makers().keys():
        print(f"not installed, left out: {', '.join(sorted(missing))}")
    for title, rows in tables():
        print(f"\n{title:34} {'min ns':>9} {'median ns':>10} {'x naive':>8} {'x (median)':>10}")
        times = measure(rows, given.rounds, given.target_ms / 1e3)
        base = times["naive"]
        for name, (least, median) in times.items():
            print(f"  {name:32} {least:9.0f} {median:10.0f} {least / base[0]:8.2f} {median / base[1]:10.2f}")
    print(f"\n{'import':34} {'min ms':>9} {'median ms':>10}")
    for name, (least, median) in import_times([name for name in makers() if name != "naive"], 9).items():
        print(f"  {name:32} {least:9.1f} {median:10.1f}")
    if sys.platform == "linux":
        print(f"\n{f'memory of {given.waiting} waiting calls':34} {'bytes each':>10} {'x naive':>8}")
        sizes = {name: memory_of_waiting(name, given.waiting) for name in makers()}
        for name, size in sizes.items():
            print(f"  {name:32} {size:10} {size / sizes['naive']:8.2f}")


#: Calls that wait before the memory is counted: what a library makes once is not what a call costs.
WARM = 100

if __name__ == "__main__":
    main()
