"""Downloads a file again and again, as one of many Python programs would: `client.py WAY CONFIG`.

WAY is a key of WAYS, CONFIG is JSON: `lanes` are lists of URLs, downloaded one after the other, each list beside the others; `sha256` is
the right content's; `attempt_timeout`, `timeout`, `initial` and `max_delay` are seconds. Says `ready`, begins at the next line of standard
input, and prints a line of JSON for each download that came to an end.
"""

import asyncio
import hashlib
import inspect
import json
import sys
import threading
import time

import aiohttp
import httpx
import requests
import stamina
import tenacity
import urllib3
from aiohttp_retry import ExponentialRetry, RetryClient
from requests.adapters import HTTPAdapter

import undaunted
import undaunted.adapters.aiohttp
import undaunted.adapters.httpx
import undaunted.adapters.requests

# It would write on standard output.
stamina.instrumentation.set_on_retry_hooks([])

CONFIG = json.loads(sys.argv[2])
TIMEOUT, DEADLINE = CONFIG["attempt_timeout"], CONFIG["timeout"]
INITIAL, MAX_DELAY = CONFIG["initial"], CONFIG["max_delay"]
# The talk's loop: one attempt and three retries.
FEW = 4
MANY = CONFIG["attempts"]
POLICY = undaunted.Policy.parse(json.dumps(CONFIG["policy"]))
TRANSPORT_ERRORS = (requests.RequestException, httpx.HTTPError, aiohttp.ClientError, TimeoutError)


class WrongContent(Exception):
    """The answer was not what was asked for."""


def is_right(body):
    return hashlib.sha256(body).hexdigest() == CONFIG["sha256"]


def checked(body):
    if not is_right(body):
        raise WrongContent
    return body


def loop(download, catch):
    """The loop that everybody writes, with waits that double and no jitter."""
    for attempt in range(FEW):
        try:
            return download()
        except catch:
            if attempt == FEW - 1:
                raise
            time.sleep(min(INITIAL * 2**attempt, MAX_DELAY))


async def async_loop(download, catch):
    for attempt in range(FEW):
        try:
            return await download()
        except catch:
            if attempt == FEW - 1:
                raise
            await asyncio.sleep(min(INITIAL * 2**attempt, MAX_DELAY))


# requests: each way makes a function of a URL that answers with the body.


def with_requests(retries=0, **options):
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=retries))

    def download(url):
        response = session.get(url, **options)
        response.raise_for_status()
        return response.content

    return download


def requests_naive():
    return lambda url: requests.get(url).content


def requests_timeout():
    return with_requests(timeout=TIMEOUT)


def requests_library():
    return with_requests(3, timeout=TIMEOUT)


def requests_backoff():
    return with_requests(urllib3.Retry(3, backoff_factor=INITIAL, status_forcelist=[500, 502, 503, 504]), timeout=TIMEOUT)


def requests_layers():
    download = with_requests(urllib3.Retry(3, backoff_factor=INITIAL, status_forcelist=[500, 502, 503, 504]), timeout=TIMEOUT)
    return lambda url: loop(lambda: download(url), TRANSPORT_ERRORS)


def requests_loop():
    download = with_requests(timeout=TIMEOUT)
    return lambda url: loop(lambda: download(url), TRANSPORT_ERRORS)


def requests_content():
    download = with_requests(timeout=TIMEOUT)
    return lambda url: loop(lambda: checked(download(url)), (*TRANSPORT_ERRORS, WrongContent))


def ours(download):
    """The policy around a function that looks at the content, too."""

    def attempt(url):
        body = download(url)
        if not is_right(body):
            raise undaunted.again(WrongContent())
        return body

    return lambda url: POLICY.call(attempt, url)


def requests_ours():
    return ours(with_requests(timeout=TIMEOUT))


def requests_adapter():
    session = requests.Session()
    session.mount("http://", undaunted.adapters.requests.RetryingAdapter(POLICY))
    return lambda url: undaunted.ok(session.get(url)).content


def requests_urllib3_retry():
    status = [500, 502, 503, 504]
    retries = urllib3.Retry(MANY - 1, backoff_factor=INITIAL, backoff_max=MAX_DELAY, backoff_jitter=INITIAL, status_forcelist=status)
    return with_requests(retries, timeout=TIMEOUT)


def tenacity_settings():
    return {
        "stop": tenacity.stop_after_attempt(MANY) | tenacity.stop_before_delay(DEADLINE),
        "wait": tenacity.wait_random_exponential(multiplier=INITIAL, max=MAX_DELAY),
        "retry": tenacity.retry_if_exception_type((*TRANSPORT_ERRORS, WrongContent)),
        "reraise": True,
    }


def requests_tenacity():
    download = with_requests(timeout=TIMEOUT)
    return tenacity.retry(**tenacity_settings())(lambda url: checked(download(url)))


def stamina_settings():
    return {
        "on": (*TRANSPORT_ERRORS, WrongContent), "attempts": MANY, "timeout": DEADLINE,
        "wait_initial": INITIAL, "wait_max": MAX_DELAY, "wait_jitter": INITIAL,
    }  # fmt: skip


# httpx


