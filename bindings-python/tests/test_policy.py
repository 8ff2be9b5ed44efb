"""`Policy`: reading, refusing, values, schedules."""

import copy
import json
import pickle
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum

import pytest

import undaunted
from undaunted import Policy, PolicyError


def codes(error):
    return [code for code, _, _ in error.value.problems]


def test_durations_are_seconds_timedelta_or_text():
    assert Policy(timeout="30s") == Policy(timeout=30) == Policy(timeout=30.0) == Policy(timeout=timedelta(seconds=30))
    assert Policy(initial="250ms") == Policy(initial=0.25) == Policy(initial=Decimal("0.25"))
    assert '"timeout":"1us"' in Policy(timeout=timedelta(microseconds=1)).dump()


def test_a_policy_is_a_value():
    policy = Policy(attempts=3, jitter={"proportional": 0.2}, rules=[{"http": "500-599", "class": "permanent"}])
    assert policy == Policy.parse(policy.dump()) == copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy))
    assert {policy: 1}[Policy.parse(policy.dump())] == 1
    assert policy == eval(repr(policy), {"Policy": Policy})
    assert policy != Policy() and policy != policy.replace(on=ValueError) and policy != 5
    with pytest.raises(AttributeError, match="policy.replace"):
        policy.attempts = 5
    with pytest.raises(AttributeError):
        del policy._core


def test_settings_of_the_process_survive_replace_and_pickle_and_stay_out_of_the_dump():
    policy = Policy(on=(ValueError, OSError), name="x", seed=7).replace(attempts=2)
    again = pickle.loads(pickle.dumps(policy))
    assert policy == again and ("x", 2) == (again.name, again.attempts)
    assert Policy(attempts=2).dump() == policy.dump()
    assert Policy(attempts=2) == policy.replace(on=None, name=None, seed=None)


def test_a_preset_is_named_and_overridden():
    assert 0.2 == Policy.preset("interactive", timeout=0.2).timeout
    assert Policy(preset="interactive") == Policy.preset("interactive")
    with pytest.raises(PolicyError) as error:
        Policy.preset("intractive")
    assert ["unknown_value"] == codes(error)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"attempts": 0}, "out_of_range"),
        ({"attempts": -1}, "out_of_range"),
        ({"attempts": 2**32}, "out_of_range"),
        ({"attempts": 10**5000}, "out_of_range"),
        ({"attempts": True}, "wrong_kind"),
        ({"attempts": 1.5}, "wrong_kind"),
        ({"attempts": None, "timeout": None}, "unlimited_without_timeout"),
        ({"timeout": float("nan")}, "wrong_kind"),
        ({"timeout": float("inf")}, "wrong_kind"),
        ({"timeout": -1}, "out_of_range"),
        ({"timeout": 0}, "out_of_range"),
        ({"timeout": timedelta(days=-1)}, "out_of_range"),
        ({"timeout": "30"}, "bad_duration"),
        ({"timeout": lambda: 5}, "wrong_kind"),
        ({"factor": float("nan")}, "wrong_kind"),
        ({"jitter": {"proportional": 0}}, "jitter_cannot_spread"),
        ({"retries": 3}, "unknown_option"),
        ({"seed_": 3}, "unknown_option"),
        ({"budget": {}}, "missing_option"),
    ],
)
def test_impossible_options_are_refused_with_their_code(options, code):
    with pytest.raises(PolicyError) as error:
        Policy(**options)
    assert [code] == codes(error)
    assert isinstance(error.value, ValueError)


def test_numbers_of_any_kind_are_read_by_value():
    class Three(IntEnum):
        THREE = 3

    assert Policy(attempts=3) == Policy(attempts=3.0) == Policy(attempts=Three.THREE)
    assert Policy.parse('{"attempts": 3e0}') == Policy(attempts=3)


def test_a_file_with_fifty_mistakes_shows_all_fifty(tmp_path):
    options = {f"option_{n}": n for n in range(25)}
    options["rules"] = [{"http": 500, "class": "transent"}] * 20
    options |= {"timeout": 30, "attempts": 0, "initial": "5", "jitter": "ful", "nested": None}
    file = tmp_path / "retry.json"
    file.write_text(json.dumps(options))
    with pytest.raises(PolicyError) as error:
        Policy.load(file)
    assert 50 == len(error.value.problems) == len(str(error.value).splitlines())
    assert ("bare_number", "/timeout") in [problem[:2] for problem in error.value.problems]
    assert ("unknown_value", "/rules/19/class") in [problem[:2] for problem in error.value.problems]
    assert [f"in {file}"] == error.value.__notes__
    again = pickle.loads(pickle.dumps(error.value))
    assert (error.value.problems, str(error.value)) == (again.problems, str(again))


