"""A fleet's breakers over a real Redis: they open by what all saw, and one probe decides for all."""

import asyncio

import pytest
from fleet_calls import AT_ONCE, SIX, commands, fails, fails_later, leave_loop, retries_of
from processes import until

import undaunted
from undaunted import Policy, fleet, history

# It opens after four failures, for an hour, and one probe decides.
FOUR = {"window_calls": 4, "min_calls": 4, "initial": "1h", "max_delay": "1h", "jitter": "none", "probes": 1}


def breakers(server, stores, name, **options):
    """Two processes, as far as the store knows."""
    made = []
    for _ in range(2):
        made.append(fleet.Breaker(name, stores(server, every=10, timeout=10), **{**FOUR, **options}))
        # The name is free for the next, as in another process.
        undaunted._breaker.known._known.clear()
    return made


def trip(breaker, times):
    for _ in range(times):
        with pytest.raises(ConnectionResetError):
            breaker.call(fails)


def settled(breaker):
    """Once the store has answered all that it noted."""
    until(lambda: not breaker._core.has_notes())
    # Behind whatever is on its way.
    assert breaker._link.store._trip([breaker._link.look()])


def test_a_breaker_opens_for_all_by_what_all_saw(server, stores):
    one, other = breakers(server, stores, "opens")
    trip(one, 2)
    settled(one)
    assert (one.state, other.state) == ("closed", "closed")
    trip(other, 2)
    settled(other)
    until(lambda: other.state == "open")
    # The first hears of it with its next news.
    assert one.call(lambda: 1) == 1
    one._link.store._flush()
    assert one.state == "open"
    with pytest.raises(undaunted.BreakerOpen) as refused:
        one.call(lambda: 1)
    assert 3500 < refused.value.retry_in <= 3600
    assert refused.value.name == "opens"


SHORT = {"initial": "1ms", "max_delay": "1ms"}


def half_open(*breakers):
    """Once the time is over for which it is open."""
    for breaker in breakers:
        link = breaker._link
        until(lambda link=link, breaker=breaker: link.store._trip([link.look()]) and breaker.state == "half_open")


@pytest.mark.parametrize("form", ["call", "with", "policy", "call_async", "async with", "policy async"])
def test_one_probe_for_all_and_its_success_closes(server, stores, form):
    name = f"probe {form}"
    one, other = breakers(server, stores, name, **SHORT)
    trip(one, 4)
    settled(one)
    half_open(one, other)
    assert (one.state, other.state) == ("half_open", "half_open")
    seen = []

    def inside():
        """While the probe is out there is none for others."""
        with pytest.raises(undaunted.BreakerOpen):
            other.call(seen.append, "no")
        seen.append("probe")

    async def inside_later():
        with pytest.raises(undaunted.BreakerOpen):
            await other.call_async(fails_later)
        seen.append("probe")

    async def main():
        if form == "call_async":
            await one.call_async(inside_later)
        elif form == "async with":
            async with one:
                await inside_later()
        else:
            await policy_of(one, name).call_async(inside_later)
        for breaker in (one, other):
            await breaker._link.store._flush_async()
            await leave_loop(breaker._link.store)

    if form == "policy":
        policy_of(one, name).call(inside)
    elif form == "call":
        one.call(inside)
    elif form == "with":
        with one:
            inside()
    else:
        asyncio.run(main())
    one._link.store._flush()
    assert seen == ["probe"]
    assert one.state == "closed"
    assert other._link.store._trip([other._link.look()])
    assert other.state == "closed"


def policy_of(breaker, name):
    """A policy with this breaker, not that of the other process."""
    undaunted._breaker.known._known.clear()
    import weakref

    undaunted._breaker.known._known[name] = weakref.ref(breaker._state)
    return Policy(breaker=breaker, attempts=1, timeout=None, jitter="none")


def test_a_policy_without_a_probe_is_refused_before_its_first_attempt(server, stores):
    name = "refused first"
    one, other = breakers(server, stores, name, **SHORT)
    trip(one, 4)
    settled(one)
    half_open(one, other)
    called = []
    policy = policy_of(one, name)

    async def later():
        called.append(1)

    async def main():
        with pytest.raises(undaunted.BreakerOpen) as error:
            await policy.call_async(later)
        await leave_loop(one._link.store)
        return error

    with other:
        with pytest.raises(undaunted.BreakerOpen) as refused:
            policy.call(called.append, 1)
        refused_async = asyncio.run(main())
    assert called == []
    assert {history(error.value).reason for error in (refused, refused_async)} == {"breaker_open"}


def test_a_failure_and_its_retry_are_one_trip(server, stores):
    store = stores(server, every=10, timeout=10)
    fleet.Budget("trip", store, **SIX)
    breaker = fleet.Breaker("trip", store, window_calls=100)
    policy = Policy(budget="trip", breaker="trip", attempts=2, **AT_ONCE)
    retries_of(policy)
    settled(breaker)
    with server.client() as admin:
        admin.config_resetstat()
    retries_of(policy)
    settled(breaker)
    # Two failures: a retry with the first and a report with each; and the question of `settled`.
    assert commands(server) == 3 + 1
    assert breaker.snapshot()["state"] == "closed"
    with server.client() as admin:
        admin.config_resetstat()
    for _ in range(50):
        policy.call(lambda: 1)
    assert commands(server) == 0
    store._flush()
    assert commands(server) == 1


def test_a_breaker_goes_on_alone_without_its_store(own, stores):
    store = stores(own, timeout=1)
    breaker = fleet.Breaker("goes on", store, **FOUR)
    own.stop()
    trip(breaker, 1)
    until(lambda: stores.told)
    trip(breaker, 4)
    assert breaker.state == "open"
    with pytest.raises(undaunted.BreakerOpen):
        breaker.call(lambda: 1)
    assert [kind for kind, _ in stores.told] == ["lost"]
