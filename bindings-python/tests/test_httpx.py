"""The httpx adapter against a real server: its synchronous client, and the other one under asyncio and trio."""

import asyncio
import gzip
import io
import ssl

import httpx
import pytest
import trio
from server import Server, answer, closed_port

import undaunted
from undaunted import Policy
from undaunted._readers import read
from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport

POLICY = Policy(initial="1us", max_delay="1us", attempts=3)
# Made once: to load the system's certificates takes longer than most tests.
TLS = ssl.create_default_context()


class Seen:
    """A transport that keeps what went through it."""

    def __init__(self, transport):
        self.transport = transport
        self.timeouts, self.streams, self.closed = [], [], []

    def _keep(self, request, response=None):
        if response is None:
            self.timeouts.append(request.extensions.get("timeout"))
            return
        self.streams.append(response.stream)
        for name in ("close", "aclose"):
            self._watch(response.stream, name)

    def _watch(self, stream, name):
        def closing(close=getattr(stream, name, None)):
            self.closed.append(stream)
            return close()

        setattr(stream, name, closing)


class SeenSync(Seen, httpx.BaseTransport):
    def handle_request(self, request):
        self._keep(request)
        response = self.transport.handle_request(request)
        self._keep(request, response)
        return response

    def close(self):
        self.transport.close()


