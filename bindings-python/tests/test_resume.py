"""A call that is handed over: the token on its error, and the call made again of it."""

import json
import pickle
import time

import pytest

import undaunted

SERVICE = undaunted.Policy(attempts=3)
QUEUE = undaunted.Policy(attempts=9, timeout="24h")


class Down(ConnectionResetError):
    pass


def given_up(policy=SERVICE, error=Down, **script):
    """The error of a call that is given up."""

    @policy
    def call():
        raise error("down")

    with undaunted.testing(**script), pytest.raises(Exception) as raised:
        call()
    return raised.value


def test_attempts_seed_and_times_are_handed_over():
    error = given_up()
    found = json.loads(undaunted.resume_token(error))
    history = undaunted.history(error)
    assert found["attempts"] == 3 and found["reason"] == "attempts" and found["class"] == "transient"
    assert found["call_seed"] == str(history.call_seed)
    assert found["elapsed_us"] == round(history.elapsed * 1e6)
    assert abs(found["made_at_us"] / 1e6 - time.time()) < 60


def test_the_next_waits_are_those_of_the_seed():
    error = given_up()
    waits = QUEUE.schedule(call_seed=undaunted.history(error).call_seed)
    resumed = QUEUE.resume(undaunted.resume_token(error))
    assert (resumed.attempt, resumed.delay, resumed.reason) == (4, waits[2], None)
    for n in range(3, 7):
        assert resumed.failed(Down()) == waits[n]
        resumed = QUEUE.resume(resumed.token)
        assert (resumed.attempt, resumed.delay) == (n + 2, 0.0)  # it was waited for


def test_it_ends_where_the_queue_s_policy_ends_it():
    resumed = undaunted.Policy(attempts=4).resume(undaunted.resume_token(given_up()))
    last = Down()
    assert resumed.failed(last) is None
    assert (resumed.delay, resumed.reason) == (None, "attempts")
    history = undaunted.history(last)
    assert (len(history), history[0].attempt, history.reason) == (1, 4, "attempts")
    assert json.loads(undaunted.resume_token(last))["attempts"] == 4


def test_a_policy_that_allows_no_more_gives_up_at_once():
    resumed = SERVICE.resume(undaunted.resume_token(given_up()))
    assert (resumed.delay, resumed.reason) == (None, "attempts")


def test_what_was_permanent_stays_so():
    resumed = QUEUE.resume(undaunted.resume_token(given_up(error=KeyError)))
    assert (resumed.delay, resumed.reason) == (None, "permanent")


def test_errors_are_judged_by_the_queue_s_policy():
    resumed = QUEUE.replace(on=KeyError).resume(undaunted.resume_token(given_up()))
    assert resumed.failed(KeyError()) is not None
    assert resumed.failed(ValueError()) is None and resumed.reason == "permanent"


def test_without_a_token_a_call_of_its_own_begins():
    resumed = QUEUE.replace(seed=5).resume()
    assert (resumed.attempt, resumed.delay, resumed.reason) == (1, 0.0, None)
    with pytest.raises(ValueError, match="before its first failure"):
        _ = resumed.token
    assert resumed.failed(Down()) == QUEUE.schedule(seed=5)[0]
    assert resumed.attempt == 2
    resumed.succeeded()


def test_the_server_s_hint_goes_with_it():
    error = given_up(undaunted.Policy(timeout="10s"), lambda text: undaunted.HttpError(503, headers={"retry-after": "100"}))
    resumed = QUEUE.resume(undaunted.resume_token(error))
    assert json.loads(undaunted.resume_token(error))["reason"] == "hint_too_long"
    assert resumed.delay >= 100


def test_time_between_the_processes_counts():
    token = json.loads(undaunted.resume_token(given_up()))
    an_hour_ago = json.dumps(token | {"made_at_us": token["made_at_us"] - 3_600_000_000})
    resumed = undaunted.Policy(attempts=9, timeout="1h").resume(an_hour_ago)
    assert (resumed.delay, resumed.reason) == (None, "timeout")
    assert resumed.elapsed > 3600
    assert QUEUE.resume(an_hour_ago).delay is not None


def test_hooks_hear_of_it():
    events = []
    resumed = QUEUE.replace(on_event=events.append, attempts=5).resume(undaunted.resume_token(given_up()))
    resumed.failed(Down())
    resumed.failed(Down())
    assert [(event.kind, event.attempt, event.reason) for event in events] == [("scheduled", 4, None), ("gave_up", 5, "attempts")]


