"""The aiohttp adapter against a real server."""

import asyncio

import aiohttp
import pytest
from server import Server, answer, closed_port

import undaunted
from undaunted import Policy
from undaunted.adapters.aiohttp import RetryingSession

POLICY = Policy(initial="1us", max_delay="1us", attempts=3)


def serve(answers, use, policy=POLICY, **options):
    """Runs `use(client, url)` against a server; the result and what the server was asked."""

    async def main(url):
        async with RetryingSession(policy, **options) as client:
            return await use(client, url)

    with Server(answers) as server:
        try:
            return asyncio.run(main(server.url)), server.requests
        except BaseException as error:
            error.requests = server.requests
            raise


async def get(client, url):
    async with client.get(url) as response:
        return response.status, await response.text()


async def status_of(request):
    async with request as response:
        return response.status


def test_a_status_is_retried_and_the_response_is_aiohttps_own():
    (said, requests) = serve([answer(503), answer(502), answer(200, b"yes")], get)
    assert ((200, "yes"), 3) == (said, len(requests))


def test_every_method_is_sent_as_it_is():
    async def use(client, url):
        return [await status_of(getattr(client, name)(url)) for name in ("get", "options", "head", "post", "put", "patch", "delete")]

    said, requests = serve([answer()], use)
    assert [200] * 7 == said
    assert ["GET", "OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE"] == [method for method, *_ in requests]


def test_the_last_response_comes_back_untouched():
    (said, requests) = serve([answer(503, b"sorry")], get)
    assert ((503, "sorry"), 3) == (said, len(requests))


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
def test_method_and_idempotency_key_decide(method, headers, status, calls):
    async def use(client, url):
        return await status_of(client.request(method, url, headers=headers))

    said, requests = serve([answer(status)], use)
    assert (status, calls) == (said, len(requests))
    assert {value for _, sent, _ in requests for name, value in sent.items() if name.lower() == "idempotency-key"} <= {"k"}


def test_a_hint_is_waited_for():
    with undaunted.testing() as t:
        serve([answer(429, Retry_After="7"), answer()], get, Policy(jitter="none"))
        assert [7.0] == t.waits
        said, requests = serve([answer(503, Retry_After="600")], get, Policy())
    assert (503, 1) == (said[0], len(requests))


@pytest.mark.parametrize("failure", ["reset", "close"])
def test_a_connection_that_breaks_is_retried(failure):
    said, requests = serve([failure, failure, answer(200, b"yes")], get)
    assert ((200, "yes"), 3) == (said, len(requests))
    with pytest.raises(aiohttp.ClientError) as caught:
        serve([failure], lambda client, url: client.post(url).__aenter__())
    assert ("not_idempotent", 1) == (undaunted.history(caught.value).reason, len(caught.value.requests))


def test_a_refused_connection_is_retried_for_any_method_and_leaves_as_it_came():
    async def main():
        async with RetryingSession(POLICY) as client:
            await client.post(f"http://127.0.0.1:{closed_port()}/")

    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        asyncio.run(main())
    history = undaunted.history(caught.value)
    assert (3, "connect", "not_sent", "attempts") == (len(history), history[0].class_, history[0].sent, history.reason)
    assert "os ECONNREFUSED" == history[0].code


def test_attempt_timeout_ends_a_server_that_hangs():
    said, requests = serve(["hang", answer(200, b"yes")], get, POLICY.replace(attempt_timeout="40ms"))
    assert ((200, "yes"), 2) == (said, len(requests))


def form():
    data = aiohttp.FormData()
    data.add_field("file", b"bytes", filename="f")
    return data


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": b"bytes"}, b"bytes"),
        ({"data": "text"}, b"text"),
        ({"json": {"a": 1}}, b'{"a": 1}'),
        ({"data": {"a": "1"}}, b"a=1"),
        ({"data": [("a", "1")]}, b"a=1"),
        ({"data": form}, b"bytes"),
        ({"data": lambda: parts()}, b"ab"),
    ],
)
def test_bodies_that_can_be_replayed_are(options, expected):
    async def use(client, url):
        return await status_of(client.put(url, **options))

    said, requests = serve([answer(503), "reset", answer()], use)
    assert (200, 3) == (said, len(requests))
    assert all(expected in body for _, _, body in requests)