class SeenAsync(Seen, httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        self._keep(request)
        response = await self.transport.handle_async_request(request)
        self._keep(request, response)
        return response

    async def aclose(self):
        await self.transport.aclose()


def by_client(url, policy=POLICY, method="GET", seen=None, timeout=5, cover_body=False, **options):
    transport = RetryingTransport(policy, cover_body=cover_body, verify=TLS)
    if seen is not None:
        transport.transport = seen[0] = SeenSync(transport.transport)
    with httpx.Client(transport=transport, timeout=timeout) as client:
        response = client.request(method, url, **options)
        return response.status_code, response.content


async def awaited(url, policy=POLICY, method="GET", seen=None, timeout=5, cover_body=False, **options):
    transport = AsyncRetryingTransport(policy, cover_body=cover_body, verify=TLS)
    if seen is not None:
        transport.transport = seen[0] = SeenAsync(transport.transport)
    async with httpx.AsyncClient(transport=transport, timeout=timeout) as client:
        response = await client.request(method, url, **options)
        return response.status_code, response.content


def by_asyncio(url, *args, **options):
    return asyncio.run(awaited(url, *args, **options))


def by_trio(url, *args, **options):
    return trio.run(lambda: awaited(url, *args, **options))


@pytest.fixture(params=[by_client, by_asyncio, by_trio])
def client(request):
    return request.param


@pytest.mark.parametrize("failure", ["reset", "close"])
def test_statuses_and_broken_connections_are_retried(client, failure):
    with Server([answer(503), failure, answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 3) == (client(server.url), len(server.requests))


def test_the_last_response_comes_back_untouched(client):
    with Server([answer(503, b"sorry")]) as server:
        assert ((503, b"sorry"), 3) == (client(server.url), len(server.requests))
    with Server([answer(404, b"no")]) as server:
        assert ((404, b"no"), 1) == (client(server.url), len(server.requests))


@pytest.mark.parametrize(
    ("method", "headers", "status", "calls"),
    [
        ("POST", {}, 500, 1),
        ("POST", {"idempotency-key": "k"}, 500, 3),
        ("PATCH", {}, 503, 1),
        ("PUT", {}, 500, 3),
        ("POST", {}, 429, 3),
        ("GET", {}, 404, 1),
    ],
)
def test_method_and_idempotency_key_decide(client, method, headers, status, calls):
    with Server([answer(status)]) as server:
        said, _ = client(server.url, method=method, headers=headers)
        assert (status, calls) == (said, len(server.requests))
    assert {value for _, sent, _ in server.requests for name, value in sent.items() if name.lower() == "idempotency-key"} <= {"k"}


def test_a_hint_is_waited_for_and_one_too_long_is_not(client):
    with undaunted.testing() as t:
        with Server([answer(503, Retry_After="7"), answer()]) as server:
            client(server.url, Policy(jitter="none"))
        assert [7.0] == t.waits
        with Server([answer(503, Retry_After="3600")]) as server:
            assert (503, 1) == (client(server.url, Policy())[0], len(server.requests))
    assert [7.0] == t.waits


def test_errors_leave_as_they_came_with_their_history(client):
    with pytest.raises(httpx.ConnectError) as caught:
        client(f"http://127.0.0.1:{closed_port()}/", method="POST")
    history = undaunted.history(caught.value)
    assert (3, "connect", "not_sent", "attempts") == (len(history), history[0].class_, history[0].sent, history.reason)
    assert "os ECONNREFUSED" == history[0].code
    assert "POST" == caught.value.request.method
    with Server(["close"]) as server, pytest.raises(httpx.RemoteProtocolError) as caught:
        client(server.url, method="POST")
    assert ("not_idempotent", 1) == (undaunted.history(caught.value).reason, len(server.requests))


def test_a_body_that_breaks_off_is_retried_where_it_is_covered(client):
    for failure in ("cut", "truncate"):
        with Server([failure, failure, answer(200, b"yes")]) as server:
            assert ((200, b"yes"), 3) == (client(server.url, cover_body=True), len(server.requests))
        with Server([failure]) as server, pytest.raises(httpx.TransportError) as caught:
            client(server.url, cover_body=True)
        assert (3, 3) == (len(undaunted.history(caught.value)), len(server.requests))
        with Server([failure]) as server, pytest.raises(httpx.TransportError) as caught:
            client(server.url, method="POST", cover_body=True)
        assert ("not_idempotent", 1) == (undaunted.history(caught.value).reason, len(server.requests))
        with Server([failure]) as server, pytest.raises(httpx.TransportError) as caught:
            client(server.url)
        assert (None, 1) == (undaunted.history(caught.value).reason, len(server.requests))


def test_a_covered_body_is_decoded_as_ever(client):
    body = gzip.compress(b"yes" * 1000)
    with Server(["truncate", answer(200, body, Content_Encoding="gzip")]) as server:
        assert (200, b"yes" * 1000) == client(server.url, cover_body=True)


def test_attempt_timeout_ends_a_server_that_hangs(client):
    with Server(["hang", answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 2) == (client(server.url, POLICY.replace(attempt_timeout="40ms")), len(server.requests))


@pytest.mark.parametrize(
    ("limits", "own", "expected"),
    [
        ({"attempt_timeout": 2, "timeout": 50}, 5, [2, 2, 2, 2]),
        ({"attempt_timeout": 20, "timeout": 50}, httpx.Timeout(5, pool=None), [5, 5, 5, 20]),
        ({"timeout": 3}, 5, [3, 3, 3, 3]),
        ({"timeout": 3}, None, [3, 3, 3, 3]),
        ({"timeout": None}, 5, [5, 5, 5, 5]),
    ],
)
def test_the_shorter_limit_holds(client, limits, own, expected):
    seen = [None]
    with undaunted.testing(), Server([answer(503), answer()]) as server:
        client(server.url, Policy(initial="1us", max_delay="1us", **limits), seen=seen, timeout=own)
    for given in seen[0].timeouts:
        assert expected == [pytest.approx(given[name], abs=0.01) for name in ("connect", "read", "write", "pool")]


def test_the_request_is_the_same_afterwards():
    with Server([answer(503), answer()]) as server, httpx.Client(transport=RetryingTransport(POLICY.replace(timeout=3))) as client:
        response = client.get(server.url, timeout=7)
    assert 7 == response.request.extensions["timeout"]["read"]


def test_failed_responses_are_closed_before_the_next_attempt(client):
    seen = [None]
    with Server([answer(503, b"x" * 100_000), answer(503, b"x" * 100_000), answer()]) as server:
        client(server.url, seen=seen)
    assert seen[0].streams == seen[0].closed and 3 == len(seen[0].closed)


class Anew:
    """An iterable that begins anew."""

    def __iter__(self):
        yield b"a"
        yield b"b"


class AnewAsync:
    async def __aiter__(self):
        yield b"a"
        yield b"b"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: {"content": b"ab"}, b"ab"),
        (lambda: {"content": "ab"}, b"ab"),
        (lambda: {"json": {"a": 1}}, b'{"a":1}'),
        (lambda: {"data": {"a": "1"}}, b"a=1"),
        (lambda: {"files": {"file": b"ab"}}, b"ab"),
        (lambda: {"files": {"file": io.BytesIO(b"ab")}}, b"ab"),
    ],
)
def test_bodies_that_can_be_replayed_are(client, make, expected):
    with Server([answer(503), "reset", answer()]) as server:
        assert 200 == client(server.url, method="PUT", **make())[0]
    assert 3 == len(server.requests) and all(expected in body for _, _, body in server.requests)


