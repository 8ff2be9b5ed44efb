"""The urllib3 and requests adapters against a real server."""

import gzip
import pickle
import time

import pytest
import requests
import urllib3
from server import Server, answer, closed_port

import undaunted
from undaunted import Policy
from undaunted.adapters.requests import RetryingAdapter
from undaunted.adapters.urllib3 import Retry

POLICY = Policy(initial="1us", max_delay="1us", attempts=3)


def by_urllib3(url, policy=POLICY, method="GET", **options):
    retry = Retry(policy, idempotency_key="idempotency-key" in options.get("headers", {}))
    with urllib3.PoolManager(retries=retry) as pool:
        response = pool.request(method, url, **options)
        return response.status, response.data


def by_requests(url, policy=POLICY, method="GET", **options):
    with requests.Session() as session:
        session.mount("http://", RetryingAdapter(policy))
        response = session.request(method, url, **options)
        return response.status_code, response.content


def by_max_retries(url, policy=POLICY, method="GET", **options):
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=Retry(policy)))
        response = session.request(method, url, **options)
        return response.status_code, response.content


CLIENTS = [by_urllib3, by_requests, by_max_retries]


@pytest.mark.parametrize("client", CLIENTS)
def test_statuses_and_broken_connections_are_retried(client):
    with Server([answer(503), "close", answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 3) == (client(server.url), len(server.requests))


@pytest.mark.parametrize("client", CLIENTS)
def test_the_last_response_comes_back_untouched(client):
    with Server([answer(503, b"sorry")]) as server:
        assert ((503, b"sorry"), 3) == (client(server.url), len(server.requests))
    with Server([answer(404, b"no")]) as server:
        assert ((404, b"no"), 1) == (client(server.url), len(server.requests))


@pytest.mark.parametrize("client", [by_urllib3, by_requests])
@pytest.mark.parametrize(
    ("method", "headers", "status", "calls"),
    [("POST", {}, 500, 1), ("POST", {"idempotency-key": "k"}, 500, 3), ("PUT", {}, 500, 3), ("POST", {}, 429, 3)],
)
def test_method_and_idempotency_key_decide(client, method, headers, status, calls):
    with Server([answer(status)]) as server:
        said, _ = client(server.url, method=method, headers=headers)
        assert (status, calls) == (said, len(server.requests))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_hint_is_waited_for_and_one_too_long_is_not(client):
    with undaunted.testing() as t:
        with Server([answer(503, Retry_After="7"), answer()]) as server:
            client(server.url, Policy(jitter="none"))
        assert [7.0] == t.waits
        with Server([answer(503, Retry_After="3600")]) as server:
            assert (503, 1) == (client(server.url, Policy())[0], len(server.requests))
    assert [7.0] == t.waits


DATES = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_date_is_a_hint_in_all_three_forms_and_one_in_the_past_is_none(client, date):
    for ahead, least, most in [(9, 7, 9), (-60, 1, 1)]:
        told = time.strftime(date, time.gmtime(time.time() + ahead))
        with undaunted.testing() as t, Server([answer(429, Retry_After=told), answer()]) as server:
            client(server.url, Policy(jitter="none"))
        assert least <= t.waits[0] <= most


@pytest.mark.parametrize("failure", ["cut", "truncate"])
@pytest.mark.parametrize("client", [by_urllib3, by_requests])
def test_a_body_that_breaks_off_is_retried_and_never_multiplied(client, failure):
    with Server([failure, failure, answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 3) == (client(server.url), len(server.requests))
    with Server([failure]) as server, pytest.raises(Exception) as caught:
        client(server.url)
    assert (3, 3, "attempts") == (len(server.requests), len(undaunted.history(caught.value)), undaunted.history(caught.value).reason)
    with Server([failure]) as server, pytest.raises(Exception) as caught:
        client(server.url, method="POST")
    assert (1, "not_idempotent") == (len(server.requests), undaunted.history(caught.value).reason)


def test_what_happens_in_a_body_is_told_as_requests_tells_it():
    for method in ("GET", "POST"):
        with Server(["cut"]) as server, pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
            by_requests(server.url, method=method)
        assert method == caught.value.request.method
    with Server([answer(200, b"no gzip", Content_Encoding="gzip")]) as server, pytest.raises(requests.exceptions.ContentDecodingError):
        by_requests(server.url)
    with Server(["truncate", answer(200, gzip.compress(b"yes"), Content_Encoding="gzip")]) as server:
        assert (200, b"yes") == by_requests(server.url)


@pytest.mark.parametrize("client", [by_requests, by_max_retries])
def test_a_body_that_requests_streams_is_not_covered(client):
    options = {"stream": True} if client is by_requests else {}
    with Server(["cut", answer()]) as server, pytest.raises(requests.exceptions.ChunkedEncodingError):
        client(server.url, **options)
    assert 1 == len(server.requests)


def test_bodies_that_come_through_a_proxy_are_covered():
    with Server(["cut", answer(200, b"yes")]) as proxy, requests.Session() as session:
        session.mount("http://", RetryingAdapter(POLICY))
        assert b"yes" == session.get("http://users.invalid/", proxies={"http": proxy.url}).content
    assert 2 == len(proxy.requests)


def test_a_streamed_response_is_read_by_its_reader():
    with Server([answer(503), answer(200, b"a" * 5000)]) as server, requests.Session() as session:
        session.mount("http://", RetryingAdapter(POLICY))
        with session.get(server.url, stream=True) as response:
            assert [1000] * 5 == [len(piece) for piece in response.iter_content(1000)]


def test_a_breaker_hears_of_successes_and_events_tell_them():
    events = []
    breaker = undaunted.Breaker(name="requests", min_calls=20)
    with Server([answer(503), answer(), answer(404), "close"]) as server:
        for _ in range(2):
            by_requests(server.url, POLICY.replace(breaker=breaker.name, on_event=events.append))
    assert (3, 1) == (breaker.snapshot()["calls"], breaker.snapshot()["failures"])
    assert ["attempt", "scheduled", "attempt", "success", "attempt", "gave_up"] == [event.kind for event in events]


def test_urllib3s_own_limits_hold_beside_the_policy():
    def requests_made(answers, method="GET", **limits):
        with Server(answers) as server, urllib3.PoolManager(retries=Retry(POLICY, **limits)) as pool:
            try:
                pool.request(method, server.url)
            except urllib3.exceptions.HTTPError:
                pass
            return len(server.requests)

    assert 3 == requests_made(["close"])
    assert 2 == requests_made(["close"], read=1)
    assert 1 == requests_made(["close"], total=0)
    assert 3 == requests_made(["close"], connect=0)
    assert 2 == requests_made([answer(503)], status=1)
    assert [1, 3] == [requests_made([answer(status)], status_forcelist=[503]) for status in (502, 503)]
    assert [1, 3] == [requests_made([answer(503)], method, allowed_methods=["GET"]) for method in ("PUT", "GET")]


def test_timeouts_are_retried_by_default_and_a_post_says_why_not():
    events = []
    with Server(["hang"]) as server, pytest.raises(requests.ReadTimeout):
        by_requests(server.url, POLICY.replace(on_event=events.append), method="POST", timeout=0.03)
    last = events[-1]
    assert ("gave_up", "not_idempotent", "timeout", "maybe") == (last.kind, last.reason, last.class_, last.sent)
    with Server(["hang"]) as server, pytest.raises(requests.ConnectionError):
        by_requests(server.url, method="POST", timeout=0.03, headers={"Idempotency-Key": "k"})
    assert 3 == len(server.requests)


def test_errors_are_the_clients_own_and_know_their_history():
    url = f"http://127.0.0.1:{closed_port()}/"
    with pytest.raises(urllib3.exceptions.MaxRetryError) as caught:
        by_urllib3(url, method="POST")
    history = undaunted.history(caught.value)
    assert (3, "connect", "attempts") == (len(history), history[0].class_, history.reason)
    assert isinstance(caught.value.reason, urllib3.exceptions.NewConnectionError)
    with pytest.raises(requests.ConnectionError) as caught:
        by_requests(url, method="POST")
    assert (3, "attempts") == (len(undaunted.history(caught.value)), undaunted.history(caught.value).reason)
    assert any("gave up after 3 of 3 attempts" in note for note in caught.value.__notes__)


def test_what_may_have_reached_the_server_leaves_as_the_error_it_is():
    with Server(["close"]) as server:
        with pytest.raises(urllib3.exceptions.ProtocolError) as caught:
            by_urllib3(server.url, method="POST")
        assert ("not_idempotent", 1) == (undaunted.history(caught.value).reason, len(server.requests))
        with pytest.raises(requests.ConnectionError) as caught:
            by_requests(server.url, method="POST")
        assert "not_idempotent" == undaunted.history(caught.value).reason


def test_the_policys_attempt_timeout_becomes_the_timeout_of_requests():
    with Server(["hang", answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 2) == (by_requests(server.url, POLICY.replace(attempt_timeout="40ms")), len(server.requests))


@pytest.mark.parametrize("client", CLIENTS)
def test_redirects_are_followed_and_are_no_retries(client):
    with Server([answer(302, Location="/y")] * 4 + [answer(503), answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 6) == (client(server.url, POLICY.replace(attempts=2)), len(server.requests))


@pytest.mark.parametrize("client", [by_urllib3, by_requests])
def test_a_rule_sees_the_body_which_is_still_there(client):
    policy = POLICY.replace(rules=[{"http": 500, "body_contains": "User not exists", "class": "permanent"}])
    with Server([answer(500, b"User not exists")]) as server:
        assert ((500, b"User not exists"), 1) == (client(server.url, policy), len(server.requests))
    with Server([answer(500, b"other"), answer(200, b"yes")]) as server:
        assert ((200, b"yes"), 2) == (client(server.url, policy), len(server.requests))


def test_one_retry_object_serves_many_requests_and_keeps_no_state():
    retry = Retry(POLICY)
    with Server([answer(503), answer(200, b"yes")] * 3 + [answer()]) as server, urllib3.PoolManager(retries=retry) as pool:
        for _ in range(3):
            response = pool.request("GET", server.url)
            assert (200, [503]) == (response.status, [entry.status for entry in response.retries.history])
    assert () == retry.history and retry._run is None
    assert POLICY == pickle.loads(pickle.dumps(retry)).policy
    assert isinstance(retry, urllib3.Retry)


def test_events_and_cancel_hold_for_requests():
    import threading

    events, cancel = [], threading.Event()

    def hear(event):
        events.append(event)
        if event.kind == "scheduled":
            cancel.set()

    policy = Policy(initial="1h", max_delay="1h", timeout=None, jitter="none", on_event=hear, cancel=cancel)
    with Server([answer(503)]) as server:
        with pytest.raises(requests.exceptions.RetryError):
            by_requests(server.url, policy)
    assert ["attempt", "scheduled", "gave_up"] == [event.kind for event in events]
    assert ("cancelled", "GET 127.0.0.1") == (events[-1].reason, events[-1].name)