def with_httpx(timeout, **options):
    client = httpx.Client(timeout=timeout, **options)
    return lambda url: client.get(url).raise_for_status().content


def httpx_naive():
    return with_httpx(None)


def httpx_timeout():
    return with_httpx(TIMEOUT)


def httpx_backoff():
    return with_httpx(TIMEOUT, transport=httpx.HTTPTransport(retries=3))


def httpx_loop():
    download = with_httpx(TIMEOUT)
    return lambda url: loop(lambda: download(url), TRANSPORT_ERRORS)


def httpx_content():
    download = with_httpx(TIMEOUT)
    return lambda url: loop(lambda: checked(download(url)), (*TRANSPORT_ERRORS, WrongContent))


def httpx_stamina():
    download = with_httpx(TIMEOUT)
    return stamina.retry(**stamina_settings())(lambda url: checked(download(url)))


def httpx_ours():
    return ours(with_httpx(TIMEOUT))


def httpx_adapter():
    client = httpx.Client(timeout=TIMEOUT, transport=undaunted.adapters.httpx.RetryingTransport(POLICY, cover_body=True))
    return lambda url: client.get(url).raise_for_status().content


# aiohttp: each way makes a coroutine function.


async def aiohttp_session(total):
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=total))


async def with_aiohttp(total):
    session = await aiohttp_session(total)

    async def download(url):
        async with session.get(url, raise_for_status=True) as response:
            return await response.read()

    return download


async def aiohttp_naive():
    return await with_aiohttp(None)


async def aiohttp_timeout():
    return await with_aiohttp(TIMEOUT)


async def with_aiohttp_retry(**settings):
    client = RetryClient(await aiohttp_session(TIMEOUT), retry_options=ExponentialRetry(start_timeout=INITIAL, **settings))

    async def download(url):
        async with client.get(url, raise_for_status=True) as response:
            return await response.read()

    return download


async def aiohttp_library():
    return await with_aiohttp_retry(attempts=FEW, factor=1)


async def aiohttp_backoff():
    return await with_aiohttp_retry(attempts=FEW, factor=2)


async def aiohttp_loop():
    download = await with_aiohttp(TIMEOUT)
    return lambda url: async_loop(lambda: download(url), TRANSPORT_ERRORS)


async def aiohttp_content():
    download = await with_aiohttp(TIMEOUT)

    async def attempt(url):
        return checked(await download(url))

    return lambda url: async_loop(lambda: attempt(url), (*TRANSPORT_ERRORS, WrongContent))


async def aiohttp_retry_best():
    return await with_aiohttp_retry(attempts=MANY, factor=2, max_timeout=MAX_DELAY)


async def aiohttp_wrapped(retry):
    download = await with_aiohttp(TIMEOUT)

    async def attempt(url):
        return checked(await download(url))

    return retry(attempt)


async def aiohttp_tenacity():
    return await aiohttp_wrapped(tenacity.retry(**tenacity_settings()))


async def aiohttp_stamina():
    return await aiohttp_wrapped(stamina.retry(**stamina_settings()))


async def aiohttp_ours():
    download = await with_aiohttp(None)

    async def attempt(url):
        body = await download(url)
        if not is_right(body):
            raise undaunted.again(WrongContent())
        return body

    return lambda url: POLICY.call_async(attempt, url)


async def aiohttp_adapter():
    session = undaunted.adapters.aiohttp.RetryingSession(POLICY, timeout=aiohttp.ClientTimeout(total=None))
    return lambda url: session.fetch(url, read="bytes")


WAYS = {
    name.replace("_", "-"): way
    for name, way in list(globals().items())
    if name.startswith(("requests_", "httpx_", "aiohttp_")) and name not in ("aiohttp_session", "aiohttp_wrapped")
}


REPORTING = threading.Lock()


def report(lane, number, began, error, body):
    why = None if error is None else f"{type(error).__name__}: {error}"[:200]
    if error is None and not is_right(body):
        why = "WrongContent: taken for right"
    line = {"lane": lane, "number": number, "ok": why is None, "seconds": time.monotonic() - began, "why": why}
    with REPORTING:
        print(json.dumps(line), flush=True)


def run_lane(lane, urls):
    download = WAYS[sys.argv[1]]()
    for number, url in enumerate(urls):
        began, error, body = time.monotonic(), None, None
        try:
            body = download(url)
        except Exception as raised:
            error = raised
        report(lane, number, began, error, body)


async def run_async_lane(lane, urls):
    download = await WAYS[sys.argv[1]]()
    for number, url in enumerate(urls):
        began, error, body = time.monotonic(), None, None
        try:
            body = await download(url)
        except Exception as raised:
            error = raised
        report(lane, number, began, error, body)


async def run_async_lanes():
    await asyncio.gather(*(run_async_lane(lane, urls) for lane, urls in enumerate(CONFIG["lanes"])))


def main():
    print("ready", flush=True)
    sys.stdin.readline()
    if inspect.iscoroutinefunction(WAYS[sys.argv[1]]):
        asyncio.run(run_async_lanes())
        return
    threads = [threading.Thread(target=run_lane, args=item) for item in enumerate(CONFIG["lanes"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