async def parts():
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("make", [parts, form], ids=["generator", "form"])
def test_bodies_that_cannot_be_replayed_are_sent_once_with_a_reason(make):
    async def use(client, url):
        return await status_of(client.post(url, data=make(), headers={"Idempotency-Key": "k"}))

    said, requests = serve([answer(503), answer()], use)
    assert (503, 1) == (said, len(requests))
    with pytest.raises(aiohttp.ClientError) as caught:
        serve(["close", answer()], use)
    assert 1 == len(caught.value.requests)
    assert any("cannot be sent again; pass bytes, or a function" in note for note in caught.value.__notes__)


def test_a_rule_sees_the_body_which_is_still_there():
    policy = POLICY.replace(rules=[{"http": 500, "body_contains": "User not exists", "class": "permanent"}])
    text = "User not exists" + "x" * 10_000
    said, requests = serve([answer(500, text.encode()), answer()], get, policy)
    assert ((500, text), 1) == (said, len(requests))
    said, requests = serve([answer(500, b"other"), answer(200, b"yes")], get, policy)
    assert ((200, "yes"), 2) == (said, len(requests))

    async def in_pieces(client, url):
        async with client.get(url) as response:
            return b"".join([piece async for piece in response.content.iter_chunked(1000)])

    said, _ = serve([answer(500, text.encode())], in_pieces, policy)
    assert text.encode() == said


def test_the_server_sees_as_many_attempts_as_the_policy_allows():
    """aiohttp would send an idempotent request once more when a connection that was kept open breaks."""

    async def twice(client, url):
        await get(client, url)
        return await get(client, url)

    with pytest.raises(aiohttp.ServerDisconnectedError) as caught:
        serve([answer(200), "close"], twice)
    assert 1 + 3 == len(caught.value.requests)


def test_fetch_covers_the_body():
    said, requests = serve(["truncate", answer(200, b'{"a": 1}', Content_Type="application/json")], lambda client, url: client.fetch(url))
    assert ({"a": 1}, 2) == (said, len(requests))
    for read, expected in [("text", "x"), ("bytes", b"x"), (lambda response: response.read(), b"x")]:
        assert expected == serve([answer(200, b"x")], lambda client, url, read=read: client.fetch(url, read=read))[0]
    with pytest.raises(aiohttp.ClientPayloadError) as caught:
        serve(["truncate"], lambda client, url: client.fetch(url))
    assert 3 == len(undaunted.history(caught.value))
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        serve([answer(503)], lambda client, url: client.fetch(url))
    assert (503, 3) == (caught.value.status, len(caught.value.requests))
    assert ("attempts", [(1, "http 503"), (2, "http 503"), (3, "http 503")]) == (
        undaunted.history(caught.value).reason,
        [(attempt.attempt, attempt.code) for attempt in undaunted.history(caught.value)],
    )
    with pytest.raises(ValueError, match="read is"):
        serve([answer()], lambda client, url: client.fetch(url, read="xml"))


def test_an_error_raised_for_a_status_is_retried_by_its_status():
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        serve([answer(503)], get, raise_for_status=True)
    assert ("http 503", 3) == (undaunted.history(caught.value)[0].code, len(caught.value.requests))


def test_a_session_of_the_users_is_left_open():
    async def main():
        async with aiohttp.ClientSession() as session:
            async with RetryingSession(session=session):
                pass
            assert not session.closed
            with pytest.raises(TypeError, match="allowed one of the two"):
                RetryingSession(session=session, raise_for_status=True)

    asyncio.run(main())


def test_failed_responses_are_released():
    async def use(client, url):
        response = await client.get(url)
        open_connections = len(client.session.connector._acquired)
        await response.read()
        return open_connections

    assert 1 >= serve([answer(503, b"x" * 100_000), answer(503, b"x" * 100_000), answer()], use)[0]


def test_cancelling_a_request_wins():
    with Server(["hang"]) as server:

        async def main():
            async with RetryingSession(POLICY) as client:
                task = asyncio.ensure_future(client.get(server.url)._sent())
                while not server.requests:
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(main())
        assert 1 == len(server.requests)
