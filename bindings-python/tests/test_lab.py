"""`policy.analyse` and its relatives: typed answers, the core's texts, mistakes in one error."""

import json
import pickle
from datetime import timedelta

import pytest

from undaunted import Policy, PolicyError
from undaunted.lab import Estimate

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
    findings = Policy(attempts=3, max_delay=2, jitter="none").lint()
    (finding,) = findings
    assert (finding.code, finding.level, finding.pointer) == ("jitter-none", "warning", "/jitter")
    assert finding.text.endswith("write full") and finding.text in str(findings)
    assert findings.to_dict() == [{"code": finding.code, "level": finding.level, "pointer": finding.pointer, "text": finding.text}]
    assert pickle.loads(pickle.dumps(findings)) == findings


def test_a_quiet_policy_has_no_findings():
    findings = Policy(attempts=3, max_delay=2).lint()
    assert not findings and str(findings) == "errors: 0, warnings: 0, infos: 0\n"


def test_importing_undaunted_does_not_import_the_lab():
    import subprocess
    import sys

    code = "import sys, undaunted; assert 'undaunted.lab' not in sys.modules and 'json' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
