"""Budgets: shared by name, taken before the wait, handed back, never in the way of a success."""

import asyncio
import gc
import pickle
import threading
import time

import pytest

import undaunted
from undaunted import Budget, Policy, PolicyError

STEADY = {"jitter": "none", "initial": "1s", "timeout": None}


def codes(error):
    return [(code, pointer) for code, pointer, _ in error.value.problems]


def test_a_retry_takes_its_cost_and_a_success_after_it_gives_that_back(flaky):
    budget = Budget("refunds", capacity=20, cost=6)
    policy = Policy(budget=budget, **STEADY)
    seen = []
    policy = policy.replace(on_event=lambda event: seen.append((event.kind, budget.tokens)))
    assert policy.call(flaky(1)) == "done"
    assert seen == [("attempt", 20.0), ("scheduled", 14.0), ("attempt", 14.0), ("success", 20.0)]


def test_a_first_success_gives_the_reward(flaky):
    budget = Budget("rewards", capacity=20, cost=6, reward=0.5)
    with pytest.raises(ConnectionResetError):
        Policy(budget=budget, attempts=2, **STEADY).call(flaky(9))
    Policy(budget=budget, **STEADY)(flaky(0))()
    assert budget.tokens == 14.5


def test_an_empty_budget_ends_the_call_with_its_own_error_and_says_whose_limit_it_is(flaky):
    function = flaky(9)
    policy = Policy(budget={"name": "empty", "capacity": 1, "cost": 1}, **STEADY)
    with pytest.raises(ConnectionResetError) as error:
        policy.call(function)
    assert function.calls == 2
    history = undaunted.history(error.value)
    assert history.reason == "budget"
    assert "this client's own allowance" in error.value.__notes__[0]


def test_a_result_that_is_given_up_for_the_budget_says_so():
    policy = Policy(budget={"name": "results", "capacity": 1, "cost": 1}, retry_if_result=lambda result: True, **STEADY)
    with pytest.raises(undaunted.GaveUp) as error:
        policy.call(lambda: 5)
    assert (error.value.reason, error.value.result) == ("budget", 5)


def test_policies_share_a_budget_by_its_name(flaky):
    written = {"name": "shared", "capacity": 10, "cost": 5}
    first, second = Policy(budget=written), Policy(budget=written, attempts=2)
    assert first.budget is second.budget is Budget("shared", capacity=10, cost=5)
    assert Policy(budget="shared").budget is first.budget
    assert Policy.parse(first.dump()).budget is first.budget
    assert first.replace(attempts=3).budget is first.budget


def test_a_name_that_nobody_knows_is_refused():
    with pytest.raises(PolicyError) as error:
        Policy(budget="nobody")
    assert codes(error) == [("missing_budget", "/budget")]


def test_a_name_with_other_options_is_refused():
    kept = Budget("taken", capacity=5)
    with pytest.raises(PolicyError) as error:
        Budget("taken", capacity=6)
    assert codes(error) == [("other_budget", "/budget")]
    assert kept.tokens == 5.0


def test_a_budget_lives_as_long_as_somebody_holds_it(flaky):
    policy = Policy(budget={"name": "held", "capacity": 1, "cost": 1}, attempts=2, **STEADY)
    with pytest.raises(ConnectionResetError):
        policy.call(flaky(9))
    assert policy.budget.tokens == 0.0
    del policy
    gc.collect()
    assert Budget("held", capacity=1, cost=1).tokens == 1.0
    Budget("held", capacity=2)


def test_mistakes_are_told_at_once():
    with pytest.raises(PolicyError) as error:
        Policy(budget={"capacity": 0, "ttl": 5, "speed": 1}, attempts=0)
    assert codes(error) == [
        ("out_of_range", "/budget/capacity"), ("unknown_option", "/budget/speed"), ("out_of_range", "/attempts"),
    ]


def test_times_are_seconds_in_python():
    assert Budget("seconds", mode="window", ttl=2.5).options["ttl"] == "2500ms"


def test_a_wait_that_is_interrupted_hands_its_tokens_back(flaky, monkeypatch):
    budget = Budget("interrupted", capacity=20, cost=6)

    def interrupt(seconds):
        assert budget.tokens == 14.0
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Policy(budget=budget, **STEADY).call(flaky(9))
    assert budget.tokens == 20.0


def test_a_wait_that_is_cancelled_hands_its_tokens_back(flaky):
    budget = Budget("cancelled", capacity=20, cost=6)

    async def main():
        task = asyncio.create_task(Policy(budget=budget, **STEADY).call_async(flaky(9).later))
        await asyncio.sleep(0)
        assert budget.tokens == 14.0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert budget.tokens == 20.0


