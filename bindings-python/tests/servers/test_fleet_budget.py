"""A fleet's budgets over a real Redis: what all processes share, and what that costs a call."""

import asyncio
import json
import subprocess
import sys

import pytest
import redis
import redis.asyncio
import trio
from fleet_calls import AT_ONCE, SIX, commands, fails, leave_loop, retries_of, retries_of_async, url
from processes import until

import undaunted
from undaunted import Policy, fleet, history


def test_a_policy_asks_the_store_and_is_refused_as_by_a_local_budget(server, stores):
    budget = fleet.Budget("refused", stores(server), **SIX)
    policy = Policy(budget="refused", attempts=10, **AT_ONCE)
    assert policy.budget is budget
    assert isinstance(budget, undaunted.Budget)
    assert retries_of(policy) == (6, "budget")
    assert retries_of(policy) == (0, "budget")
    assert budget.tokens == 0
    with pytest.raises(ConnectionResetError) as error:
        policy.call(fails)
    assert "this client's own" in error.value.__notes__[0]
    assert [attempt.delay for attempt in history(error.value)] == [None]
    assert stores.told == []


def test_a_policy_made_before_shares_too(server, stores):
    policy = Policy(budget={"name": "before", **SIX}, attempts=10, **AT_ONCE)
    local = policy.budget
    budget = fleet.Budget("before", stores(server), **SIX)
    assert budget is local
    assert retries_of(policy) == (6, "budget")
    with server.client() as admin:
        assert admin.keys("undaunted:{before}:budget")


def test_events_tell_of_a_wait_only_after_the_store_granted(server, stores):
    fleet.Budget("events", stores(server), **SIX)
    kinds = []
    policy = Policy(budget="events", attempts=10, on_event=lambda event: kinds.append((event.kind, event.reason)), **AT_ONCE)
    retries_of(policy)
    assert kinds == [("attempt", None), ("scheduled", None)] * 6 + [("attempt", None), ("gave_up", "budget")]


@pytest.mark.parametrize("client", ["url", "client"])
def test_asyncio_is_as_exact(server, stores, client):
    async def main():
        if client == "url":
            store = stores(server, timeout=10)
        else:
            given = redis.asyncio.Redis(port=server.port)
            store = fleet.Store(async_client=given, timeout=10, every=0.01)
        fleet.Budget(f"asyncio-{client}", store, **SIX)
        kinds = []
        policy = Policy(budget=f"asyncio-{client}", attempts=3, on_event=lambda event: kinds.append(event.kind), **AT_ONCE)
        made = await asyncio.gather(*(retries_of_async(policy) for _ in range(40)))
        assert sum(count for count, _ in made) == 6 == kinds.count("scheduled")
        assert kinds.count("gave_up") == 40
        assert {reason for _, reason in made} == {"budget", "attempts"} or {reason for _, reason in made} == {"budget"}
        await store.aclose()
        if client == "client":
            await given.aclose()

    asyncio.run(main())


def test_trio_asks_in_a_thread(server, stores):
    fleet.Budget("trio", stores(server), **SIX)
    policy = Policy(budget="trio", attempts=10, **AT_ONCE)
    assert trio.run(retries_of_async, policy) == (6, "budget")


WORKER = """
import asyncio, json, sys, threading
import undaunted
from undaunted import Policy, fleet, history

url, kind, budget = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
made = []
store = fleet.Store(url, timeout=10)
fleet.Budget("shared", store, **budget)
policy = Policy(budget="shared", attempts=3, backoff=[0], jitter="none", timeout=None)
print("ready", flush=True)
sys.stdin.readline()

def fails():
    raise ConnectionResetError("no")

async def fails_later():
    raise ConnectionResetError("no")

def thread():
    for _ in range(20):
        try:
            policy.call(fails)
        except ConnectionResetError as error:
            made.append(len(history(error)) - 1)

async def task():
    for _ in range(20):
        try:
            await policy.call_async(fails_later)
        except ConnectionResetError as error:
            made.append(len(history(error)) - 1)

async def tasks():
    await asyncio.gather(*(task() for _ in range(20)))
    await store.aclose()

if kind == "threads":
    threads = [threading.Thread(target=thread) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
else:
    asyncio.run(tasks())
print(json.dumps(sum(made)))
"""


