"""A user's file: what must type-check, and, by the ignores that strict checkers refuse when unused, what must not."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from datetime import timedelta
from typing import Any, TypeVar, assert_type

import httpx
import redis
import redis.asyncio
import requests
import urllib3

import undaunted
from undaunted import Policy, fleet
from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport
from undaunted.adapters.requests import RetryingAdapter
from undaunted.adapters.urllib3 import Retry
from undaunted.compat import stamina
from undaunted.instrumentation.logging import LoggingHook
from undaunted.instrumentation.opentelemetry import OpenTelemetryHook
from undaunted.instrumentation.prometheus import PrometheusHook
from undaunted.instrumentation.structlog import StructlogHook
from undaunted.lab import Conversion, Estimate, Finding, convert, simulate_outage

T = TypeVar("T")


@undaunted.retry
def bare(count: int, *, text: str = "") -> bytes:
    return text.encode() * count


@undaunted.retry(on=OSError, attempts=3, timeout="30s", initial=timedelta(milliseconds=100), jitter={"proportional": 0.2})
def parse(count: int) -> float:
    return count / 2


@undaunted.retry(Policy(attempts=2), on=(OSError, lambda error: 1.5), retry_if_result=lambda result: result is None)
async def fetch(url: str) -> list[str]:
    return [url]


@undaunted.retry(attempts=2)
def generic(value: T) -> T:
    return value


@undaunted.retry(on=OSError, generators="restart")
def pages(count: int) -> Generator[str, int, bytes]:
    yield ""
    return b""


@undaunted.retry(Policy(attempts=2), generators="restart")
async def pages_later(count: int) -> AsyncGenerator[str, int]:
    yield ""


class Client:
    @undaunted.retry(generators="restart")
    def lines(self, key: str) -> Iterator[str]:
        yield key

    @undaunted.retry(on=OSError)
    def get(self, key: str) -> int:
        return len(key)

    @undaunted.retry(on=OSError)
    async def get_later(self, key: str) -> int:
        return len(key)

    @staticmethod
    @undaunted.retry(on=OSError)
    def static(key: str) -> int:
        return len(key)

    @classmethod
    @undaunted.retry(on=OSError)
    def of_class(cls, key: str) -> int:
        return len(key)


policy = Policy(classes={"connect": {"attempts": 4}}, rules=[{"http": "500-599", "class": "permanent"}], hint="exact")


@policy
def decorated(key: str) -> int:
    return len(key)


async def main() -> None:
    assert_type(bare(1, text="a"), bytes)
    assert_type(parse(1), float)
    assert_type(await fetch("u"), list[str])
    assert_type(generic("a"), str)
    assert_type(pages(1), Generator[str, int, bytes])
    assert_type(pages_later(1), AsyncGenerator[str, int])
    assert_type(Client().lines("a"), Iterator[str])
    assert_type(Client().get("a"), int)
    assert_type(await Client().get_later("a"), int)
    assert_type(Client.static("a"), int)
    assert_type(Client.of_class("a"), int)
    assert_type(Client.get(Client(), "a"), int)
    assert_type(decorated("a"), int)
    assert_type(policy.call(parse, 1), float)
    assert_type(await policy.call_async(fetch, "u"), list[str])
    assert_type(policy.schedule(seed=7), list[float])
    assert_type(policy.dump(), str)
    assert_type(undaunted.read_hint({"Retry-After": "3"}), float | None)
    assert_type(undaunted.classify("http", 503).class_, str)
    assert_type(undaunted.classify("postgres", "40001", method="POST", hint=True), undaunted.Classification)
    assert_type(undaunted.classify(OSError(), method="POST").code, int | str | None)
    coroutine: Coroutine[Any, Any, list[str]] = fetch("u")
    coroutine.close()
    for attempt in undaunted.retry_context(policy, on=OSError, cancel=threading.Event()):
        with attempt:
            assert_type(attempt.number, int)
            assert_type(attempt.remaining, float | None)
    async for attempt in undaunted.retry_context(timeout=10):
        with attempt:
            attempt.result = 5
        async with attempt:
            pass
    error = OSError()
    assert_type(undaunted.stop(error), OSError)
    assert_type(undaunted.again(error, after="3s"), OSError)
    assert_type(undaunted.history(error).reason, str | None)
    for past in undaunted.history(error):
        assert_type(past.delay, float | None)
    with undaunted.testing(attempts=2, seed=7, script=[503, "ECONNRESET", {"http": 429, "hint": "2s"}, OSError, None]) as t:
        assert_type(t.waits, list[float])
    undaunted.testing(script={"fail": [503, "reset", "ok"]})
    undaunted.testing(script="outage.json")
    undaunted.testing(script=[b"reset"])  # type: ignore[list-item]
    assert_type(undaunted.ScriptedError("postgres", "40001").hint, float | None)
    undaunted.ScriptedError("postgre", "40001")  # type: ignore[arg-type]

    budget = undaunted.Budget("api", capacity=20, cost=1)
    assert_type(budget.tokens, float)
    Policy(budget=budget, classes={"throttle": {"cost": 5}})
    Policy(budget="api")
    Policy(budget={"name": "api", "mode": "window", "ttl": 10})
    Policy(breaker=undaunted.Breaker(name="api", probes=1))
    Policy(breaker={"name": "api", "window_time": 30, "jitter": "none"})
    Policy(breaker="api")
    assert_type(policy.breaker, undaunted.Breaker | None)
    source = undaunted.PolicySource(lambda: "{}", fallback=policy, on_error=print)
    assert_type(source.current(), Policy)
    assert_type(source.replace(on=OSError), undaunted.PolicySource)
    assert_type(undaunted.watch("retry.json"), undaunted.PolicySource)
    assert_type(source(parse)(1), float)
    undaunted.retry_context(source, timeout=5)
    assert_type(source.current().version, int | str | None)

    analysis = policy.analyse(failure_rate=0.1, attempt_duration="100ms")
    assert_type(analysis.success, Estimate)
    assert_type(analysis.wait.p99, Estimate | None)
    assert_type(analysis.worst_time, float | None)
    assert_type(policy.analyse(class_="throttle", calls_per_second=0.5).outage_burst, int | None)
    assert_type(policy.analyse(quantiles=True).wait.quantiles, dict[float, Estimate | None])
    assert_type(analysis.sustained_load, Estimate)
    assert_type(analysis.outage_load, Estimate | None)
    assert_type(undaunted.diff(policy, Policy()).new[0].text, str)
    for finding in policy.lint():
        assert_type(finding.code, str)

    explanation = policy.explain([ValueError(), {"http": 503, "hint": "2s"}], attempt_duration="100ms", seed=7)
    assert_type(explanation.gave_up, str | None)
    assert_type([failure.delay for failure in explanation], list[float | None])
    policy.explain(ValueError())

    herd = undaunted.simulate_herd(policy, clients=100, outage="2s", progress=lambda done, clients: None)
    assert_type(herd.arrivals, list[int])
    assert_type(herd.peak.at, float)
    assert_type(undaunted.simulate_loss(trials=10).by_formula, float)
    outage = simulate_outage(policy, calls_per_second=0.5, outage_at="1s", capacity=None, progress=lambda done, calls: None)
    assert_type(outage.retries, list[int])
    assert_type(outage.recovered_at, float | None)
    assert_type(outage.peak.at, float)
    assert_type(undaunted.simulate_layers(policy, calls=1).amplification, float)

    def hook(event: undaunted.Event) -> None:
        assert_type(event.attempt, int)

    with undaunted.on_event(hook):
        pass


def mistakes() -> None:
    parse("a")  # type: ignore[arg-type]
    bare(1, txt="a")  # type: ignore[call-arg]
    Client().get(5)  # type: ignore[arg-type]
    undaunted.retry(atempts=3)  # type: ignore[call-overload]
    undaunted.retry(generators="restrat")  # type: ignore[call-overload]
    pages("a")  # type: ignore[arg-type]
    undaunted.retry(jitter="ful")  # type: ignore[call-overload]
    Policy(attempts="3")  # type: ignore[arg-type]
    Policy(on=ValueError())  # type: ignore[arg-type]
    policy.attempts = 3  # type: ignore[misc]
    policy.call(parse, "a")  # type: ignore[arg-type]
    undaunted.classify("htp", 503)  # type: ignore[call-overload]
    undaunted.classify("http")  # type: ignore[call-overload]
    Policy(rules=[{"postgres": 40001, "class": "conflict"}])  # type: ignore[typeddict-item]
    undaunted.classify(OSError(), hint=True)  # type: ignore[call-overload]
    policy.analyse(failure="10 %")  # type: ignore[call-arg]
    policy.replace(nested="twice")  # type: ignore[arg-type]
    Policy(budget={"capacity": 5})  # type: ignore[arg-type]
    Policy(breaker={"probes": 5})  # type: ignore[arg-type]
    undaunted.Budget("api", capacity="5")  # type: ignore[arg-type]


# Settings of other libraries.
conversion = convert({"attempts": 3}, "stamina")
assert_type(conversion, Conversion)
assert_type(conversion.policy, Policy)
assert_type(conversion.findings, list[Finding])
convert(3, source=4)  # type: ignore[arg-type]


# Breakers, throttles, bulkheads, hedges: results keep their types.
async def fetch_number(key: str) -> int:
    return len(key)


async def guards() -> None:
    breaker = undaunted.Breaker(window_time="30s", failure_rate=0.3, on=(OSError, ValueError))
    assert_type(breaker.call(len, "abc"), int)
    assert_type(await breaker.call_async(fetch_number, "abc"), int)
    assert_type(breaker.snapshot()["retry_in"], float)
    breaker.permit().settle("ignored")
    with breaker:
        pass
    undaunted.Breaker(window_call=5)  # type: ignore[call-arg]
    breaker.permit().settle("good")  # type: ignore[arg-type]
    throttle = undaunted.Throttle(k=1.5, on=lambda error: "busy" in str(error))
    assert_type(throttle.call(len, "abc"), int)
    bulkhead = undaunted.Bulkhead(3, queue=5)
    async with bulkhead:
        assert_type(bulkhead.snapshot()["running"], int)
    assert_type(await bulkhead.call_async(fetch_number, "abc"), int)
    assert_type(await undaunted.Hedge("200ms", attempts=3, budget="api").run(fetch_number, "abc"), int)


# Ready-made hooks, and stamina's names.
undaunted.on_event(LoggingHook("app", levels={"scheduled": 20}, prefix="")).close()
Policy(on_event=[PrometheusHook(buckets=(1, 5)), OpenTelemetryHook(prefix="app."), StructlogHook(levels={"success": "info"})])
LoggingHook(levels={"gaveup": 20})  # type: ignore[dict-item]


@stamina.retry(on=(OSError, ValueError), timeout=timedelta(seconds=5))
def numbers(count: int) -> Iterator[int]:
    yield from range(count)


@stamina.retry(on=lambda error: 1.5)
async def fetch_text(url: str) -> str:
    return url


async def shim() -> None:
    assert_type(numbers(1), Iterator[int])
    assert_type(await fetch_text("u"), str)
    assert_type(stamina.RetryingCaller(attempts=3).on(OSError)(parse, 1), float)
    assert_type(await stamina.AsyncRetryingCaller()(OSError, fetch_text, "u"), str)
    async for attempt in stamina.retry_context(OSError):
        with attempt:
            assert_type(attempt.next_wait, float)
    assert_type(stamina.retry_context(on=OSError).policy, Policy)
    numbers("a")  # type: ignore[arg-type]
    stamina.retry(on=ValueError())  # type: ignore[arg-type]
    stamina.retry(OSError)  # type: ignore[call-arg]


# A fleet's guards are guards, and its budgets budgets.
async def fleets() -> None:
    store = fleet.Store("redis://localhost", timeout="50ms", every=0.5, on_event=lambda event: assert_type(event.error, Exception | None))
    fleet.Store(redis.Redis(), redis.asyncio.Redis())
    Policy(budget=fleet.Budget("api", store, capacity=10), breaker=fleet.Breaker("api", store, probes=1, on=OSError))
    bulkhead = fleet.Bulkhead("api", store, limit=10, lease="1min")
    async with bulkhead, fleet.Breaker("api", store), fleet.Throttle("api", store, k=2):
        assert_type(await bulkhead.call_async(fetch_number, "a"), int)
    assert_type(bulkhead.call(int, "1"), int)
    await store.aclose()
    fleet.Budget("api", "redis://localhost")  # type: ignore[arg-type]
    fleet.Budget("api", store, capacities=10)  # type: ignore[call-arg]


# Adapters are what their libraries take.
async def adapters(policy: Policy) -> None:
    with httpx.Client(transport=RetryingTransport(policy, http2=False)) as client:
        assert_type(client.get("http://users.internal/").status_code, int)
    async with httpx.AsyncClient(transport=AsyncRetryingTransport(policy, cover_body=True)) as patient:
        assert_type((await patient.get("http://users.internal/")).status_code, int)
    with requests.Session() as session:
        session.mount("https://", RetryingAdapter(policy))
    urllib3.PoolManager(retries=Retry(policy, total=5))
    RetryingTransport(policy, httpx.AsyncHTTPTransport())  # type: ignore[arg-type]
    httpx.Client(transport=AsyncRetryingTransport(policy))  # type: ignore[arg-type]
