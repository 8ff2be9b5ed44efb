"""What users of other retry libraries suffer from, with where it was told; a test of each is here, or where `ELSEWHERE` says."""

import asyncio
import re
import time
from pathlib import Path

import pytest

import undaunted
from undaunted import Policy, history, retry

HERE = Path(__file__).parent


def given_up(policy, *script, code=lambda: None):
    """How a call ends that meets these failures: its error, and the testing context."""
    with undaunted.testing(script=script) as t, pytest.raises(Exception) as caught:
        policy.call(code)
    return caught.value, t


def test_pain_01_no_wait_crosses_the_timeout():
    """https://github.com/jd/tenacity/pull/423: a limit of 5 s is looked at before a wait, and overshot."""
    policy = Policy(timeout=5, backoff=["2s"], jitter="none", attempts=None)
    error, t = given_up(policy, *[503] * 9)
    assert ("timeout", [2, 2], 4) == (history(error).reason, t.waits, t.now)
    error, t = given_up(policy.replace(on_timeout={"clip": {"min_attempt": "100ms"}}), *[503] * 9)
    assert "timeout" == history(error).reason and 4 < t.now <= 4.9


def test_pain_03_one_slow_attempt_and_the_whole_call_have_limits_of_their_own():
    """https://github.com/bcgov/bcdata_py/pull/243: one hanging attempt ate the whole time, and retrying "did not work"."""
    calls = []

    async def hangs_once():
        calls.append(1)
        return "done"

    policy = Policy(attempt_timeout="20s", timeout="60s")
    with undaunted.testing(script=["timeout + takes 60s"]) as t:
        assert "done" == asyncio.run(policy.call_async(hangs_once))
    assert 20 == t.events[1].error.limit and t.now == 20 + t.waits[0]
    findings = policy.replace(attempt_timeout="60s").lint()
    assert ("error", "/attempt_timeout") in [(finding.level, finding.pointer) for finding in findings]


def test_pain_04_what_is_left_can_be_passed_on_where_code_cannot_be_interrupted():
    """https://github.com/jd/tenacity/issues/373: a limit of 3 s is expected to end a function that takes 5."""
    left = []
    with undaunted.testing(script=["reset + takes 7s"]):
        for attempt in undaunted.retry_context(timeout=10, backoff=["1s"], jitter="none"):
            with attempt:
                left.append(attempt.remaining)
    assert [2] == left


def test_pain_05_attempts_count_for_the_timeout_and_the_wall_clock_does_not(monkeypatch):
    """https://github.com/litl/backoff/issues/186: max_time leaves out how long attempts take, and jumps with the wall clock."""
    monkeypatch.setattr(time, "time", lambda: 9e9)
    policy = Policy(timeout=10, backoff=["1s"], jitter="none")
    error, t = given_up(policy, *["reset + takes 4s"] * 9)
    assert ("timeout", 2, 9) == (history(error).reason, len(history(error)), t.now)


def test_pain_06_calls_are_limited_in_attempts_and_in_time_unless_somebody_says_otherwise():
    """https://github.com/googleapis/google-cloud-python/issues/15070: no limit of attempts at all."""
    assert (10, 45) == (Policy().attempts, Policy().timeout)
    with pytest.raises(undaunted.PolicyError, match="attempts"):
        Policy(attempts=None, timeout=None)


def test_pain_07_a_server_that_asks_for_an_hour_is_not_waited_for():
    """https://github.com/urllib3/urllib3/issues/1338: Retry-After: 3600 sleeps an hour, or is cut without a word."""
    error, t = given_up(Policy(), "503 + hint 3600s")
    assert ("hint_too_long", 3600, []) == (history(error).reason, history(error).hint, t.waits)
    assert "the server asked for 3600 s" in error.__notes__[0]
    with undaunted.testing(script=["503 + hint 3600s"]) as t:
        Policy(hint="ignore").call(len, "")
    assert t.waits[0] <= 1
    error, _ = given_up(Policy(hint={"max": "10s"}), "503 + hint 11s")
    assert "hint_too_long" == history(error).reason


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated", {"proportional": 0.2}, {"additive": "1s"}], ids=str)
@pytest.mark.parametrize("preset", ["standard", "stamina", "urllib3", "google", "aws"])
def test_pain_08_waits_at_the_cap_are_still_spread(preset, jitter):
    """https://github.com/jd/tenacity/pull/703: once saturated, every worker sleeps the same."""
    policy = Policy.preset(preset, jitter=jitter, attempts=60, timeout=None)
    fiftieth = {policy.schedule(seed=7, call=call)[49] for call in range(1, 101)}
    assert 100 == len(fiftieth) and max(fiftieth) <= 120


