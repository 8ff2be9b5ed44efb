"""`policy.analyse` and its relatives: typed answers, the core's texts, mistakes in one error."""

import json
import pickle
from datetime import timedelta

import pytest

import undaunted
from undaunted import Policy, PolicyError
from undaunted.lab import Estimate, lint_hedge

AWS = Policy(attempts=3, initial=0.05, max_delay=20, timeout=None)


def test_an_analysis_has_the_published_figures():
    analysis = AWS.analyse(failure_rate=0.1)
    assert (round(analysis.success, 9), round(analysis.attempts, 6), analysis.wait.mean) == (0.999, 1.11, 0.003)
    assert analysis.success.error == 0 and analysis.gave_up["attempts"] == pytest.approx(0.001)
    assert analysis.wait.worst == 0.15 and analysis.worst_amplification == 27


def test_attempts_that_last_show_what_timeout_does():
    policy = Policy(timeout=10)
    harmless, real = policy.analyse(failure_rate=0.5), policy.analyse(failure_rate=0.5, attempt_duration=timedelta(seconds=2))
    assert harmless.gave_up["timeout"] < 0.05 < real.gave_up["timeout"]
    assert real.added_latency.mean > real.wait.mean and real.worst_time == 12


def test_durations_are_written_as_in_policies():
    texts = {str(AWS.analyse(attempt_duration=duration)) for duration in (0.25, "250ms", timedelta(milliseconds=250))}
    assert len(texts) == 1 and "each takes 250 ms" in texts.pop()


def test_every_mistake_is_told_at_once():
    with pytest.raises(PolicyError) as told:
        AWS.analyse(failure_rate=2, layers=11, repeats="3")  # type: ignore[arg-type]
    assert [(code, pointer) for code, pointer, _ in told.value.problems] == [
        ("out_of_range", "/failure_rate"), ("out_of_range", "/layers"), ("wrong_kind", "/repeats"),
    ]  # fmt: skip


def test_an_unlimited_policy_has_no_worst_case():
    analysis = Policy(forever=True).analyse(failure_rate=0.5)
    assert analysis.worst_time is None and analysis.most_attempts is None and analysis.amplification is None
    assert analysis.success == pytest.approx(1) and analysis.wait.p99 is not None


def test_a_budget_allows_a_burst_and_a_share_in_the_long_run():
    aws = Policy.preset("aws")
    analysis = aws.analyse(failure_rate=0.5)
    assert (analysis.outage_burst, analysis.outage_load, analysis.sustained_load) == (35, 1, pytest.approx(1 + 1 / 14, abs=1e-6))
    throttled = aws.analyse(failure_rate=0.5, class_="throttle")
    assert (throttled.class_, throttled.outage_burst, throttled.sustained_load) == ("throttle", 100, pytest.approx(1.2))
    without = AWS.analyse(failure_rate=0.5)
    assert (without.outage_burst, without.sustained_load, without.outage_load) == (None, without.load, 3)


def test_a_budget_that_a_policy_only_names_counts_with_its_own_options():
    shared = undaunted.Budget("lab", mode="window", ratio=0.25, min_per_second=5)
    policy = Policy(attempts=5, budget="lab")
    analysis = policy.analyse(failure_rate=0.9, calls_per_second=10)
    assert (analysis.outage_burst, analysis.sustained_load, analysis.calls_per_second) == (50, 1.75, 10)
    change = undaunted.diff(policy, policy.replace(budget=None), failure_rate=0.9)
    figures = {figure.name: (figure.before, figure.after) for figure in change.figures}
    assert figures["outage_burst"] == (50, None) and figures["sustained_load"][0] == 1.25 and shared.tokens == 50


def test_more_shares_of_calls_if_asked():
    assert AWS.analyse(failure_rate=0.5).wait.quantiles == {}
    analysis = AWS.analyse(failure_rate=0.5, quantiles=True)
    assert list(analysis.wait.quantiles)[:2] == [0.1, 0.2] and list(analysis.wait.quantiles)[-1] == 0.9999
    assert analysis.wait.quantiles[0.9] == analysis.wait.p90 and analysis.wait.quantiles[0.1] == 0
    assert "99.99 %" in str(analysis)


def test_text_json_and_values_say_the_same():
    analysis = AWS.analyse(failure_rate=0.5, calls=20, repeats=2)
    assert json.loads(analysis.json()) == analysis.to_dict()
    assert analysis.to_dict()["chain"]["value"] == analysis.chain
    assert "success               87.5 %" in str(analysis)


