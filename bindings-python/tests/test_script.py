"""Scripted failures: what `testing(script=...)` makes of statuses, words, mappings and files."""

import asyncio
import errno
import json
import os
import pickle
import socket
from pathlib import Path

import pytest

import undaunted
from undaunted import Policy, PolicyError, ScriptedError, retry

CALM = Policy(jitter="none", timeout=None, attempts=20)


def met(*script, policy=CALM.replace(on=lambda error: True)):
    """The errors that a call meets under a script, and the testing context."""
    with undaunted.testing(script=list(script)) as t:
        assert "done" == policy.call(lambda: "done")
    return [event.error for event in t.events if event.kind == "scheduled"], t


def test_words_become_what_a_client_would_raise():
    errors, t = met(503, "reset", "refused", "closed", "unreachable", "timeout", "EBUSY", "os 104", "dns", "postgres 40001")
    expected = [
        undaunted.HttpError, ConnectionResetError, ConnectionRefusedError, BrokenPipeError, OSError, TimeoutError, OSError,
        ConnectionResetError, socket.gaierror, ScriptedError,
    ]  # fmt: skip
    assert expected == [type(error) for error in errors]
    assert [errno.EHOSTUNREACH, errno.EBUSY, socket.EAI_AGAIN] == [errors[place].errno for place in (4, 6, 8)]
    assert os.strerror(errno.EBUSY) == errors[6].strerror and ("postgres", "40001") == (errors[9].domain, errors[9].code)
    assert "http 503" == [event.code for event in t.events if event.kind == "scheduled"][0]


@pytest.mark.parametrize(
    "words",
    [
        "503", "429 + hint 2s", "reset", "timeout", "timeout + connect", "reset + hint 3s", "dns", "EBUSY", "http 503 + connect",
        "grpc UNAVAILABLE", "postgres 40001", "mysql 1213", "sqlite 5", "redis LOADING", "mongodb 91", "kafka 7", "aws ThrottlingException",
        "tls CERTIFICATE_VERIFY_FAILED", "undici UND_ERR_SOCKET", "user Mine", "dns ENOTFOUND", "dns EAI_FAIL + hint 1s",
    ],
)  # fmt: skip
def test_a_call_decides_of_the_words_as_explain_does(words):
    explained = CALM.explain([words])
    with undaunted.testing(script=[words]) as t:
        try:
            CALM.call(lambda: "done")
        except Exception as error:
            assert explained.gave_up == undaunted.history(error).reason
    told = next(event for event in t.events if event.kind != "attempt")
    failure = explained[0]
    assert ([] if failure.delay is None else [failure.delay]) == t.waits
    assert (failure.class_, failure.sent, f"{failure.domain} {failure.code}") == (told.class_, told.sent, told.code)


def test_what_cannot_stand_in_an_os_error_is_one_all_the_same():
    (error,), t = met("timeout + connect", policy=Policy(jitter="none", idempotent=False))
    assert isinstance(error, TimeoutError) and isinstance(error, ScriptedError) and errno.ETIMEDOUT == error.errno
    assert "not_sent" == t.events[1].sent and "os ETIMEDOUT" == str(error)
    (error,), t = met("reset + hint 3s", policy=CALM.replace(on=ConnectionResetError))
    assert [3] == t.waits and "reset" in error.strerror


def test_hints_and_bodies_are_on_the_error():
    (error,), t = met("429 + hint 2s")
    assert ([2], 2.0, 429) == (t.waits, error.hint, error.status)
    policy = Policy(rules=[{"http": 500, "body_contains": "not exists", "class": "permanent"}])
    with undaunted.testing(script=["500 + body User not exists"]), pytest.raises(undaunted.HttpError) as caught:
        policy.call(lambda: "done")
    response = caught.value.response
    assert (500, "User not exists", b"User not exists", {}) == (response.status_code, response.text, response.content, response.headers)
    (error,), _ = met({"http": 404, "should_retry": True}, policy=CALM)
    assert error.should_retry is True


def test_mappings_are_those_of_explain():
    errors, t = met(
        {"http": 429, "hint": "2s"}, {"http": 429, "hint": 2}, {"mysql": 1213}, {"body": "mine"}, {"error": KeyError("x"), "duration": 5}
    )
    assert [2, 2] == t.waits[:2] and ["mysql 1213", "user"] == [str(error) for error in errors[2:4]]
    assert "mine" == errors[3].body and isinstance(errors[4], KeyError)
    assert pytest.approx(sum(t.waits) + 5) == t.now


