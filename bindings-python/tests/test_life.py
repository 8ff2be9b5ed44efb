"""Many threads, many calls, other processes: nothing is lost, nothing is left."""

import asyncio
import collections
import concurrent.futures
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import undaunted
from undaunted import Budget, Policy, _named, _switch, history, retry

QUICK = {"initial": "1us", "max_delay": "1us"}
THREADS, TURNS = 32, 50


@pytest.fixture
def switching(monkeypatch):
    """Threads take turns often, and wait for nothing."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_thirty_two_threads_lose_no_count_of_a_policy_with_all_it_shares(switching):
    ends, events = [], []
    budget = Budget("life", capacity=1_000_000, cost=1, refund=False, reward=0)
    breaker = {"name": "life", "window_time": "1h", "min_calls": 1_000_000}
    policy = Policy(budget=budget, breaker=breaker, attempts=3, seed=7, timeout=None, on_event=events.append, **QUICK)
    local = threading.local()

    @policy
    def fetch(failures, error):
        local.attempts += 1
        if local.attempts <= failures:
            raise error
        return local.attempts

    def work():
        for _ in range(TURNS):
            for failures, error in ((0, None), (1, ConnectionResetError), (9, ConnectionResetError), (9, KeyError)):
                local.attempts = 0
                try:
                    ends.append(fetch(failures, error))
                except (ConnectionResetError, KeyError) as gave_up:
                    ends.append(history(gave_up).reason)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = THREADS * TURNS
    assert {"attempt": 7 * each, "scheduled": 3 * each, "success": 2 * each, "gave_up": 2 * each} == collections.Counter(
        event.kind for event in events
    )
    assert {1: each, 2: each, "attempts": each, "permanent": each} == collections.Counter(ends)
    assert 1_000_000 - 3 * each == budget.tokens
    # The KeyError counts for nothing: no table knows it.
    assert (6 * each, 4 * each) == (policy.breaker.snapshot()["calls"], policy.breaker.snapshot()["failures"])
    # The calls that failed were numbered one by one: no two have the same waits, none is left out.
    seeds = {event.call_seed for event in events if event.kind in ("scheduled", "gave_up")}
    assert {undaunted._core.call_seed(7, call) for call in range(1, 3 * each + 1)} == seeds


def lost():
    raise ConnectionResetError("lost")


async def lost_later():
    lost()


async def block_later(policy):
    async for attempt in undaunted.retry_context(policy):
        with attempt:
            lost()


def block(policy):
    for attempt in undaunted.retry_context(policy):
        with attempt:
            lost()


def group():
    raise ExceptionGroup("both", [ConnectionResetError(), TimeoutError()])


def drive(coroutine):
    """Runs a coroutine to its end; no event loop, which has garbage of its own."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


ENDS = Policy(attempts=3, backoff=[0], jitter="none")
FORMS = {
    "async": lambda: drive(ENDS(lost_later)()),
    "async call": lambda: drive(ENDS.call_async(lost_later)),
    "async block": lambda: drive(block_later(ENDS)),
    "block": lambda: block(ENDS),
    "call": lambda: ENDS.call(lost),
    "hooked": lambda: ENDS.replace(on_event=lambda event: None)(lost)(),
    "a wait of its own": lambda: ENDS.replace(on=lambda error: 0.0)(lost)(),
    "a group": lambda: ENDS(group)(),
    "a result": lambda: ENDS.replace(retry_if_result=bool).call(int, 5),
    "nested": lambda: ENDS.replace(nested="allow")(ENDS(lost))(),
    "no more budget": lambda: ENDS.replace(budget={"name": "garbage", "capacity": 1, "cost": 1})(lost)(),
    "an open breaker": lambda: ENDS.replace(breaker={"name": "garbage", "min_calls": 1}).call(lost),
    "not retried": lambda: ENDS(int)("x"),
    "switched off": lambda: inactive(ENDS(lost)),
    "by a source": lambda: undaunted.PolicySource(lambda: ENDS)(lost)(),
}


def inactive(fn):
    undaunted.set_active(False)
    try:
        fn()
    finally:
        undaunted.set_active(True)


@pytest.mark.parametrize("form", FORMS)
def test_giving_up_leaves_no_garbage_in_any_form(form, monkeypatch):
    async def no_sleep(delay):
        return None

    monkeypatch.setattr(asyncio, "sleep", no_sleep)
    run = FORMS[form]

    def once():
        try:
            run()
        except Exception:
            return
        raise AssertionError("it did not give up")

    once()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            once()
        assert 0 == gc.collect()
    finally:
        gc.enable()