def test_answers_pickle_and_compare_by_value():
    analysis = AWS.analyse()
    assert pickle.loads(pickle.dumps(analysis)) == analysis != AWS.analyse(failure_rate=0.2)
    again = pickle.loads(pickle.dumps(Estimate(0.5, 0.25)))
    assert (again, again.error, again.value) == (0.5, 0.25, 0.5)


def test_findings_are_a_sequence_with_code_level_pointer_and_sentence():
    findings = Policy(attempts=3, max_delay=2, jitter="none", budget={"name": "findings"}).lint()
    (finding,) = findings
    assert (finding.code, finding.level, finding.pointer) == ("jitter-none", "warning", "/jitter")
    assert finding.text.endswith("write full") and finding.text in str(findings)
    assert findings.to_dict() == [{"code": finding.code, "level": finding.level, "pointer": finding.pointer, "text": finding.text}]
    assert pickle.loads(pickle.dumps(findings)) == findings


def test_a_quiet_policy_has_no_findings():
    findings = Policy(attempts=3, max_delay=2, budget={"name": "quiet"}).lint()
    assert not findings and str(findings) == "errors: 0, warnings: 0, infos: 0\n"


def test_a_difference_has_options_figures_and_findings():
    before, after = Policy(attempts=3, max_delay=2), Policy(attempts=5, max_delay=2, jitter="none")
    difference = undaunted.diff(before, after, failure_rate=0.5)
    assert [(change.name, change.before, change.after) for change in difference.options] == [("attempts", 3, 5), ("jitter", "full", "none")]
    figures = {change.name: (change.before, change.after) for change in difference.figures}
    assert figures["success"] == (0.875, 0.96875) and figures["wait_worst"] == (3.0, 7.0)
    assert ([finding.code for finding in difference.new], difference.gone) == (["amplification", "jitter-none"], [])
    assert difference == before.diff(after, failure_rate=0.5) and "p99 total wait" in str(difference)


def test_equal_policies_have_no_difference():
    difference = Policy().diff(Policy.preset("standard"))
    assert not difference and str(difference) == "no difference\n" and difference.figures == []


def test_only_policies_are_compared():
    with pytest.raises(TypeError, match="allowed a Policy"):
        Policy().diff({"attempts": 3})  # type: ignore[arg-type]


def test_exceptions_are_read_as_in_a_call():
    aiohttp = pytest.importorskip("aiohttp")
    key = aiohttp.client_reqrep.ConnectionKey("localhost", 80, False, True, None, None, None)
    lost = aiohttp.ClientConnectorError(key, ConnectionRefusedError(111, "refused"))
    explanation = Policy(jitter="none").explain([ConnectionResetError(), lost, undaunted.HttpError(429, headers={"retry-after": "3"})])
    assert [(failure.domain, failure.code, failure.class_) for failure in explanation] == [
        ("os", "ECONNRESET", "transient"), ("os", "ECONNREFUSED", "connect"), ("http", 429, "throttle"),
    ]  # fmt: skip
    assert [failure.delay for failure in explanation] == [1.0, 2.0, 4.0]
    assert explanation.gave_up is None and (explanation.attempts, explanation.elapsed) == (4, 7.0)


def test_a_failure_may_be_an_error_with_what_it_does_not_say():
    (failure,) = Policy().explain([{"error": ConnectionResetError(), "method": "POST", "duration": "250ms"}])
    assert (failure.reason, failure.at, failure.sent_from) == ("not_idempotent", 0.25, "table")
    assert str(failure).endswith("POST without an idempotency key is not idempotent")


def test_on_and_marks_judge_exceptions():
    policy = Policy(on=(ValueError, lambda error: 1.5 if error.args else False), jitter="none")
    named, asked, refused = policy.explain([ValueError(), KeyError("x"), KeyError()])
    assert (named.class_from, named.delay, asked.delay, refused.reason) == ("on", 1.0, 1.5, "permanent")
    assert "the wait of on" in asked.text and refused.text.endswith("on refuses it")
    (stopped,) = Policy().explain([undaunted.stop(ConnectionResetError())])
    assert stopped.reason == "permanent"


def test_a_group_is_explained_by_the_part_that_ends_it():
    (failure,) = Policy().explain([ExceptionGroup("two", [ConnectionResetError(), ValueError()])])
    assert (failure.code, failure.reason) == ("ValueError", "permanent")


def test_explanations_use_the_seeds_of_schedules():
    policy = Policy(timeout=None, seed=7)
    waits = [failure.delay for failure in policy.explain([{"http": 503}] * 4)]
    assert waits == policy.schedule(attempts=5) and waits != policy.schedule(seed=8, attempts=5)
    again = policy.explain([{"http": 503}] * 4, seed=8, call=3)
    assert [failure.delay for failure in again] == policy.schedule(seed=8, call=3, attempts=5)
    assert str(policy.explain([{"http": 503}] * 4, call_seed=again.call_seed)) == str(again)


