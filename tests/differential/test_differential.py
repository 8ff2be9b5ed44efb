"""The random cases are the same every time, spread over everything, and right where the oracle needs no telling."""

import json
import sys
import unittest
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import generate
import result
from compile import compile_policy, parse
from dump import dump

TEXTS = [generate.text((1, n)) for n in range(4_000)]
CASES = [json.loads(text, parse_float=Decimal) for text in TEXTS]
LINES = [result.line(case) for case in CASES]


class Cases(unittest.TestCase):
    def test_the_same_seed_gives_the_same_cases(self):
        self.assertEqual(TEXTS[:50], [generate.text((1, n)) for n in range(50)])
        self.assertNotEqual(TEXTS[:50], [generate.text((2, n)) for n in range(50)])

    def test_a_policy_reads_back_from_its_dump_equal(self):
        for case in CASES:
            if case["kind"] in ("session", "shared", "schedule", "dump"):
                policy, _ = compile_policy(case["policy"])
                self.assertEqual((policy, []), parse(dump(policy)))

    def test_refusals_are_as_expected(self):
        for case, line in zip(CASES, LINES):
            if case["kind"] == "refusal":
                self.assertEqual(" ".join(case["expect"]), line)

    def test_every_reason_and_nearly_every_refusal_occurs(self):
        calls = {token.split("@")[0] for case, line in zip(CASES, LINES) if case["kind"] in ("session", "shared") for token in line.split()}
        reasons = {token.split(":")[1] for token in calls if token.startswith(("g:", "x:"))}
        self.assertEqual(set("cancelled inactive nested permanent not_idempotent class_attempts attempts hint_too_long timeout breaker_open budget".split()), reasons)
        refusals = {token.split("@")[0] for case, line in zip(CASES, LINES) if case["kind"] == "refusal" for token in line.split()}
        self.assertGreaterEqual(len(refusals), 25)

    def test_a_result_line_of_each_kind(self):
        session = {"kind": "session", "policy": {"jitter": "none", "attempts": 2}, "call_seed": "1", "started_at": 0, "steps": [
            {"at": 0, "attempt": True}, {"at": 0, "fail": {"domain": "http", "code": 500, "nested": True}}, {"at": 1_000_000, "attempt": True},
            {"at": 1_000_000, "fail": {"domain": "http", "code": 429, "hint": 5}}, {"at": 9, "attempt": True}]}
        self.assertEqual("a:1:-:45000000 r:1000000:transient:maybe:0:1 a:2:-:44000000 g:attempts:5:throttle:rejected", result.line(session))
        self.assertEqual("x:timeout:-", result.line({**session, "steps": [{"at": 0, "fail": {"domain": "http", "code": 500}}, {"at": 10**9, "attempt": True}]}).split()[-1])
        self.assertEqual("out_of_range@/attempts unknown_option@/x", result.line({"kind": "refusal", "policy": {"attempts": 0, "x": 1}}))
        self.assertEqual("accepted", result.line({"kind": "refusal", "policy": {}}))
        self.assertEqual("0 1000000", result.line({"kind": "schedule", "policy": {"jitter": "none", "first": "immediate"}, "call_seed": "1", "attempts": 3}))
        self.assertEqual("connect:not_sent:always:1:1", result.line({"kind": "classify", "domain": "http", "code": 521}))
        self.assertEqual("5000000:0:0", result.line({"kind": "hint", "headers": [["retry-after", "5"], ["x-should-retry", "false"]], "now": None}))
        self.assertEqual("-:-:0", result.line({"kind": "hint", "headers": [], "now": None}))

    def test_no_delay_without_hint_or_wait_passes_max_delay(self):
        for case, line in zip(CASES, LINES):
            if case["kind"] == "session" and not any("hint" in s.get("fail", {}) or "wait" in s.get("fail", {}) for s in case["steps"]):
                most = compile_policy(case["policy"])[0].max_delay
                for token in line.split():
                    if token.startswith("r:"):
                        self.assertLessEqual(int(token.split(":")[1]), most)


if __name__ == "__main__":
    unittest.main()