def test_pain_11_kinds_of_errors_have_rules_of_their_own_in_one_policy():
    """https://github.com/litl/backoff/issues/91: two stacked decorators do not know of each other."""
    policy = Policy(jitter="none", timeout=None, classes={"throttle": {"initial": "5s"}, "timeout": {"attempts": 2}})
    error, t = given_up(policy, "429", "reset", "timeout", "429", "timeout", "reset")
    assert ("class_attempts", 5) == (history(error).reason, len(history(error)))
    assert 5 == t.waits[0] and 4 == len(t.waits)


def test_pain_12_nested_retries_do_not_multiply_if_told_so():
    """https://github.com/hynek/stamina/issues/19: three times three attempts are nine calls."""
    calls = []

    def fail():
        calls.append(1)
        raise ConnectionResetError

    with undaunted.testing(), pytest.raises(ConnectionResetError) as caught:
        retry(attempts=3, nested="once")(retry(attempts=3)(fail))()
    assert ("nested", 3) == (history(caught.value).reason, len(calls))


def test_pain_13_a_cancelled_task_ends_whatever_on_says():
    """https://github.com/jd/tenacity/issues/529: a predicate of types that are not retried repeats CancelledError, so nothing stops it."""
    attempts = []

    @retry(on=lambda error: True, initial="1us", max_delay="1us")
    async def hang():
        attempts.append(1)
        await asyncio.sleep(3600)

    async def main():
        task = asyncio.ensure_future(hang())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert [1] == attempts
    assert not issubclass(asyncio.CancelledError, Exception)
    with pytest.raises((TypeError, ValueError)):
        retry(on=asyncio.CancelledError)


def test_pain_19_what_is_caught_without_retries_is_caught_with_them():
    """https://github.com/jd/tenacity/issues/533: RetryError in its place breaks every except that there was."""
    cause = ConnectionResetError("mine")
    error, _ = given_up(Policy(attempts=2), cause, cause)
    assert cause is error


def test_pain_28_attempts_are_calls_in_all_and_429_is_covered():
    """https://github.com/boto/botocore/issues/2635: 429 is not retried, and max_attempts now means retries, now calls."""
    error, t = given_up(Policy(attempts=3), 429, 429, 429)
    assert ("attempts", 3, 2) == (history(error).reason, len(history(error)), len(t.waits))
    with pytest.raises(undaunted.PolicyError, match=re.escape("use attempts, which is retries + 1")):
        Policy(max_retries=2)


