"""A fleet's guards without a server, or with one that answers what it should not."""

import asyncio
import socket
import subprocess
import sys
import threading

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

import undaunted
from undaunted import Policy, PolicyError, fleet, history
from undaunted._store import now

SIX = {"capacity": 60, "cost": 10, "reward": 0, "refund": False}
AT_ONCE = {"backoff": [0], "jitter": "none", "timeout": None}


class Liar:
    """Answers each command the same, or nothing."""

    def __init__(self, answer):
        self.answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                if self.answer is None:
                    connection.close()
                    continue
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _talk(self, connection):
        try:
            while data := connection.recv(65536):
                # A command begins with the count of its words.
                for _ in range(data.count(b"\r\nCLIENT\r\n") + data.count(b"\r\nEVAL")):
                    connection.sendall(self.answer)
        except OSError:
            return

    def close(self):
        self._listener.close()
        for connection in self._open:
            connection.close()


@pytest.fixture
def liar():
    made = []

    def make(answer):
        made.append(Liar(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


ANSWERS = {
    "closes": None,
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "read only": b"-READONLY You can't write against a read only replica.\r\n",
    "out of memory": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "cluster down": b"-CLUSTERDOWN The cluster is down\r\n",
    "moved": b"-MOVED 1 127.0.0.1:1\r\n",
    "no script, ever": b"-NOSCRIPT No matching script.\r\n",
    "no auth": b"-NOAUTH Authentication required.\r\n",
    "a word": b"+OK\r\n",
    "a number": b":7\r\n",
    "nil": b"$-1\r\n",
    "too few": b"*2\r\n:1\r\n:2\r\n",
    "words": b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
    "below zero": b"*3\r\n:1\r\n:-5\r\n:1\r\n",
    "too large": b"*3\r\n:1\r\n:1\r\n$30\r\n999999999999999999999999999999\r\n",
    "garbage": b"\x00\xff\x00 garbage\r\n\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


def fails():
    raise ConnectionResetError("no")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("answer", list(ANSWERS))
def test_no_error_of_a_store_ever_reaches_a_caller(liar, answer, is_async):
    told = []
    name = f"liar {answer} {is_async}"
    store = fleet.Store(f"redis://127.0.0.1:{liar(ANSWERS[answer]).port}", timeout=5, on_event=lambda event: told.append(event))
    budget = fleet.Budget(name, store, **SIX)
    policy = Policy(budget=budget, attempts=5, **AT_ONCE)

    async def fails_later():
        fails()

    async def main():
        with pytest.raises(ConnectionResetError) as error:
            await policy.call_async(fails_later)
        await store.aclose()
        return error

    if is_async:
        error = asyncio.run(main())
    else:
        with pytest.raises(ConnectionResetError) as error:
            policy.call(fails)
    assert (len(history(error.value)), history(error.value).reason) == (5, "attempts")
    assert [event.kind for event in told] == ["lost"]
    assert isinstance(told[0].error, Exception)
    assert "lost" in repr(told[0])
    store.close()
    assert 2 == budget.tokens // 10


def test_clients_that_never_give_up_or_send_twice_are_refused():
    once = Retry(NoBackoff(), 0)
    for options, text in [
        ({"socket_timeout": None, "retry": once}, "socket_timeout is None, allowed a number of seconds"),
        ({"socket_timeout": 0.05, "retry": Retry(NoBackoff(), 3)}, "retries 3 times by itself, allowed 0"),
    ]:
        with pytest.raises(ValueError, match=text):
            fleet.Store(redis.Redis(**options))
    fleet.Store(redis.Redis(socket_timeout=5, retry=once))
    fleet.Store("redis://localhost?socket_timeout=9")


def test_wrong_arguments_are_refused():
    for make, text in [
        (lambda: fleet.Store(), "no client is given"),
        (lambda: fleet.Store(7), "the client is 7, allowed a URL"),
        (lambda: fleet.Store("redis://localhost", redis.asyncio.Redis()), "a URL is given beside async_client"),
        (lambda: fleet.Store(redis.asyncio.Redis()), "an asynchronous Redis, allowed a synchronous one here"),
        (lambda: fleet.Store(async_client=redis.Redis()), "async_client is a redis Redis"),
        (lambda: fleet.Store("redis://localhost", on_event=7), "on_event is 7"),
        (lambda: fleet.Store("redis://localhost", prefix=7), "prefix is 7"),
        (lambda: fleet.Budget("x", "redis://localhost"), "the store is 'redis://localhost', allowed a Store"),
        (lambda: fleet.Throttle(None, store()), "name is None"),
    ]:
        with pytest.raises(TypeError, match=text):
            make()
    for make, text in [
        (lambda: fleet.Store("localhost"), "Redis URL"),
        (lambda: fleet.Store("redis://localhost", timeout=0), "timeout is 0, allowed 0.001 s to 10 s"),
        (lambda: fleet.Store("redis://localhost", every="61s"), "every is '61s', allowed 0.01 s to 60 s"),
        (lambda: fleet.Store("redis://localhost", prefix="{a}"), "no braces"),
        (lambda: fleet.Bulkhead("a", store(), 1, lease=0.5), "lease is 0.5, allowed 1 s to 86400 s"),
        (lambda: fleet.Budget("a}", store()), "no braces"),
    ]:
        with pytest.raises(ValueError, match=text):
            make()
    for make in (
        lambda: fleet.Budget("wrong", store(), capacity=-1),
        lambda: fleet.Breaker("wrong", store(), probes=-1),
        lambda: fleet.Bulkhead("wrong", store(), 0),
        lambda: fleet.Throttle("wrong", store(), k=0),
    ):
        with pytest.raises(PolicyError):
            make()


def store(**options):
    """One that nothing answers."""
    return fleet.Store("redis://127.0.0.1:1", on_event=lambda event: None, **options)


def test_a_name_is_shared_in_one_store():
    one, other = store(), store()
    fleet.Budget("twice", one, **SIX)
    fleet.Budget("twice", one, **SIX)
    fleet.Breaker("twice", one)
    for make in (lambda: fleet.Budget("twice", other, **SIX), lambda: fleet.Breaker("twice", other)):
        with pytest.raises(ValueError, match="is shared in another store already"):
            make()
    with pytest.raises(PolicyError):
        fleet.Budget("twice", one, capacity=1)
    one.close()
    assert isinstance(fleet.Budget("twice", other, **SIX), fleet.Budget)
    other.close()


def test_what_a_policy_names_is_shared_with_its_options():
    policy = Policy.parse('{"budget": {"name": "shared-file", "capacity": 28}, "breaker": {"name": "shared-file", "min_calls": 3, "initial": "7s"}}')
    store = fleet.Store("redis://127.0.0.1:1")
    fleet.share(policy, store)
    fleet.share(policy, store)
    assert isinstance(policy.budget, fleet.Budget)
    assert policy._is_of_fleet()
    with pytest.raises(ValueError, match="shared in another store already"):
        fleet.share(policy, fleet.Store("redis://127.0.0.1:2"))
    with pytest.raises(ValueError, match="neither a budget nor a breaker, allowed one that names either"):
        fleet.share(Policy(), store)
    store.close()


def test_a_store_without_a_client_for_the_use_is_refused():
    once = Retry(NoBackoff(), 0)
    with_sync = fleet.Store(redis.Redis(socket_timeout=0.05, socket_connect_timeout=0.05, retry=once))
    with_async = fleet.Store(async_client=redis.asyncio.Redis())
    fleet.Budget("sync", with_sync, **SIX)
    fleet.Budget("async", with_async, **SIX)

    async def later():
        return 1

    with pytest.raises(TypeError, match="the store has an asyncio client alone"):
        Policy(budget="async").call(lambda: 1)
    with pytest.raises(TypeError, match="the store has a synchronous client alone"):
        asyncio.run(Policy(budget="sync").call_async(later))
    with pytest.raises(TypeError, match="the store has an asyncio client alone"), fleet.Bulkhead("a", with_async, 1):
        pass


def test_in_testing_no_guard_goes_to_its_store():
    lost = []
    there = fleet.Store("redis://127.0.0.1:1", on_event=lost.append)
    fleet.Budget("tested", there, **SIX)
    breaker = fleet.Breaker("tested", there, window_calls=2, min_calls=2, jitter="none")
    bulkhead = fleet.Bulkhead("tested", there, 1)
    throttle = fleet.Throttle("tested", there)
    policy = Policy(budget="tested", breaker="tested", attempts=9, **AT_ONCE)
    with undaunted.testing():
        with pytest.raises(ConnectionResetError) as error:
            policy.call(fails)
        assert history(error.value).reason == "breaker_open"
        assert breaker.state == "open"
        with pytest.raises(undaunted.BreakerOpen):
            breaker.call(lambda: 1)
        with bulkhead, pytest.raises(undaunted.BulkheadFull):
            bulkhead.call(lambda: 1)
        throttle.call(lambda: 1)
        assert throttle.snapshot() == {"requests": 1, "accepts": 1}
        assert bulkhead.snapshot()["running"] == 0
    with undaunted.testing():
        assert breaker.state == "closed"
        assert throttle.snapshot() == {"requests": 0, "accepts": 0}
    assert throttle.snapshot() == {"requests": 0, "accepts": 0}
    assert not breaker._state.core.has_notes()
    assert lost == []


def test_without_redis_py_it_says_what_to_install():
    program = "import sys; sys.modules['redis'] = None\nfrom undaunted import fleet\nfleet.Store('redis://localhost')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert 'run pip install "undaunted[redis]"' in done.stderr


def test_policies_without_a_fleet_load_nothing_of_it():
    program = """
import sys
import undaunted
policy = undaunted.Policy(budget={"name": "local"}, breaker={"name": "local"})
policy.call(lambda: 1)
assert not {"undaunted._store", "undaunted._links", "undaunted.fleet", "redis"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_hook_of_the_store_that_raises_is_reported():
    def broken(event):
        raise KeyError("mine")

    there = fleet.Store("redis://127.0.0.1:1", on_event=broken)
    fleet.Budget("broken", there, **SIX)
    with pytest.warns(RuntimeWarning, match="on_event of the store raised KeyError"), pytest.raises(ConnectionResetError):
        Policy(budget="broken", attempts=2, **AT_ONCE).call(fails)
    there.close()


def test_an_answer_that_a_newer_one_overtook_is_over():
    there = fleet.Store("redis://127.0.0.1:1")
    budget, breaker = fleet.Budget("overtaken", there, **SIX), fleet.Breaker("overtaken", there)
    link = budget._link
    first, second = link.ask(None), link.ask(10_000_000)
    link.read(second, [1, 30_000_000, 2], now())
    link.read(first, [0, 50_000_000, 1], now())
    assert (budget.tokens, second.granted) == (30, True)
    link = breaker._state.link
    first, second, third = link.look(), link.look(), link.look()
    assert first.words[12:14] == ["look", ""]
    link.read(second, [1, 7, 0, 5_000_000, 0, 0, 0, 1, 0, 4], now())
    link.read(first, [0, 6, 0, 0, 0, 0, 0, 0, 0, 3], now())
    assert breaker.state == "open"
    assert link.look().words[13] == 7
    link.read(link.look(), [2, 8, 0, 60_000_000, 0, 0, 0, 1, 3, 4], now())
    assert breaker._state.core.permit(now())[0] > 0, "it has no probe"
    # Asked before, and of the state that it is in: its probe counts.
    link.read(third, [2, 8, 5, 60_000_000, 0, 0, 0, 1, 3, 4], now())
    assert breaker._state.core.permit(now()) == (None, 8, 5)


def test_a_store_that_is_back_hears_what_was_taken_before_it_is_asked_for_more():
    told = []
    there = fleet.Store("redis://127.0.0.1:1", on_event=lambda event: told.append(event.kind))
    budget = fleet.Budget("back", there, **SIX)
    link = budget._link

    def retries(count):
        with pytest.raises(ConnectionResetError) as error:
            Policy(budget="back", attempts=1 + count, **AT_ONCE).call(fails)
        assert len(history(error.value)) == 1 + count

    retries(2)
    search = link.look()
    # It may be heard long after nobody waits for it, so it says nothing.
    assert search.words[-4:] == [0, 0, 0, 0]
    retries(1)
    search.reply = [0, 40_000_000, 1]
    # Its answer alone takes nothing away: others may not have answered.
    link.read(search, search.reply, now())
    retries(1)
    there._found([search])
    assert told == ["lost", "back"]
    retries(1)
    [question] = there._noted()
    assert question.words[-4:] == [0, 50_000_000, 0, 0]
    link.read(question, [0, 10_000_000, 1], now())
    assert budget.tokens == 10
    assert link.ask(10_000_000).words[-4:] == [0, 0, 10_000_000, 1]
