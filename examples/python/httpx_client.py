"""httpx clients that retry, synchronous and asynchronous: `python httpx_client.py`. It asks the demo's server, which fails twice first.

Look at the POST: the server may have acted on it, so a reset is not retried, until an Idempotency-Key says that repeating does no harm.
"""

import asyncio
import sys
from pathlib import Path

import httpx

import undaunted
from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport

POLICY = undaunted.Policy(attempts=4, timeout="10s", attempt_timeout="2s", initial="20ms")
SCENARIOS = [
    {"name": "recovers", "answers": [{"status": 500}, {"status": 503}, {"status": 200, "body": "here you are"}]},
    {"name": "breaks-off", "answers": [{"status": 200, "resets": True}, {"status": 200, "body": "all of it"}]},
]


def synchronous(url: str) -> None:
    with httpx.Client(transport=RetryingTransport(POLICY)) as client:
        print(client.get(f"{url}/sync/recovers").text)  # here you are
        refused = client.post(f"{url}/post/recovers", json={"name": "Ada"})
        print(refused.status_code)  # 500
        accepted = client.post(f"{url}/key/recovers", json={"name": "Ada"}, headers={"Idempotency-Key": "order-7"})
        print(accepted.status_code)  # 200


async def asynchronous(url: str) -> None:
    # With cover_body an attempt ends with the body: one that breaks off is a failure like any other.
    async with httpx.AsyncClient(transport=AsyncRetryingTransport(POLICY, cover_body=True)) as client:
        response = await client.get(f"{url}/async/breaks-off")
        print(response.text)  # all of it


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
    import server

    with server.start(SCENARIOS) as running:
        synchronous(running.url)
        asyncio.run(asynchronous(running.url))
