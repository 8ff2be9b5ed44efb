"""Calls that a queue goes on with, under a budget that a fleet shares: what they retry is paid for like any other retry."""

import asyncio
import itertools

import pytest
import redis.asyncio
from processes import until

import undaunted
from undaunted import Policy, fleet

# Six retries, then nothing but what successes give.
SIX = {"capacity": 60, "cost": 10, "reward": 1}
QUEUE = {"attempts": 100, "backoff": [0], "jitter": "none", "timeout": None}


#: A budget is the process's budget of its name, so each test has a name of its own.
names = (f"queue-{number}" for number in itertools.count())


@pytest.fixture
def store(redis_server):
    store = fleet.Store(f"redis://127.0.0.1:{redis_server.port}/0", timeout=1.0, every=0.01)
    yield store
    store.close()


@pytest.fixture
def queue(store):
    return Policy(**QUEUE, budget=fleet.Budget(next(names), store, **SIX))


def balance(server, policy):
    with server.client() as admin:
        return int(admin.hget(f"undaunted:{{{policy.budget.name}}}:budget", "tokens")) / 1e6


def given_up():
    """The token of a call that a service gave up."""
    with pytest.raises(ConnectionResetError) as error:
        Policy(attempts=1).call(fails)
    return undaunted.resume_token(error.value)


def fails():
    raise ConnectionResetError("no")


def retries(call):
    made = 0
    while call.failed(ConnectionResetError("no")) is not None:
        made += 1
        assert made < 100
    return made, call.reason


async def retries_async(call):
    made = 0
    while await call.failed_async(ConnectionResetError("no")) is not None:
        made += 1
        assert made < 100
    return made, call.reason


def test_failures_of_a_resumed_call_ask_the_store(queue, redis_server):
    assert retries(queue.resume()) == (6, "budget")
    assert balance(redis_server, queue) == 0


def test_so_they_do_awaited(queue, store, redis_server):
    async def main():
        call = await queue.resume_async()
        assert await retries_async(call) == (6, "budget")
        assert await call.failed_async(ConnectionResetError("no")) is None
        await store.aclose()

    asyncio.run(main())
    assert balance(redis_server, queue) == 0


def test_what_a_service_gave_up_is_retried_as_often_as_the_fleet_allows(queue, redis_server):
    calls = [queue.resume(given_up()) for _ in range(10)]
    assert [call.delay for call in calls] == [0.0] * 6 + [None] * 4
    assert [call.reason for call in calls] == [None] * 6 + ["budget"] * 4
    assert balance(redis_server, queue) == 0
    # Refused here, it may go on elsewhere.
    assert Policy(**QUEUE).resume(calls[-1].token).delay == 0.0


def test_so_it_is_awaited(queue, store):
    async def main():
        calls = [await queue.resume_async(given_up()) for _ in range(10)]
        assert [call.reason for call in calls] == [None] * 6 + ["budget"] * 4
        await store.aclose()

    asyncio.run(main())


def test_a_call_whose_next_attempt_is_due_has_paid(queue, redis_server):
    call = queue.resume()
    assert call.failed(ConnectionResetError("no")) == 0.0
    for _ in range(20):
        call = queue.resume(call.token)
        assert call.delay == 0.0
    assert balance(redis_server, queue) == 50


def test_a_success_is_told_without_another_call(queue, redis_server):
    call = queue.resume()
    call.failed(ConnectionResetError("no"))
    call.succeeded()
    until(lambda: balance(redis_server, queue) == 51)


def test_a_store_with_a_client_of_asyncio_alone_is_awaited_or_refused_before_anything_is_decided(redis_server):
    async def main():
        client = redis.asyncio.Redis(port=redis_server.port)
        store = fleet.Store(async_client=client, timeout=1.0)
        policy = Policy(**QUEUE, budget=fleet.Budget(next(names), store, **SIX))
        token = given_up()
        with pytest.raises(TypeError, match="an asyncio client alone"):
            policy.resume(token)
        call = await policy.resume_async(token)
        with pytest.raises(TypeError, match="an asyncio client alone"):
            call.failed(ConnectionResetError("no"))
        assert await retries_async(call) == (5, "budget")  # to go on took the sixth
        await store.aclose()
        await client.aclose()

    asyncio.run(main())