def test_the_time_that_an_attempt_takes_passes_on_the_virtual_clock():
    with undaunted.testing(script=["reset + takes 5s", "reset + takes 4s"]) as t, pytest.raises(ConnectionResetError) as caught:
        Policy(jitter="none", timeout=10).call(lambda: "done")
    assert (10, "timeout") == (t.now, undaunted.history(caught.value).reason)

    async def fetch():
        return "done"

    limited = retry(attempt_timeout=2, jitter="none")(fetch)
    with undaunted.testing(script=["503 + takes 5s", "503 + takes 1s"]) as t:
        assert "done" == asyncio.run(limited())
    errors = [event.error for event in t.events if event.kind == "scheduled"]
    assert [undaunted.TimeoutError, undaunted.HttpError] == [type(error) for error in errors]
    assert (2 + 1 + 1 + 2) == t.now


def test_ok_and_none_let_the_code_run():
    calls = []
    with undaunted.testing(script=["ok", 503, None, "reset"]) as t:
        for _ in range(3):
            CALM.call(calls.append, 1)
    assert (3, [1, 1]) == (len(calls), t.waits)


def test_the_file_that_javascript_takes_means_the_same():
    outage = Path(__file__).parents[2] / "tests" / "scripts" / "outage.json"
    with undaunted.testing(script=outage) as t:
        assert Policy(attempts=8, jitter="none").call(lambda: "the real one") == "the real one"
    assert t.waits == [1, 2, 4, 8, 10, 10]
    assert t.now == 40  # and 5 s that an attempt took
    failed = [event for event in t.events if event.kind == "scheduled"]
    assert [event.code for event in failed] == ["http 503", "os ECONNRESET", "http 429", "postgres 40001", "http 503", "os ETIMEDOUT"]
    assert [event.sent for event in failed] == ["maybe", "maybe", "rejected", "rejected", "rejected", "maybe"]


def test_the_list_may_stand_in_a_mapping_or_in_a_file(tmp_path):
    script = {"fail": [503, "reset", {"http": 429, "hint": "2s"}, "ok"]}
    path = tmp_path / "outage.json"
    path.write_text(json.dumps(script))
    for given in (script, path, str(path), tuple(script["fail"]), iter(script["fail"])):
        with undaunted.testing(script=given) as t:
            CALM.call(lambda: "done")
        assert [1, 2, 4] == t.waits
    with pytest.raises(FileNotFoundError):
        undaunted.testing(script=tmp_path / "missing.json")
    for text in ("[503]", '{"fail": 503}', '{"failures": [503]}', "{", '{"fail": [{"http": 429, "hint": 2}]}'):
        path.write_text(text)
        with pytest.raises(PolicyError) as caught:
            undaunted.testing(script=path)
        assert 1 == len(caught.value.problems) and [f"in {path}"] == caught.value.__notes__


def test_every_mistake_is_told_when_the_context_is_made():
    wrong = ["wat", 99, True, {"http": 503, "wat": 1}, "ENOSUCH", "503 + method POST", {"verdict": "forced", "key": 1}, KeyboardInterrupt]
    with pytest.raises(PolicyError) as caught:
        undaunted.testing(script=[503, *wrong, {"error": "x"}, {"error": OSError(), "hint": 1}, "ok"])
    assert [
        ("unknown_failure", "/fail/1"), ("unknown_failure", "/fail/2"), ("wrong_kind", "/fail/3"), ("unknown_option", "/fail/4/wat"),
        ("unknown_failure", "/fail/5/os"), ("meaningless_option", "/fail/6/method"), ("unknown_option", "/fail/7/key"),
        ("meaningless_option", "/fail/7/verdict"), ("wrong_kind", "/fail/8"), ("wrong_kind", "/fail/9/error"), ("wrong_kind", "/fail/10/error"),
    ] == [(code, pointer) for code, pointer, _ in caught.value.problems]  # fmt: skip
    texts = str(caught.value).splitlines()
    assert texts[0].startswith('script.1: the failure is "wat", allowed a status, ok, reset')
    assert "script.5.os is ENOSUCH, which no system has; correct the name [unknown_failure]" == texts[4]
    assert "script.6.method is given, allowed what a failure itself says; it belongs to the call that runs, remove it" in texts[5]


def test_scripted_errors_pickle_and_print(flaky):
    errors, _ = met("postgres 40001", "timeout + connect", "reset + hint 3s", "dns EAI_FAIL + hint 1s", "429 + hint 2s", "reset", "dns")
    for error in errors:
        undaunted.history(error)
        error.add_note("kept")
        again = pickle.loads(pickle.dumps(error))
        assert (type(error), str(error), error.args, ["kept"]) == (type(again), str(again), again.args, again.__notes__)
        assert undaunted.classify(error) == undaunted.classify(again)
        assert {**error.__dict__, "__notes__": 0} == {**again.__dict__, "__notes__": 0}
    assert "ScriptedError('postgres', '40001')" == repr(errors[0])
    fn = flaky(1, ScriptedError("redis", "LOADING"))
    assert "done" == retry(fn)() and 2 == fn.calls
    for wrong in ({"domain": "nosuch"}, {"phase": "later"}):
        with pytest.raises(ValueError, match="nosuch|later"):
            ScriptedError(**wrong)
