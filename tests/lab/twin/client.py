"""Downloads through the Python package: `client.py WAY`, told by lines of JSON what to do, answers each with one.

`{"url", "policy", "parts"}` downloads the document so many times in a row, each by the policy of a file, with `attempts` in place of its own
if they are given; with `repeats` the whole is repeated by that policy, too. `{"compute": {"loss"}}` answers what `simulate_loss` says of
that, and with `failure_rate` what `analyse` says of the policy.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import httpx
import requests

import undaunted
from undaunted import Policy
from undaunted.adapters.aiohttp import RetryingSession
from undaunted.adapters.httpx import RetryingTransport
from undaunted.adapters.requests import RetryingAdapter

Load = Callable[[str], Awaitable[dict]]


def in_thread(load: Callable[[str], dict]) -> Load:
    return lambda url: asyncio.to_thread(load, url)


async def load_by_aiohttp(policy: Policy, stack: AsyncExitStack) -> Load:
    session = await stack.enter_async_context(RetryingSession(policy))
    return session.fetch


async def load_by_requests(policy: Policy, stack: AsyncExitStack) -> Load:
    session = stack.enter_context(requests.Session())
    session.mount("http://", RetryingAdapter(policy))
    return in_thread(lambda url: session.get(url).json())


async def load_by_httpx(policy: Policy, stack: AsyncExitStack) -> Load:
    client = stack.enter_context(httpx.Client(transport=RetryingTransport(policy, cover_body=True)))
    return in_thread(lambda url: client.get(url).json())


async def load_by_decorator(policy: Policy, stack: AsyncExitStack) -> Load:
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=None))

    @policy
    async def load(url: str) -> dict:
        return undaunted.ok(await client.get(url)).json()

    return load


async def load_by_aiohttp_open(policy: Policy, stack: AsyncExitStack) -> Load:
    session = await stack.enter_async_context(RetryingSession(policy))

    async def load(url: str) -> dict:
        async with session.get(url) as response:
            return await response.json()

    return load


async def load_by_requests_open(policy: Policy, stack: AsyncExitStack) -> Load:
    session = stack.enter_context(requests.Session())
    session.mount("http://", RetryingAdapter(policy))

    def load(url: str) -> dict:
        with session.get(url, stream=True) as response:
            return response.json()

    return in_thread(load)


WAYS = {
    "aiohttp": load_by_aiohttp,
    "requests": load_by_requests,
    "httpx": load_by_httpx,
    "decorator": load_by_decorator,
    "aiohttp-open": load_by_aiohttp_open,
    "requests-open": load_by_requests_open,
}


def policy_of(told: dict) -> Policy:
    policy = Policy.load(told["policy"])
    return policy if "attempts" not in told else policy.replace(attempts=told["attempts"])


def compute(told: dict) -> dict:
    loss = undaunted.simulate_loss(**told["loss"])
    found = {"formula": loss.by_formula, "simulated": loss.succeeded / loss.trials, "requests": loss.requests / loss.trials}
    if "failure_rate" in told:
        analysis = policy_of(told).analyse(failure_rate=told["failure_rate"])
        found.update(analysed=analysis.success.value, attempts=analysis.attempts.value)
    return found


async def download(told: dict, load: Load) -> dict:
    async def chain() -> list[int]:
        return [len((await load(told["url"]))["text"]) for _ in range(told["parts"])]

    try:
        sizes = await (policy_of(told).replace(attempts=told["repeats"]).call_async(chain) if "repeats" in told else chain())
        return {"sizes": sizes}
    except Exception as error:
        history = undaunted.history(error)
        return {"error": repr(error), "reason": history.reason, "classes": [attempt.class_ for attempt in history]}


async def main() -> None:
    make = WAYS[sys.argv[1]]
    loads: dict[tuple, Load] = {}
    async with AsyncExitStack() as stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            told = json.loads(line)
            if "compute" in told:
                answer = compute(told["compute"])
            else:
                key = (told["policy"], told.get("attempts"))
                if key not in loads:
                    loads[key] = await make(policy_of(told), stack)
                answer = await download(told, loads[key])
            print(json.dumps(answer), flush=True)


asyncio.run(main())
