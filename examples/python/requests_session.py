"""A requests session that retries: `python requests_session.py [URL]`. Without a URL it asks the demo's server, which fails twice first."""

import sys
from pathlib import Path

import requests

from undaunted import Event, Policy
from undaunted.adapters.requests import RetryingAdapter


def tell(event: Event) -> None:
    if event.kind == "scheduled":
        print(f"attempt {event.attempt} failed, the next one starts in {event.delay:.3f} s")


def main(url: str) -> None:
    policy = Policy(attempts=5, timeout="30s", attempt_timeout="5s", initial="100ms", on_event=tell)
    with requests.Session() as session:
        session.mount("http://", RetryingAdapter(policy))
        session.mount("https://", RetryingAdapter(policy))
        response = session.get(url)
        print(response.status_code, response.text)  # 200 OK


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
        import server

        with server.start() as running:
            main(f"{running.url}/example/recovers")