def test_two_processes_share_a_budget_exactly(server):
    budget = {"capacity": 1000, "cost": 10, "reward": 0, "refund": False}
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, url(server), kind, json.dumps(budget)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for kind in ("threads", "tasks")
    ]  # fmt: skip
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        made = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert sum(made) == 100, made
    with server.client() as admin:
        assert admin.zcard("undaunted:{shared}:members") == 2


def test_no_command_for_successes_that_are_not_counted_and_one_for_each_failure(server, stores):
    store = stores(server)
    fleet.Budget("counted", store, **SIX)
    policy = Policy(budget="counted", attempts=3, **AT_ONCE)
    for _ in range(100):
        policy.call(lambda: 1)
    store._flush()
    assert commands(server) == 0
    retries_of(policy)
    # The first is sent again, as the store does not know the script yet.
    with server.client() as admin:
        admin.config_resetstat()
    retries_of(policy)
    # Of three failures two ask for a retry; the third owes nothing, and is no news.
    assert commands(server) == 2


def test_successes_are_told_together(server, stores):
    store = stores(server, every=10)
    fleet.Budget("rewarded", store, capacity=1000, cost=10, reward=1)
    policy = Policy(budget="rewarded", attempts=3, **AT_ONCE)
    retries_of(policy)
    with server.client() as admin:
        admin.config_resetstat()
    for _ in range(7):
        policy.call(lambda: 1)
    assert commands(server) == 0
    store._flush()
    assert commands(server) == 1
    with server.client() as admin:
        assert admin.hget("undaunted:{rewarded}:budget", "tokens") == b"987000000"


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_successes_are_told_within_every(server, stores, kind):
    store = stores(server, every=0.01)
    fleet.Budget(f"timer-{kind}", store, capacity=1000, cost=10, reward=1)
    policy = Policy(budget=f"timer-{kind}", attempts=3, **AT_ONCE)

    async def works():
        return 1

    def is_told(admin):
        return admin.exists(f"undaunted:{{timer-{kind}}}:budget")

    async def main():
        await policy.call_async(works)
        with server.client() as admin:
            while not is_told(admin):
                await asyncio.sleep(0.001)
        await store.aclose()

    if kind == "asyncio":
        asyncio.run(asyncio.wait_for(main(), 30))
    else:
        policy.call(lambda: 1)
        with server.client() as admin:
            until(lambda: is_told(admin))


def test_what_is_noted_at_the_end_of_the_program_is_sent(server):
    program = f"""
from undaunted import Policy, fleet
store = fleet.Store({url(server)!r}, every=60, timeout=10)
fleet.Budget("exit", store, capacity=100, cost=10, reward=1)
Policy(budget="exit").call(lambda: 1)
"""
    # The last holder of the budget is the module's policy, which is gone by then unless it has a name.
    program = program.replace("Policy(budget", "policy = Policy(budget").replace(".call(lambda: 1)", "\npolicy.call(lambda: 1)")
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
    with server.client() as admin:
        assert admin.exists("undaunted:{exit}:budget")


def test_a_response_that_is_given_up_is_handed_over_as_with_a_local_budget(server, stores):
    import httpx

    from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport

    store = stores(server, timeout=10)
    fleet.Budget("http", store, **{**SIX, "capacity": 10})
    policy = Policy(budget="http", attempts=5, **AT_ONCE)
    transport = httpx.MockTransport(lambda request: httpx.Response(503, text="busy"))

    async def main():
        async with httpx.AsyncClient(transport=AsyncRetryingTransport(policy, transport)) as client:
            responses = [await client.get("http://localhost/") for _ in range(2)]
        await store._flush_async()
        await leave_loop(store)
        return [response.text for response in responses]

    assert asyncio.run(main()) == ["busy", "busy"]
    with httpx.Client(transport=RetryingTransport(policy, transport)) as client:
        assert client.get("http://localhost/").text == "busy"
    assert stores.told == []


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_result_that_is_given_up_says_budget(server, stores, form):
    store = stores(server, timeout=10)
    fleet.Budget(f"result-{form}", store, **{**SIX, "capacity": 10})
    policy = Policy(budget=f"result-{form}", attempts=5, retry_if_result=lambda result: True, **AT_ONCE)

    async def later():
        return 1

    async def main():
        try:
            await policy.call_async(later)
        finally:
            await store.aclose()

    with pytest.raises(undaunted.GaveUp) as error:
        policy.call(lambda: 1) if form == "sync" else asyncio.run(main())
    assert (error.value.reason, error.value.result, len(history(error.value))) == ("budget", 1, 2)