#: Pains whose test stands with its neighbours: file and tests.
ELSEWHERE = {
    # https://github.com/hynek/stamina/issues/60: nothing tells which limit ended the call.
    2: {"test_errors": ["test_the_note_says_why_how_often_and_how_long"]},
    4: {
        "test_async": ["test_attempt_timeout_cancels_the_attempt_and_counts_as_timeout"],
        "test_retry": ["test_sync_attempt_timeout_warns_once_and_names_the_line"],
    },
    8: {"test_compat_stamina": ["test_waits_at_the_cap_keep_their_jitter"]},
    # https://github.com/hynek/stamina/pull/104: OverflowError after 1024 attempts.
    9: {"test_policy": ["test_huge_attempts_never_overflow"]},
    # https://github.com/jd/tenacity/issues/461: how do I wait what the 429 tells me?
    10: {
        "test_urllib3": [
            "test_a_hint_is_waited_for_and_one_too_long_is_not",
            "test_a_date_is_a_hint_in_all_three_forms_and_one_in_the_past_is_none",
        ],
        "test_aiohttp": ["test_a_hint_is_waited_for"],
        "test_readers": ["test_a_hint_on_a_response_is_read"],
        "test_aws": ["test_a_wait_that_the_service_asks_for_is_kept"],
    },
    12: {"test_errors": ["test_nested_retries_warn_once_for_a_pair", "test_share_hands_the_outer_deadline_on"]},
    13: {"test_async": ["test_cancelling_a_task_wins_at_every_point", "test_cancelling_a_scope_of_trio_wins_at_every_point"]},
    # https://github.com/jd/tenacity/issues/93: one object shared by tasks mixes up their attempts.
    14: {
        "test_async": ["test_one_policy_serves_a_hundred_tasks"],
        "test_life": ["test_thirty_two_threads_lose_no_count_of_a_policy_with_all_it_shares"],
    },
    # https://github.com/jd/tenacity/pull/387: the synchronous form stops the loop, or does nothing on async def.
    15: {
        "test_retry": [
            "test_a_sync_wait_in_an_event_loop_warns",
            "test_a_sync_form_that_meets_an_awaitable_raises",
            "test_coroutine_functions_are_found_in_partials_objects_and_mocks",
        ]
    },
    # https://github.com/jd/tenacity/issues/64: generators are silently not retried.
    16: {"test_retry": ["test_generators_are_refused_unless_restarted"]},
    # https://github.com/jd/tenacity/pull/463: users of trio pass a sleep of their own everywhere.
    17: {"test_retry": ["test_an_asynchronous_function_is_retried"], "test_async": ["test_attempt_timeout_works_under_trio"]},
    # https://github.com/jd/tenacity/issues/326: the block form has no result.
    18: {"test_block": ["test_a_block_has_a_result"]},
    # https://github.com/jd/tenacity/issues/525: the stack trace is too long.
    20: {"test_retry": ["test_one_frame_at_most_is_added_in_every_form"]},
    # https://github.com/channable/opnieuw/issues/22: the earlier errors are not there, or stand where the cause was.
    21: {
        "test_errors": ["test_a_history_pickles_with_its_error_whatever_the_others_are"],
        "test_retry": ["test_the_last_error_leaves_as_it_came"],
    },
    # https://github.com/jd/tenacity/issues/429: what is raised does not pickle, and kills pools of processes.
    22: {
        "test_errors": ["test_everything_public_pickles"],
        "test_life": ["test_policies_and_errors_go_through_a_pool_of_processes"],
    },
    # https://github.com/jd/tenacity/issues/106: tests sleep for real, or a mode for tests raises the attempts.
    23: {"test_block": ["test_testing_never_sleeps_and_never_raises_the_attempts", "test_testing_is_local_to_its_context"]},
    # https://github.com/hynek/stamina/issues/26: hooks before and after, to time with.
    24: {"test_block": ["test_events_tell_the_story_of_a_call", "test_context_managers_of_hooks_are_closed_exactly_once"]},
    # https://github.com/litl/backoff/issues/179: a decorator that is used again multiplies the lines it logs.
    25: {"test_retry": ["test_decorating_has_no_effect_but_its_result"]},
    # https://github.com/urllib3/urllib3/issues/1059: a POST is repeated, or nobody knows why it is not.
    26: {
        "test_urllib3": ["test_method_and_idempotency_key_decide", "test_timeouts_are_retried_by_default_and_a_post_says_why_not"],
        "test_aiohttp": ["test_a_refused_connection_is_retried_for_any_method_and_leaves_as_it_came"],
    },
    # https://github.com/inyutin/aiohttp_retry/issues/115: timeouts go through although retrying is configured.
    27: {
        "test_aiohttp": ["test_attempt_timeout_ends_a_server_that_hangs", "test_a_connection_that_breaks_is_retried"],
        "test_urllib3": ["test_timeouts_are_retried_by_default_and_a_post_says_why_not"],
    },
    # https://github.com/litl/backoff/issues/211: a library is archived, and its users look for a home.
    29: {
        "test_compat_stamina": ["test_names_signatures_and_defaults_are_those_of_the_release"],
        "test_convert": ["test_a_function_that_tenacity_decorates_is_read"],
    },
    # https://github.com/jd/tenacity/pull/450: a slow import.
    30: {"test_process": ["test_the_import_pulls_in_nothing_heavy"]},
}


def test_every_pain_has_a_test():
    here = {int(number) for number in re.findall(r"\ndef test_pain_(\d\d)_", Path(__file__).read_text())}
    assert set(range(1, 31)) == here | ELSEWHERE.keys()
    for files in ELSEWHERE.values():
        for file, names in files.items():
            text = (HERE / f"{file}.py").read_text()
            assert [] == [name for name in names if f"\ndef {name}(" not in text], file