LEAK = """
import gc, resource, sys, time, undaunted

time.sleep = lambda seconds: None
gc.disable()  # what only the collector would free counts as leaked

class Lost(Exception): pass

def failing(every, fn=undaunted.Policy(on=Lost, attempts=3), calls=[0]):
    @fn
    def work():
        calls[0] += 1
        if calls[0] % every == 0: raise Lost
        return calls[0]
    return work

plain = failing(10)
shared = failing(3, undaunted.Policy(on=Lost, budget={"name": "b"}, breaker={"name": "b", "failure_rate": 1}, on_event=lambda event: None))
hopeless = undaunted.retry(on=Lost, attempts=2)(failing(1).__wrapped__)

async def later():
    return plain.__wrapped__()
later = undaunted.retry(on=Lost)(later)

async def no_sleep(seconds): pass
undaunted._run.sleep = no_sleep

def block():
    for attempt in undaunted.retry_context(on=Lost, attempts=3):
        with attempt: plain.__wrapped__()

def once(form):
    try: form()
    except Lost: pass

def drive():
    try: later().send(None)
    except StopIteration: pass

def some(n):
    for form, share in ((plain, 90), (drive, 5), (shared, 2), (block, 2), (lambda: once(hopeless), 1)):
        for _ in range(n * share // 100): form()

def used(): return sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

some(100_000)
gc.collect()  # what the imports left
some(10_000)
before = used()
some(1_000_000)
after = used()
print(after[0] - before[0], after[1] - before[1], gc.collect())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory as Linux counts it")
def test_a_million_calls_leave_nothing_behind():
    done = subprocess.run([sys.executable, "-c", LEAK], capture_output=True, text=True, check=True)
    blocks, kilobytes, garbage = map(int, done.stdout.split())
    # One byte kept of each call would be a megabyte.
    assert (blocks < 100, kilobytes < 900, garbage) == (True, True, 0), done.stdout


POOL = {"budget": {"name": "pool", "capacity": 50, "cost": 1}, "breaker": {"name": "pool"}}
SHARED = Policy(on=ConnectionResetError, attempts=3, name="of the pool", **POOL, **QUICK)


def work_of_the_pool(policy):
    """In another process: gives up, and answers what that does to budget and breaker of the same names there."""
    before = SHARED.budget.tokens, SHARED.breaker.snapshot()["failures"]
    try:
        policy.call(lost)
    except ConnectionResetError as error:
        return policy == SHARED, before, (SHARED.budget.tokens, SHARED.breaker.snapshot()["failures"]), error
    return None


def raise_in_the_pool(policy):
    policy.call(lost)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_policies_and_errors_go_through_a_pool_of_processes(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        is_same, before, after, error = pool.submit(work_of_the_pool, SHARED).result()
        with pytest.raises(ConnectionResetError) as caught:
            pool.submit(raise_in_the_pool, SHARED).result()
    assert is_same and (50, 0) == before == (SHARED.budget.tokens, SHARED.breaker.snapshot()["failures"])
    assert (48, 3) == after
    for came in (error, caught.value):
        attempts = history(came)
        assert ("attempts", [1, 2, 3], "os ECONNRESET") == (attempts.reason, [each.attempt for each in attempts], attempts[0].code)
        assert ["lost"] * 3 == [str(each.error) for each in attempts] and came.__notes__[0].startswith("undaunted: gave up after 3 of 3")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_waits_for_no_lock_that_another_thread_held():
    held, go_on = threading.Event(), threading.Event()
    names = _named.Names()

    def hold():
        with _switch.lock, names._lock:
            held.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        undaunted.set_active(True)
        with undaunted.on_event(lambda event: None):
            made = names.find_or_make("child", lambda found: [], lambda: SHARED)
        os._exit(0 if made is SHARED and 1 == retry(len)("x") else 1)
    go_on.set()
    thread.join()
    assert 0 == os.waitpid(child, 0)[1]


FORKED_AMID_THE_FIRST_FAILURE = """
import os, signal, sys, threading
from undaunted import Policy

policy = Policy(on=ConnectionResetError, attempts=1)
begun, go_on = threading.Event(), threading.Event()

class Waits:
    def find_spec(name, path, target=None):
        if name == "undaunted._drivers":
            begun.set()
            go_on.wait()

def fails():
    raise ConnectionResetError

def call():
    try:
        policy.call(fails)
    except ConnectionResetError:
        return 0

sys.meta_path.insert(0, Waits)
# The last that was registered comes first.
os.register_at_fork(before=go_on.set)
thread = threading.Thread(target=call)
thread.start()
begun.wait()
# From here the other thread goes on only where this one waits.
sys.setswitchinterval(100)
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(call())
thread.join()
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_amid_the_first_failure_of_another_thread_waits_for_no_import():
    assert subprocess.run([sys.executable, "-c", FORKED_AMID_THE_FIRST_FAILURE], timeout=60).returncode == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_forked_amid_busy_threads_retry_as_ever(switching):
    breaker = {"name": "busy", "window_time": "1h", "min_calls": 1_000_000}
    policy = SHARED.replace(budget={"name": "busy", "capacity": 1_000_000, "cost": 1}, breaker=breaker)
    over = threading.Event()

    def work():
        while not over.is_set():
            with pytest.raises(ConnectionResetError):
                policy.call(lost)

    def child():
        signal.alarm(10)
        try:
            policy.call(lost)
        except ConnectionResetError as error:
            return 0 if len(history(error)) == 3 else 1
        return 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            forked = os.fork()
            if forked == 0:
                os._exit(child())
            assert 0 == os.waitpid(forked, 0)[1]
    finally:
        over.set()
        for thread in threads:
            thread.join()
