"""`undaunted.lab.export_as`: code that makes the policy it was made of, settings of others, findings."""

import ast
import json

import pytest

import undaunted
from undaunted import Policy, PolicyError
from undaunted.lab import Export, convert, export_as

PRESETS = ("standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none")
POLICIES = [
    *({"preset": name} for name in PRESETS),
    {"forever": True, "jitter": {"proportional": 0.25}, "first": "immediate", "factor": 1.5},
    {"on_timeout": {"clip": {"min_attempt": "1s"}}, "attempt_timeout": "2500us", "backoff": ["0s", "1s"], "hint": {"mode": "window", "window": "5s"}},
    {"classes": {"throttle": {"attempts": 3}}, "hint": {"mode": "exact", "resets": True}, "idempotent": False, "nested": "share"},
    {"rules": [{"http": "500-503", "class": "transient"}, {"body_contains": "\"'#\\ü\n{,}", "class": "throttle"}], "budget": None, "timeout": None},
    {"budget": {"name": "exported", "mode": "failures", "reward": 0.5}, "breaker": {"name": "exported", "window_time": "30s", "slow_after": "1s"}},
]


def made(code: str) -> Policy:
    names: dict[str, object] = {}
    exec(compile(code, "exported", "exec"), names)
    assert names["call"]() is None  # type: ignore[operator]
    policy = names["policy"]
    assert isinstance(policy, Policy)
    return policy


@pytest.mark.filterwarnings("ignore:attempt_timeout is")  # the call is synchronous
@pytest.mark.parametrize("options", POLICIES, ids=lambda options: "-".join(options))
def test_code_makes_the_policy(options):
    policy = Policy.parse(json.dumps(options))
    python = export_as(policy, "python")
    assert made(python.text) == policy and python.findings == []
    assert ast.unparse(ast.parse(python.text))
    text = export_as(policy, "json").text
    assert Policy.parse(text) == policy
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False).replace("\\n", "\\u000a") + "\n"


def test_a_text_is_exported_as_a_policy_is():
    text = '{"preset": "aws", "attempts": 5}'
    export = export_as(text, "aws")
    assert export == export_as(Policy.parse(text), "aws") and isinstance(export, Export)
    assert (export.target, str(export), export.findings) == ("aws", "AWS_RETRY_MODE=standard\nAWS_MAX_ATTEMPTS=5\n", [])
    assert export.to_dict() == {"target": "aws", "text": export.text, "findings": []}


def test_what_was_made_elsewhere_is_written_out():
    budget = undaunted.Budget("exported-elsewhere", mode="failures", capacity=20)
    config = json.loads(export_as(Policy(budget=budget), "grpc").text)
    assert config["retryThrottling"] == {"maxTokens": 20, "tokenRatio": 0.1}
    named = export_as('{"budget": "nobody-made-it"}', "python")
    assert [(finding.code, finding.pointer) for finding in named.findings] == [("made-elsewhere", "/budget")]


def test_grpc_comes_back():
    policy = Policy.preset("grpc")
    text = export_as(policy, "grpc").text
    assert convert(text, "grpc").policy == policy
    assert export_as(convert(text, "grpc").policy, "grpc").text == text


def test_findings_say_what_others_do():
    found = {finding.pointer: finding for finding in export_as(Policy(), "grpc").findings}
    assert (found["/attempts"].code, found["/attempts"].level) == ("clamped-count", "warning")
    assert found["/jitter"].text.startswith("gRPC draws each wait a fifth up or down")


def test_mistakes():
    with pytest.raises(PolicyError, match="attempts is 0"):
        export_as('{"attempts": 0}', "json")
    with pytest.raises(ValueError, match='target is "java", allowed json, python'):
        export_as(Policy(), "java")