def test_a_wait_that_cancel_ends_hands_its_tokens_back(flaky):
    budget, cancel = Budget("ended", capacity=20, cost=6), threading.Event()

    class Ends:
        is_set = staticmethod(cancel.is_set)

        @staticmethod
        def wait(seconds):
            cancel.set()

    with pytest.raises(ConnectionResetError) as error:
        Policy(budget=budget, cancel=Ends, **STEADY).call(flaky(9))
    assert undaunted.history(error.value).reason == "cancelled"
    assert budget.tokens == 20.0


def test_an_exception_group_pays_once():
    budget = Budget("groups", capacity=20, cost=6)
    calls = []

    def fails():
        calls.append(1)
        raise ExceptionGroup("both", [ConnectionResetError(), BrokenPipeError(), TimeoutError()])

    with pytest.raises(ExceptionGroup):
        Policy(budget=budget, attempts=2, **STEADY).call(fails)
    assert (len(calls), budget.tokens) == (2, 14.0)


def test_the_next_delay_is_told_for_nothing(flaky):
    budget = Budget("asked", capacity=20, cost=6)
    for attempt in undaunted.retry_context(budget=budget, **STEADY):
        with attempt:
            assert attempt.next_delay == 1.0
    assert budget.tokens == 20.0


def test_a_blocks_success_is_rewarded_and_its_failure_paid(flaky):
    budget, function = Budget("blocks", capacity=20, cost=6), flaky(1)
    for attempt in undaunted.retry_context(budget=budget, **STEADY):
        with attempt:
            function()
    assert budget.tokens == 20.0


def test_thirty_two_threads_lose_no_token(waits):
    budget = Budget("threads", capacity=10_000, cost=1)
    policy = Policy(budget=budget, attempts=11, jitter="none", backoff=["0s"], timeout=None)

    def fails():
        raise ConnectionResetError

    def work():
        for _ in range(25):
            try:
                policy.call(fails)
            except ConnectionResetError:
                pass

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.tokens == 10_000 - 32 * 25 * 10


def test_ten_thousand_tasks_lose_no_token():
    budget = Budget("tasks", capacity=20_000, cost=1, refund=False, reward=0)
    policy = Policy(budget=budget, attempts=3, jitter="none", backoff=["0s"], timeout=None)

    async def fails():
        await asyncio.sleep(0)
        raise ConnectionResetError

    async def main():
        return await asyncio.gather(*(policy.call_async(fails) for _ in range(10_000)), return_exceptions=True)

    assert len(asyncio.run(main())) == 10_000
    assert budget.tokens == 0.0


def test_fifty_threads_make_one_budget_of_a_name():
    made = []
    start = threading.Barrier(50)

    def make():
        start.wait()
        made.append(Budget("raced", capacity=7))

    threads = [threading.Thread(target=make) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, made))) == 1 and len(made) == 50


def test_a_budget_and_its_policy_survive_a_pickle():
    budget = Budget("pickled", mode="failures", capacity=20, reward=0.25)
    assert pickle.loads(pickle.dumps(budget)) is budget
    policy = Policy(budget=budget)
    assert pickle.loads(pickle.dumps(policy)).budget is budget
    assert policy == Policy(budget=budget.options)
    assert eval(repr(budget)) is budget


def test_testing_has_budgets_of_its_own(flaky):
    policy = Policy(budget={"name": "in tests", "capacity": 2, "cost": 1}, on=ConnectionError, **STEADY)
    for _ in range(2):
        with undaunted.testing() as t, pytest.raises(ConnectionResetError):
            policy.call(flaky(9))
        assert t.waits == [1.0, 2.0]
    assert policy.budget.tokens == 2.0


def test_the_preset_aws_spends_35_retries_in_an_outage(flaky):
    policy = Policy.preset("aws", budget={"name": "outage"})
    retries = 0
    for _ in range(40):
        function = flaky(9)
        with pytest.raises(ConnectionResetError):
            policy.call(function)
        retries += function.calls - 1
    assert retries == 35  # 500 tokens at 14


def test_in_mode_failures_retries_stop_at_half(flaky):
    policy = Policy.preset("grpc", budget={"name": "halved", "mode": "failures"}, attempts=100)
    function = flaky(99)
    with pytest.raises(ConnectionResetError):
        policy.call(function)
    assert function.calls == 5  # gRPC's 10 tokens: four retries, then none
