"""What the lab lets download: the talk's ladder in five clients, and retry packages at their best beside ours."""

from dataclasses import dataclass

# The steps of the talk, from a client that knows nothing of failures to one that looks at what it got.
LADDER = {
    "naive": "no timeout, no retry",
    "timeout": "a timeout of 60 s",
    "library": "three retries in the HTTP library, at once",
    "backoff": "three retries in the HTTP library that back off",
    "layers": "a loop around a library that retries, too: 4 × 4",
    "loop": "one loop of one's own, over body errors as well",
    "content": "the loop looks at the content, too",
    "ours": "undaunted, around a function that looks at the content",
}


@dataclass(frozen=True)
class Run:
    client: str
    way: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.client}-{self.way}"

    @property
    def is_javascript(self) -> bool:
        return self.client in ("fetch", "undici", "axios")

    @property
    def may_hang(self) -> bool:
        """Whether it is as naive as the talk's: it waits for ever."""
        return self.way == "naive" and self.label != NOT_SCALED

    @property
    def is_ours(self) -> bool:
        return self.way in ("ours", "adapter")


def ladder(client: str, *ways: str, **labels: str) -> list[Run]:
    return [Run(client, way, labels.get(way, LADDER[way])) for way in ways]


# undici, which Node's fetch is, does not wait for ever by itself.
NOT_SCALED = "no retry, undici's own timeouts: 10 s to connect, 300 s for data"
# fetch retries nothing by itself, and httpx only connections, where it backs off.
LADDERS = [
    *ladder("requests", "naive", "timeout", "library", "backoff", "layers", "loop", "content", "ours"),
    *ladder("aiohttp", "naive", "timeout", "library", "backoff", "loop", "content", "ours", library="aiohttp-retry, three retries, at once",
            backoff="aiohttp-retry, three retries that back off"),
    *ladder("httpx", "naive", "timeout", "backoff", "loop", "content", "ours", backoff="HTTPTransport(retries=3): connections, backs off"),
    *ladder("fetch", "naive", "timeout", "loop", "content", "ours", naive=NOT_SCALED),
    *ladder("undici", "naive", "timeout", "library", "backoff", "loop", "content", "ours", naive=NOT_SCALED,
            library="RetryAgent, three retries, at once", backoff="RetryAgent, three retries that back off"),
]  # fmt: skip

AT_THEIR_BEST = [
    Run("requests", "adapter", "undaunted, RetryingAdapter"),
    Run("httpx", "adapter", "undaunted, RetryingTransport(cover_body=True)"),
    Run("aiohttp", "adapter", "undaunted, RetryingSession.fetch"),
    Run("fetch", "adapter", "undaunted, retryingFetch(policy).bytes"),
    Run("axios", "adapter", "undaunted, retryingAdapter"),
    Run("requests", "tenacity", "tenacity"),
    Run("aiohttp", "tenacity", "tenacity"),
    Run("httpx", "stamina", "stamina"),
    Run("aiohttp", "stamina", "stamina"),
    Run("requests", "urllib3-retry", "urllib3.Retry"),
    Run("aiohttp", "retry-best", "aiohttp-retry"),
    Run("fetch", "p-retry", "p-retry"),
    Run("fetch", "cockatiel", "cockatiel"),
    Run("fetch", "ky", "ky"),
    Run("undici", "RetryAgent", "undici's RetryAgent"),
    Run("axios", "axios-retry", "axios-retry"),
]

ALL = [*LADDERS, *AT_THEIR_BEST]