@pytest.mark.parametrize(
    ("send", "body"), [(by_client, Anew()), (by_client, [b"a", b"b"]), (by_asyncio, AnewAsync()), (by_trio, AnewAsync())]
)
def test_iterables_begin_anew(send, body):
    with Server([answer(503), "reset", answer()]) as server:
        assert 200 == send(server.url, method="PUT", content=body)[0]
    assert [b"ab"] * 3 == [body for _, _, body in server.requests]


def test_a_file_is_wound_back_to_where_it_was():
    file = io.BytesIO(b"xxab")
    file.read(2)
    with Server([answer(503), "reset", answer()]) as server:
        assert 200 == by_client(server.url, method="PUT", content=file, headers={"Content-Length": "2"})[0]
    assert [b"ab"] * 3 == [body for _, _, body in server.requests]


class Once(io.RawIOBase):
    """A file as a pipe is."""

    def __init__(self):
        super().__init__()
        self.left = [b"ab"]

    def read(self, n=-1):
        return self.left.pop() if self.left else b""


async def pieces():
    yield b"ab"


@pytest.mark.parametrize(
    ("send", "make"),
    [
        (by_client, lambda: {"content": (piece for piece in [b"ab"])}),
        (by_client, lambda: {"content": Once()}),
        (by_client, lambda: {"files": {"file": Once()}}),
        (by_asyncio, lambda: {"content": pieces()}),
        (by_trio, lambda: {"content": pieces()}),
    ],
)
def test_bodies_that_cannot_be_replayed_are_sent_once_with_a_reason(send, make):
    with Server([answer(503), answer()]) as server:
        assert 503 == send(server.url, method="PUT", **make())[0]
    assert 1 == len(server.requests)
    with Server(["close", answer()]) as server, pytest.raises(httpx.RemoteProtocolError) as caught:
        send(server.url, method="PUT", **make())
    assert 1 == len(server.requests)
    assert any("cannot be sent again; pass bytes, a file" in note for note in caught.value.__notes__)


