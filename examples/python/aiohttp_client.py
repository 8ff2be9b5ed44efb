"""An aiohttp session that retries: `python aiohttp_client.py [URL]`. Without a URL it asks the demo's server, which fails twice first."""

import asyncio
import sys
from pathlib import Path

from undaunted import Event, Policy
from undaunted.adapters.aiohttp import RetryingSession


def tell(event: Event) -> None:
    if event.kind == "scheduled":
        print(f"attempt {event.attempt} failed, the next one starts in {event.delay:.3f} s")


async def main(url: str) -> None:
    policy = Policy(attempts=5, timeout="30s", attempt_timeout="5s", initial="100ms", on_event=tell)
    async with RetryingSession(policy) as session:
        # As with aiohttp: retried until the headers have come.
        async with session.get(url) as response:
            print(response.status, await response.text())  # 200 OK
        # Retried until the whole body has come; raises for a status of 400 or more.
        print(await session.fetch(url, read="text"))  # OK


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(sys.argv[1]))
    else:
        sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
        import server

        with server.start() as running:
            asyncio.run(main(f"{running.url}/example/recovers"))
