"""The demo's client in Python: aiohttp with the policy. Prints what the library tells, one JSON line for each event."""

import argparse
import asyncio
import json
from http import HTTPStatus
from pathlib import Path

import aiohttp
from undaunted import Event, Policy
from undaunted.adapters.aiohttp import RetryingSession

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="where the server answers")
    parser.add_argument("--refused-url", required=True, help="where connections are refused")
    parser.add_argument("--seed", type=int, default=42)
    asyncio.run(play(parser.parse_args()))


async def play(options: argparse.Namespace) -> None:
    ending: dict[str, object] = {}

    def tell(event: Event) -> None:
        if event.kind == "scheduled":
            say(name, facts(event))
        elif event.kind != "attempt":
            ending.update(facts(event))

    policy = Policy.load(HERE / "policy.json").replace(seed=options.seed, on_event=tell)
    async with RetryingSession(policy) as session:
        for scenario in json.loads((HERE / "scenarios.json").read_bytes()):
            name = scenario["name"]
            url = f"{options.refused_url if scenario.get('refused') else options.url}/python/{name}"
            body = b"an order" if scenario["method"] == "POST" else None
            try:
                ending["text"] = await session.fetch(
                    url, read="text", method=scenario["method"], headers=scenario.get("headers"), data=body
                )
            except (aiohttp.ClientError, TimeoutError):
                pass  # the event has told of it
            say(name, ending)
            ending.clear()


def facts(event: Event) -> dict[str, object]:
    return {
        "kind": event.kind,
        "attempt": event.attempt,
        "elapsed_us": round(event.elapsed * 1e6),
        "delay_us": None if event.delay is None else round(event.delay * 1e6),
        "text": describe(event.error) if event.error else describe_code(event.code),
        "class": event.class_,
        "reason": event.reason,
        "call_seed": None if event.call_seed is None else str(event.call_seed),
    }


def describe(error: Exception) -> str:
    return str(error) or type(error).__name__


def describe_code(code: str | None) -> str | None:
    """A response is no error: its code stands for it."""
    if code is None:
        return None
    status = int(code.removeprefix("http "))
    return f"{status} {HTTPStatus(status).phrase}"


def say(scenario: str, event: dict[str, object]) -> None:
    print(json.dumps({"scenario": scenario, **event}), flush=True)


if __name__ == "__main__":
    main()