def test_a_rule_sees_the_body_which_is_still_there(client):
    policy = POLICY.replace(rules=[{"http": 500, "body_contains": "User not exists", "class": "permanent"}])
    text = b"User not exists" + b"x" * 100_000
    with Server([answer(500, text), answer()]) as server:
        assert ((500, text), 1) == (client(server.url, policy), len(server.requests))
    with Server([answer(500, gzip.compress(text), Content_Encoding="gzip"), answer()]) as server:
        assert ((500, text), 1) == (client(server.url, policy), len(server.requests))
    with Server([answer(500, b"other"), answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 2) == (client(server.url, policy), len(server.requests))


def test_only_a_piece_is_read_and_only_for_rules_that_look_at_it():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield b"x" * 1000

    class Stream(httpx.SyncByteStream):
        def __iter__(self):
            return endless()

    transport = httpx.MockTransport(lambda request: httpx.Response(500, stream=Stream()))
    for policy, pieces_taken in [(POLICY, 0), (POLICY.replace(rules=[{"http": 500, "body_contains": "a", "class": "permanent"}]), 5 * 3)]:
        taken.clear()
        with httpx.Client(transport=RetryingTransport(policy, transport)) as client, client.stream("GET", "http://x/"):
            assert pieces_taken == len(taken)


def test_a_body_that_a_rule_has_looked_at_breaks_off_where_it_is_read(client):
    """Both that the rule sees what came, and that whoever reads the response hears of the end."""
    policy = POLICY.replace(rules=[{"http": 500, "body_contains": "User", "class": "permanent"}])
    with Server([answer(500, b"User not exists", Content_Length="100", Connection="close")]) as server:
        with pytest.raises(httpx.TransportError):
            client(server.url, policy)
        assert 1 == len(server.requests)


def test_redirects_are_followed_each_a_call_of_its_own(client):
    with Server([answer(503), answer(302, Location="/y"), answer(503), answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 4) == (client(server.url, POLICY.replace(attempts=2), follow_redirects=True), len(server.requests))


def test_a_breaker_hears_of_successes_and_of_answers(client):
    breaker = undaunted.Breaker(name=f"httpx {client.__name__}", min_calls=20)
    policy = POLICY.replace(breaker=breaker.name)
    with Server([answer(503), answer(), answer(404)]) as server:
        client(server.url, policy)
        client(server.url, policy)
    assert (3, 1) == (breaker.snapshot()["calls"], breaker.snapshot()["failures"])


def test_options_make_the_transport_inside_unless_one_is_given():
    assert isinstance(RetryingTransport(http2=False).transport, httpx.HTTPTransport)
    with pytest.raises(TypeError, match="allowed one of the two"):
        RetryingTransport(POLICY, httpx.HTTPTransport(), verify=False)
    with pytest.raises(TypeError, match="allowed one of the two"):
        AsyncRetryingTransport(POLICY, httpx.AsyncHTTPTransport(), verify=False)


def test_cancelling_a_request_wins():
    async def main(url):
        task = asyncio.ensure_future(awaited(url))
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Server(["hang"]) as server:
        asyncio.run(main(server.url))
        assert 1 == len(server.requests)


def caused(error, *causes):
    outer = error
    for cause in causes:
        outer.__cause__ = cause
        outer = cause
    return error


UNREACHABLE = ExceptionGroup("multiple connection attempts failed", [OSError(113, "No route to host"), OSError(111, "refused")])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectTimeout("x"), ("os", "ETIMEDOUT", "connect")),
        (httpx.PoolTimeout("x"), ("os", "ETIMEDOUT", "connect")),
        (httpx.ReadTimeout("x"), ("os", "ETIMEDOUT", "unknown")),
        (httpx.ConnectError("x"), ("os", "ECONNREFUSED", "connect")),
        (caused(httpx.ConnectError("x"), OSError("All connection attempts failed"), UNREACHABLE), ("os", "EHOSTUNREACH", "connect")),
        (caused(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "x")), ("tls", "SSLCertVerificationError", "connect")),
        (httpx.RemoteProtocolError("Server disconnected"), ("os", "UNEXPECTED_EOF", "unknown")),
        (httpx.ProxyError("407 Proxy Authentication Required"), ("http", 407, "unknown")),
        (httpx.ProxyError("502 Bad Gateway"), ("os", "ECONNREFUSED", "connect")),
        (httpx.LocalProtocolError("x"), ("user", "LocalProtocolError", "unknown")),
        (httpx.UnsupportedProtocol("x"), ("user", "UnsupportedProtocol", "unknown")),
        (httpx.DecodingError("x"), ("user", "DecodingError", "unknown")),
        (httpx.InvalidURL("x"), ("user", "InvalidURL", "unknown")),
        (httpx.HTTPStatusError("x", request=httpx.Request("GET", "http://x"), response=httpx.Response(503)), ("http", 503, "unknown")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_the_facts_of(error, expected):
    found = read(error, True)
    assert expected == (found.domain, found.code, found.phase)


def test_the_error_inside_is_found_in_what_httpx_raises(client):
    with pytest.raises(httpx.ConnectError) as caught:
        client("http://nohost.invalid/")
    assert "dns" == undaunted.classify(caught.value).domain
    with Server(["reset"]) as server, pytest.raises(httpx.NetworkError) as caught:
        client(server.url)
    assert ("os", "ECONNRESET") == ((found := undaunted.classify(caught.value)).domain, found.code)
    with Server([answer()]) as server, pytest.raises(httpx.ConnectError) as caught:
        client(server.url.replace("http:", "https:"))
    assert "tls" == undaunted.classify(caught.value).domain