def test_a_call_that_was_given_up_is_explained_by_its_history():
    policy = Policy(attempts=3, initial=0.1, max_delay=0.2, on=ValueError)

    def fail():
        raise ValueError

    with undaunted.testing(), pytest.raises(ValueError) as raised:
        policy.call(fail)
    explanation = policy.explain(raised.value)
    past = undaunted.history(raised.value)
    assert [failure.delay for failure in explanation] == [attempt.delay for attempt in past]
    assert (explanation.call_seed, explanation.gave_up, explanation.elapsed) == (past.call_seed, "attempts", past.elapsed)
    with pytest.raises(ValueError, match="does not hold all that decided its call"):
        Policy(attempts=4, initial=1, on=ValueError).explain(raised.value)
    with pytest.raises(ValueError, match="does not hold all that decided its call"):
        policy.explain(ValueError())


def test_mistakes_of_a_script_are_told_at_once():
    with pytest.raises(PolicyError) as told:
        Policy().explain([{"http": "503"}, {"status": 503}, None], seed=1, call_seed=2)  # type: ignore[list-item]
    assert [(code, pointer) for code, pointer, _ in told.value.problems] == [
        ("wrong_kind", "/failures/0/http"), ("unknown_option", "/failures/1/status"), ("wrong_kind", "/failures/2"), ("duplicate_option", "/call_seed"),
    ]  # fmt: skip


def test_explanations_are_reports():
    explanation = Policy(attempts=2).explain([{"http": 503}] * 2)
    assert pickle.loads(pickle.dumps(explanation)) == explanation != Policy(attempts=2).explain([{"http": 503}])
    assert [failure.terms for failure in explanation] == explanation.to_dict()["decisions"]
    assert str(explanation[1]) == str(explanation).splitlines()[3] and len(explanation) == 2
    inactive = Policy().explain([{"http": 503}], active=False)
    assert inactive.gave_up == "inactive"


def test_importing_undaunted_does_not_import_the_lab():
    import subprocess
    import sys

    code = "import sys, undaunted; assert 'undaunted.lab' not in sys.modules and 'json' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_ladder_has_each_wait_and_the_schedule():
    policy = Policy(timeout=5, jitter="equal", seed=7)
    ladder = policy.ladder(attempts=6)
    assert [rung.drawn for rung in ladder] == policy.schedule(attempts=6) and len(ladder) == 5
    assert [(rung.least, rung.p50, rung.p99.error, rung.most) for rung in ladder][:2] == [(0.5, 0.75, 0, 1.0), (1.0, 1.5, 0, 2.0)]
    assert ladder[0].in_time and not ladder[-1].in_time and ladder.timeout == 5
    replayed = policy.ladder(call_seed=ladder.call_seed, attempts=6)
    assert replayed == ladder and pickle.loads(pickle.dumps(ladder)) == ladder
    assert str(ladder).startswith(f"call_seed {ladder.call_seed}, timeout 5s\n\nretry ")


def test_a_ladder_takes_no_call_beside_its_seed():
    with pytest.raises(PolicyError) as told:
        Policy().ladder(attempts=0, call=2, call_seed=1)
    assert [problem[:2] for problem in told.value.problems] == [("out_of_range", "/attempts"), ("duplicate_option", "/call")]


def test_failures_may_be_a_few_words():
    policy = Policy(attempts=5)
    words = policy.explain([503, "reset", "429 + hint 2s", "postgres 40001 + takes 1s", "ok"])
    facts = [{"http": 503}, {"os": "ECONNRESET"}, {"http": 429, "hint": "2s"}, {"postgres": "40001", "duration": "1s"}]
    assert words == policy.explain(facts) and len(words) == 4
    with pytest.raises(PolicyError, match='the failure is "wat", allowed a status, ok, reset') as told:
        policy.explain(["wat"])
    assert told.value.problems[0][0] == "unknown_failure"


def test_hedges_are_reviewed_beside_what_is_known_of_their_calls():
    assert not lint_hedge(0.2, p50=timedelta(milliseconds=50), idempotent=True)
    findings = lint_hedge("50ms", attempts=3, p50=0.2, idempotent=False)
    assert [(finding.code, finding.level) for finding in findings] == [("hedge-below-p50", "warning"), ("hedge-not-idempotent", "error")]
    with pytest.raises(PolicyError, match="attempts is 0"):
        lint_hedge(1, attempts=0)