def test_its_events_replay_its_waits():
    error = given_up()
    events = []
    queue = QUEUE.replace(on_event=events.append)
    for resumed in (queue.resume(undaunted.resume_token(error)), queue.replace(seed=2**64 - 1).resume(None)):
        resumed.failed(Down())
    assert [event.attempt for event in events] == [4, 1]
    assert events[0].call_seed == undaunted.history(error).call_seed != events[1].call_seed
    for event in events:
        assert QUEUE.schedule(call_seed=event.call_seed)[event.attempt - 1] == event.delay
        explained = QUEUE.explain([Down()] * event.attempt, call_seed=event.call_seed)
        assert explained[event.attempt - 1].delay == event.delay


def test_a_budget_pays_for_what_the_queue_retries():
    policy = undaunted.Policy(attempts=9, budget={"name": "test_resume", "capacity": 1, "cost": 1})
    resumed = policy.resume(undaunted.resume_token(given_up()))
    assert resumed.delay is not None
    assert resumed.failed(Down()) is None and resumed.reason == "budget"


def test_a_breaker_ends_a_schedule_and_counts_none_of_its_attempts():
    policy = undaunted.Policy(attempts=9, breaker={"name": "test_resume", "window_calls": 1, "min_calls": 1, "initial": "1h", "max_delay": "1h"})
    resumed = policy.resume(undaunted.resume_token(given_up()))
    assert resumed.failed(Down()) is not None
    resumed.succeeded()
    assert policy.breaker.snapshot()["calls"] == 0
    with pytest.raises(Down):
        policy.breaker.call(fails)
    assert resumed.failed(Down()) is None
    assert resumed.reason == "breaker_open" and 1700 < resumed.hint <= 3600


def fails():
    raise Down


def test_a_token_survives_pickling():
    error = given_up()
    assert undaunted.resume_token(pickle.loads(pickle.dumps(error))) == undaunted.resume_token(error)


def test_a_result_that_was_not_accepted_has_one():
    policy = SERVICE.replace(retry_if_result=lambda result: True)
    with undaunted.testing(), pytest.raises(undaunted.GaveUp) as raised:
        policy.call(lambda: 1)
    assert json.loads(undaunted.resume_token(raised.value))["attempts"] == 3


@pytest.mark.parametrize("error", [KeyError("nobody"), undaunted.TimeoutError(1.0)])
def test_an_error_on_which_no_call_gave_up_has_none(error):
    with pytest.raises(ValueError, match="on which no call gave up"):
        undaunted.resume_token(error)


@pytest.mark.parametrize("key", ["secret", b"secret", "schlüssel"])
def test_a_signed_token_is_read_with_its_key(key):
    token = undaunted.resume_token(given_up(), key=key)
    resumed = QUEUE.resume(token, key=key)
    resumed.failed(Down())
    assert QUEUE.resume(resumed.token, key=key).attempt == 5


def codes(token, key=None):
    with pytest.raises(undaunted.PolicyError) as raised:
        QUEUE.resume(token, key=key)
    assert key is None or key not in str(raised.value)
    return [code for code, _, _ in raised.value.problems]


def test_signatures_that_are_wrong_are_refused():
    error = given_up()
    plain, signed = undaunted.resume_token(error), undaunted.resume_token(error, key="secret")
    assert codes(plain, "secret") == ["missing_signature"]
    assert codes(signed) == ["unexpected_signature"]
    assert codes(signed, "another") == ["wrong_signature"]
    assert codes(signed.replace('"attempts":3', '"attempts":1'), "secret") == ["wrong_signature"]
    assert codes(signed[:-1], "secret") == ["wrong_signature"]
    assert codes(signed + "ü", "secret") == ["wrong_signature"]
    for at, letter in enumerate(signed):
        for bit in range(8):
            flipped = signed[:at] + chr(ord(letter) ^ 1 << bit) + signed[at + 1 :]
            assert codes(flipped, "secret") in (["wrong_signature"], ["missing_signature"]), flipped


def test_the_signature_is_hmac_sha256_in_base64url():
    from undaunted._resume import signed

    text = "what do ya want for nothing?"  # RFC 4231 4.3
    assert signed(text, "Jefe") == f"{text}.W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"


def test_what_is_no_token_is_refused():
    assert codes("{") == ["not_json"]
    assert codes("[]") == ["wrong_kind"]
    assert codes('{"version": 2}')[0] == "unsupported_version"
    assert codes(" " * 5000) == ["text_too_long"]
    with pytest.raises(TypeError, match="allowed text or None"):
        QUEUE.resume({})  # type: ignore[arg-type]


@pytest.mark.parametrize(("key", "kind"), [("", ValueError), (5, TypeError), (True, TypeError)])
def test_what_is_no_key_is_refused(key, kind):
    with pytest.raises(kind, match="the key is"):
        undaunted.resume_token(given_up(), key=key)
    with pytest.raises(kind, match="the key is"):
        QUEUE.resume(key=key)