@pytest.mark.parametrize("text", ["", "{", "[1,", '{"attempts": 03}', "nul", '{"attempts": 3} x', b"\xff\xfe\xfd", "[" * 100_000])
def test_what_is_no_json_is_refused_as_a_policy_error(text):
    with pytest.raises(PolicyError) as error:
        Policy.parse(text)
    assert ["not_json"] == codes(error)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "wrong_kind"),
        ("5", "wrong_kind"),
        ('{"timeout": NaN}', "bare_number"),
        ('{"timeout": -Infinity}', "bare_number"),
        ('{"attempts": 3, "attempts": 4}', "duplicate_option"),
        ('{"attempts": 99999999999999999999999999}', "out_of_range"),
        ('{"attempts": ' + "9" * 10_000 + "}", "out_of_range"),
        ('{"undaunted": 2}', "unsupported_version"),
        ('{"timeout": "\\u0000"}', "bad_duration"),
        ('{"maxDelay": "5s"}', "unknown_option"),
    ],
)
def test_json_that_is_no_policy_is_refused_with_its_code(text, code):
    with pytest.raises(PolicyError) as error:
        Policy.parse(text)
    assert [code] == codes(error)


def test_decimals_of_a_file_are_not_rounded_on_the_way():
    with pytest.raises(PolicyError) as error:
        Policy.parse('{"factor": 1.50000000000000000000001}')
    assert ["too_fine"] == codes(error)
    assert '"factor":1.000001' in Policy.parse('{"factor": 1.0000010, "attempts": 5}').dump()


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Policy.load(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError):
        Policy.load(str(tmp_path / "none.json"))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    file = tmp_path / "retry.json"
    file.write_bytes(b'\xef\xbb\xbf{"attempts": 3}')
    assert 3 == Policy.load(file).attempts


def test_the_schedule_is_the_same_everywhere_and_exact():
    policy = Policy.preset("interactive", attempts=5)
    waits = policy.schedule(seed=7)
    assert waits == policy.schedule(seed=7, call=1) == policy.schedule(seed=7, attempts=5)
    assert waits != policy.schedule(seed=7, call=2)
    assert all(wait == round(wait * 1e6) / 1e6 for wait in waits) and 4 == len(waits)
    with undaunted.testing() as t:
        policy.replace(on=ValueError, retry_if_result=lambda result: t.waits == [], name="n").call(lambda: 1)
    assert t.waits == policy.schedule(call_seed=t.events[-1].call_seed)[:1]


@pytest.mark.parametrize(
    "arguments",
    [{"seed": -1}, {"seed": 2**64}, {"seed": 1.5}, {"seed": True}, {"call": 0}, {"attempts": 0}, {"attempts": 100_001}, {"seed": 1, "call_seed": 1}, {"call": 2}, {"call_seed": 1, "call": 2}],
)
def test_a_schedule_refuses_what_it_cannot_show(arguments):
    with pytest.raises(ValueError, match="allowed"):
        Policy().schedule(**arguments)


def test_a_seeded_policy_shows_its_own_waits():
    assert Policy().schedule(seed=7, call=3) == Policy(seed=7).schedule(call=3)


def test_a_duration_is_read_wherever_one_is_taken():
    from undaunted._policy import seconds

    assert [0.0, 0.25, 90.0, 3.0, 0.0] == [seconds(given) for given in ("0s", "250ms", "1.5m", timedelta(seconds=3), -1)]
    with pytest.raises(PolicyError, match="the duration is") as error:
        undaunted.again(ValueError(), after="soon")
    assert ["bad_duration"] == codes(error)
    with pytest.raises(TypeError, match="a duration is a list"):
        undaunted.again(ValueError(), after=[])


def test_an_endless_schedule_needs_a_length():
    policy = Policy(forever=True)
    with pytest.raises(ValueError, match="attempts is None"):
        policy.schedule()
    assert 99_999 == len(policy.schedule(attempts=100_000))
    assert [] == policy.schedule(attempts=1)


def test_huge_attempts_never_overflow(waits):
    calls = []

    def fn():
        calls.append(1)
        if len(calls) < 5000:
            raise OSError(104, "reset")
        return len(calls)

    policy = Policy(attempts=2**32 - 1, timeout=None, jitter="none")
    assert 5000 == policy(fn)()
    assert 10.0 == waits[-1] and 1.0 == waits[0]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"seed": -1}, ValueError),
        ({"seed": "7"}, ValueError),
        ({"name": 5}, TypeError),
        ({"retry_if_result": 5}, TypeError),
        ({"on_event": 5}, TypeError),
        ({"on_event": [print, 5]}, TypeError),
        ({"cancel": 5}, TypeError),
    ],
)
def test_settings_are_checked(settings, error):
    with pytest.raises(error, match="allowed"):
        Policy(**settings)


def test_the_small_functions_agree_with_the_tables():
    assert 3.0 == undaunted.read_hint({"Retry-After": "3"}) == undaunted.read_hint([("retry-after-ms", "3000")])
    assert 60.0 == undaunted.read_hint({"Retry-After": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=0)
    assert None is undaunted.read_hint({}) is undaunted.read_hint({"Retry-After": "soon"})
    found = undaunted.classify("http", 500, method="POST")
    assert ("transient", "maybe", "always", True, False) == (found.class_, found.sent, found.condition, found.known, found.retried)
    assert undaunted.classify("os", "ECONNREFUSED").retried and not undaunted.classify("http", 413).retried
    assert undaunted.classify("http", 413, hint=True).retried
    assert found == pickle.loads(pickle.dumps(found)) and hash(found) == hash(undaunted.classify("http", 500, method="POST"))
    with pytest.raises(ValueError, match="allowed http, os"):
        undaunted.classify("htp", 5)
