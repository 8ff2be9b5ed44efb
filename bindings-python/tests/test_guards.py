"""Throttles, bulkheads and hedges: what a call under one comes to. What they decide is in the vectors."""

import asyncio
import pickle
import threading

import pytest
import trio
import trio.testing

import undaunted
from undaunted import Bulkhead, BulkheadFull, Hedge, Throttle, Throttled


def fail(error=ConnectionError):
    raise error("no")


async def rounds(count=10):
    """Lets every task that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


# Throttle


@pytest.fixture
def clock():
    with undaunted.testing() as clock:
        yield clock


def test_a_throttle_refuses_as_its_seed_says(clock):
    throttle = Throttle(seed=5, name="search")
    expected, requests = [], 0
    for n in range(1, 60):
        # Nothing is accepted: refused with probability requests / (requests + 1).
        expected.append(undaunted._core.word(5, "throttle", n) * (requests + 1) >= requests << 64)
        requests += 1
    found = []
    for _ in expected:
        try:
            throttle.call(fail)
        except ConnectionError:
            found.append(True)
        except Throttled as error:
            assert str(error).startswith("the throttle search refused the call")
            found.append(False)
    assert found == expected and set(found) == {True, False}
    assert throttle.snapshot() == {"requests": 59, "accepts": 0}


def test_a_throttle_lets_everything_through_that_is_accepted(clock):
    throttle = Throttle(on=ConnectionError)
    for _ in range(50):
        assert throttle.call(len, "a") == 1
        with throttle:
            pass
        for error in (ValueError, KeyboardInterrupt):
            with pytest.raises(error):
                throttle.call(fail, error)
    assert throttle.snapshot() == {"requests": 200, "accepts": 200}
    clock.advance(120)
    assert throttle.snapshot() == {"requests": 0, "accepts": 0}


def test_a_throttle_counts_threads_and_tasks_exactly(clock):
    throttle = Throttle(window="1h")

    def work():
        for _ in range(100):
            throttle.call(len, "")

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def main():
        await asyncio.gather(*(throttle.call_async(asyncio.sleep, 0) for _ in range(1_000)), return_exceptions=True)

    assert throttle._core.look(0) == (3_200, 3_200)
    asyncio.run(main())
    assert throttle._core.look(0)[0] == 4_200


# Bulkhead


def test_a_full_bulkhead_refuses():
    bulkhead = Bulkhead(1, name="db")
    with bulkhead, pytest.raises(BulkheadFull) as refused:
        bulkhead.call(len, "")
    assert str(refused.value) == "the bulkhead db is full, with 1 calls that run and 0 that wait; nothing was sent"
    assert bulkhead.call(len, "abc") == 3
    assert bulkhead.snapshot() == {"running": 0, "waiting": 0}


def test_a_bulkhead_serves_in_the_order_they_came():
    bulkhead, order = Bulkhead(1, queue=5), []

    async def one(n):
        async with bulkhead:
            order.append(n)
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(one(n) for n in range(6)))

    asyncio.run(main())
    assert order == [0, 1, 2, 3, 4, 5]


def test_whoever_is_cancelled_while_waiting_leaves_the_queue():
    bulkhead = Bulkhead(1, queue=2)
    done = []

    async def main():
        async with bulkhead:
            first, second = (asyncio.ensure_future(bulkhead.call_async(note, done, n)) for n in (1, 2))
            await rounds()
            assert bulkhead.snapshot() == {"running": 1, "waiting": 2}
            first.cancel()
            await rounds()
            assert bulkhead.snapshot() == {"running": 1, "waiting": 1}
        await second
        assert first.cancelled()

    asyncio.run(main())
    assert (done, bulkhead.snapshot()) == ([2], {"running": 0, "waiting": 0})


async def note(done, value):
    done.append(value)


def test_a_place_given_to_one_that_is_cancelled_goes_to_the_next():
    bulkhead, done = Bulkhead(1, queue=2), []

    async def main():
        async with bulkhead:
            first, second = (asyncio.ensure_future(bulkhead.call_async(note, done, n)) for n in (1, 2))
            await rounds()
        # The place is the first's now, who has not woken yet.
        first.cancel()
        await second

    asyncio.run(main())
    assert (done, bulkhead.snapshot()) == ([2], {"running": 0, "waiting": 0})


def test_ten_thousand_tasks_go_in_ten_at_a_time():
    bulkhead = Bulkhead(10, queue=9_000)
    inside, most, order = 0, 0, []

    async def one(n):
        nonlocal inside, most
        async with bulkhead:
            inside += 1
            most = max(most, inside)
            order.append(n)
            await asyncio.sleep(0)
            inside -= 1

    async def main():
        return await asyncio.gather(*(one(n) for n in range(10_000)), return_exceptions=True)

    found = asyncio.run(main())
    assert sum(isinstance(error, BulkheadFull) for error in found) == 990
    assert (most, order, bulkhead.snapshot()) == (10, list(range(9_010)), {"running": 0, "waiting": 0})


def test_a_bulkhead_in_trio():
    bulkhead, order = Bulkhead(1, queue=3), []

    async def one(n):
        async with bulkhead:
            order.append(n)
            await trio.sleep(1)

    async def main():
        async with trio.open_nursery() as nursery:
            for n in range(4):
                nursery.start_soon(one, n)
                await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0.5):
                with pytest.raises(BulkheadFull):
                    await one(9)
            nursery.cancel_scope.deadline = trio.current_time() + 1.5

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert (order, bulkhead.snapshot()) == ([0, 1], {"running": 0, "waiting": 0})


def test_thirty_two_threads_are_at_most_three_inside():
    bulkhead, lock = Bulkhead(3, queue=29), threading.Lock()
    inside, most, calls = 0, 0, 0
    start = threading.Barrier(32)

    def request():
        nonlocal inside, most, calls
        with lock:
            inside += 1
            calls += 1
            most = max(most, inside)
        with lock:
            inside -= 1

    def work():
        start.wait()
        for _ in range(200):
            bulkhead.call(request)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls, bulkhead.snapshot()) == (6_400, {"running": 0, "waiting": 0})
    assert 1 <= most <= 3


def test_a_thread_hands_its_place_to_a_task_and_back():
    bulkhead, order = Bulkhead(1, queue=2), []

    async def main(ready):
        async def one():
            async with bulkhead:
                order.append("task")

        task = asyncio.ensure_future(one())
        await rounds()
        ready.set()
        await task

    ready = threading.Event()
    with bulkhead:
        loop = threading.Thread(target=asyncio.run, args=(main(ready),))
        loop.start()
        ready.wait()
        order.append("thread")
    loop.join()
    assert (order, bulkhead.snapshot()) == (["thread", "task"], {"running": 0, "waiting": 0})


def test_a_waiter_whose_loop_is_gone_is_passed_over():
    bulkhead = Bulkhead(1, queue=2)

    async def main():
        bulkhead._enter(undaunted._bulkhead.AsyncioWaiter)

    with bulkhead:
        asyncio.run(main())
        assert bulkhead.snapshot() == {"running": 1, "waiting": 1}
    assert bulkhead.snapshot() == {"running": 0, "waiting": 0}


def test_mistakes_of_a_bulkhead():
    with pytest.raises(undaunted.PolicyError, match="limit is 0, allowed 1 to 1000000") as refused:
        Bulkhead(0, queue=-1)
    assert [pointer for _, pointer, _ in refused.value.problems] == ["/limit", "/queue"]
    with pytest.raises(TypeError, match="use call_async"):
        Bulkhead(1).call(asyncio.sleep, 0)


# Hedge: event loops whose time jumps to the next timer


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.jumped = 0.0

    def time(self):
        return self.jumped

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.jumped = max(self.jumped, self._scheduled[0].when())
        super()._run_once()


def run_asyncio(main):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def run_trio(main):
    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


class Asyncio:
    run = staticmethod(run_asyncio)
    sleep = staticmethod(asyncio.sleep)
    now = staticmethod(lambda: asyncio.get_running_loop().time())
    cancelled = asyncio.CancelledError


class Trio:
    run = staticmethod(run_trio)
    sleep = staticmethod(trio.sleep)
    now = staticmethod(trio.current_time)
    cancelled = trio.Cancelled


@pytest.fixture(params=[Asyncio, Trio])
def host(request):
    return request.param


class Attempts:
    """Attempts that each take a time and then return or raise; remembers when they started and which were cancelled."""

    def __init__(self, host, *plans):
        self.host, self.plans = host, list(plans)
        self.started, self.cancelled = [], []

    async def __call__(self):
        number = len(self.started)
        self.started.append(round(self.host.now() - self.began, 6))
        seconds, result = self.plans[number]
        try:
            await self.host.sleep(seconds)
        except self.host.cancelled:
            self.cancelled.append(number + 1)
            raise
        if isinstance(result, BaseException):
            raise result
        return result

    def under(self, hedge):
        async def main():
            self.began = self.host.now()
            try:
                return await hedge.run(self), round(self.host.now() - self.began, 6)
            except Exception as error:
                return error, round(self.host.now() - self.began, 6)

        return self.host.run(main)


def test_a_second_attempt_beside_a_slow_one_wins_and_the_loser_is_cancelled(host):
    attempts = Attempts(host, (10, "slow"), (1, "fast"))
    assert attempts.under(Hedge("200ms")) == ("fast", 1.2)
    assert (attempts.started, attempts.cancelled) == ([0, 0.2], [1])


def test_a_fast_first_attempt_is_alone(host):
    attempts = Attempts(host, (0.1, "first"))
    assert attempts.under(Hedge(0.2, attempts=5)) == ("first", 0.1)
    assert attempts.started == [0]


def test_a_failure_starts_the_next_at_once(host):
    attempts = Attempts(host, (0.05, ConnectionError("one")), (10, "late"), (0.1, "third"))
    assert attempts.under(Hedge(0.2, attempts=3)) == ("third", 0.35)
    assert (attempts.started, attempts.cancelled) == ([0, 0.05, 0.25], [2])


def test_when_all_fail_the_last_error_leaves_as_it_came(host):
    last = ValueError("last")
    attempts = Attempts(host, (5, last), (0.1, ConnectionError("second")))
    found, after = attempts.under(Hedge(0.2))
    assert found is last and after == 5


def test_an_error_that_on_does_not_name_ends_the_call(host):
    fatal = KeyError("fatal")
    attempts = Attempts(host, (10, "slow"), (0.1, fatal), (1, "never"))
    found, after = attempts.under(Hedge(0.2, attempts=3, on=ConnectionError))
    assert found is fatal and after == 0.3
    assert (attempts.started, attempts.cancelled) == ([0, 0.2], [1])


def test_a_server_pushes_the_next_attempt_away_or_forbids_it(host):
    busy = undaunted.HttpError(503, headers={"Retry-After": "3"})
    attempts = Attempts(host, (0.1, busy), (0.1, "second"))
    assert attempts.under(Hedge(0.2)) == ("second", 3.2)
    no = undaunted.HttpError(503, headers={"x-should-retry": "false"})
    attempts = Attempts(host, (0.1, no), (0.1, "never"))
    assert attempts.under(Hedge(0.2)) == (no, 0.1)


def test_a_broken_on_ends_the_call_with_its_own_error(host):
    broken = ZeroDivisionError("broken")

    def on(error):
        raise broken

    attempts = Attempts(host, (0.1, ConnectionError("first")))
    assert attempts.under(Hedge(1, on=on)) == (broken, 0.1)


def test_jitter_is_that_of_the_seed(host):
    attempts = Attempts(host, (10, "slow"), (0, "fast"))
    attempts.under(Hedge(1, jitter=1, seed=3))
    assert attempts.started[1] == round(1 + undaunted._core.uniform(undaunted._core.word(3, "hedge", 1), 1_000_000) / 1e6, 6)


def test_cancelling_the_call_cancels_every_attempt():
    attempts = Attempts(Asyncio, (10, "slow"), (10, "slow"))

    async def main():
        attempts.began = 0
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(Hedge(0.2).run(attempts), 1)
        return asyncio.get_running_loop().time()

    assert run_asyncio(main) == 1
    assert sorted(attempts.cancelled) == [1, 2]

    attempts = Attempts(Trio, (10, "slow"), (10, "slow"))

    async def main_trio():
        attempts.began = 0
        with trio.move_on_after(1):
            await Hedge(0.2).run(attempts)

    run_trio(main_trio)
    assert sorted(attempts.cancelled) == [1, 2]


def test_ten_thousand_hedged_calls_have_one_winner_each():
    started, cancelled = [], []

    async def attempt(n):
        first = n not in started_once
        started_once.add(n)
        started.append(n)
        try:
            await asyncio.sleep(10 if first else 1)
        except asyncio.CancelledError:
            cancelled.append(n)
            raise
        return n

    started_once = set()

    async def main():
        hedge = Hedge("100ms")
        return await asyncio.gather(*(hedge.run(attempt, n) for n in range(10_000)))

    assert run_asyncio(main) == list(range(10_000))
    assert (len(started), sorted(cancelled)) == (20_000, list(range(10_000)))


def test_mistakes_of_a_hedge_and_a_throttle():
    with pytest.raises(undaunted.PolicyError) as refused:
        Hedge("200", attempts=0)
    assert [code for code, _, _ in refused.value.problems] == ["bad_duration", "out_of_range"]
    with pytest.raises(undaunted.PolicyError, match="k is 0.5, allowed 1 to 100"):
        Throttle(k=0.5)


def test_errors_pickle():
    full = pickle.loads(pickle.dumps(BulkheadFull(3, 4, "db")))
    assert (full.limit, full.queue, full.name) == (3, 4, "db")
    assert pickle.loads(pickle.dumps(Throttled("db"))).name == "db"


def test_a_hedge_pays_for_all_but_the_first_attempt():
    budget = undaunted.Budget("hedged", capacity=3, cost=1)
    hedge = Hedge(0, attempts=9, budget=budget)
    started = []

    async def search():
        started.append(budget.tokens)
        if len(started) < 4:
            await asyncio.Event().wait()
        return len(started)

    assert hedge.budget is budget
    assert asyncio.run(hedge.run(search)) == 4
    # All are started before one of them runs.
    assert started == [0.0, 0.0, 0.0, 0.0]
    # The success gives back what the last attempt took.
    assert budget.tokens == 1.0


def test_with_nothing_left_only_the_first_attempt_starts():
    budget = undaunted.Budget("hedged empty", capacity=1, cost=1)
    calls = []

    async def fails():
        calls.append(1)
        raise ConnectionError("down")

    async def twice():
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await Hedge(0, attempts=2, budget="hedged empty").run(fails)

    asyncio.run(twice())
    assert (len(calls), budget.tokens) == (3, 0.0)
    trio.run(twice)
    assert len(calls) == 5


def test_a_hedge_shares_a_budget_with_retries(flaky):
    budget = undaunted.Budget("hedged and retried", capacity=2, cost=1)
    policy = undaunted.Policy(budget=budget, attempts=3, backoff=["0s"], jitter="none", timeout=None)
    with pytest.raises(ConnectionResetError):
        policy.call(flaky(9))
    calls = []

    async def fails():
        calls.append(1)
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        asyncio.run(Hedge(0, budget={"name": "hedged and retried", "capacity": 2, "cost": 1}).run(fails))
    assert (len(calls), budget.tokens) == (1, 0.0)


def test_a_cancelled_race_keeps_what_it_paid():
    budget = undaunted.Budget("hedged cancelled", capacity=5, cost=1)

    async def main():
        task = asyncio.ensure_future(Hedge(0, attempts=3, budget=budget).run(asyncio.Event().wait))
        await rounds()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert budget.tokens == 3.0


def test_ten_thousand_hedged_calls_lose_no_token():
    budget = undaunted.Budget("hedged many", capacity=15_000, cost=1, refund=False, reward=0)

    async def fails():
        raise ConnectionError("down")

    async def main():
        hedge = Hedge(0, attempts=2, budget=budget)
        return await asyncio.gather(*(hedge.run(fails) for _ in range(10_000)), return_exceptions=True)

    assert len(asyncio.run(main())) == 10_000
    assert budget.tokens == 5_000.0
