"""The result line of a case; tests/README.md says how it is made."""

import ceilings
import dump
import hint
import tables
from call import Attempt, Call, GiveUp
from compile import compile_policy
from evaluate import GUARDS, failure, own_breaker, own_budget, paid_by, shared_outcomes
from guard_options import read as options_of


def line(case):
    """`case` with decimals for numbers with a fraction."""
    if case["kind"] == "hint":
        found = hint.read(case["headers"], case["now"])
        return f"{or_dash(found.delay)}:{or_dash(found.should_retry)}:{flag(found.suspicious)}"
    if case["kind"] == "classify":
        row, retried = tables.classify(case["domain"], case.get("code"), case.get("phase", "unknown"), case.get("method"), case.get("hint", False))
        return f"{row.class_}:{row.sent}:{row.condition}:{flag(row.known)}:{flag(retried)}"
    if case["kind"] in GUARDS:
        options, problems = options_of(case["kind"], case["options"])
        return refusal(problems) if problems else " ".join(map(joined, GUARDS[case["kind"]].run(options, int(case["seed"]), case["steps"], *paid_by(case.get("budget")))))
    policy, problems = compile_policy(case["policy"])
    if problems:
        return refusal(problems)
    if case["kind"] == "refusal":
        return "accepted"
    if case["kind"] == "dump":
        return dump.dump(policy)
    if case["kind"] == "schedule":
        return " ".join(map(str, ceilings.schedule(policy, int(case["call_seed"]), case["attempts"])))
    return " ".join(shared(policy, case) if case["kind"] == "shared" else session(policy, case))


def refusal(problems):
    return " ".join(f"{code}@{pointer}" for code, pointer in problems)


def joined(found):
    """The values of a guard's step."""
    return ":".join(value if isinstance(value, str) else or_dash(value) for value in found.values()) or "-"


def session(policy, case):
    call = Call(policy, case["started_at"], int(case["call_seed"]), case.get("outer_deadline"), case.get("mode", "normal"), own_budget(policy), own_breaker(policy, case))
    for step in case["steps"]:
        outcome = call.attempt(step["at"]) if "attempt" in step else call.failed(step["at"], failure(step["fail"]))
        yield token(outcome)
        if isinstance(outcome, GiveUp):
            return


def shared(policy, case):
    for step, outcome, left in shared_outcomes(policy, case):
        told = token(outcome) if outcome is not None else "s" if "succeed" in step else "c"
        yield f"{told}@{or_dash(left['tokens'])}:{left['state'] or '-'}"


def token(outcome):
    if isinstance(outcome, Attempt):
        return f"a:{outcome.number}:{or_dash(outcome.limit)}:{or_dash(outcome.remaining)}"
    if isinstance(outcome, GiveUp):
        if outcome.class_ is None:
            return f"x:{outcome.reason}:{or_dash(outcome.hint)}"
        return f"g:{outcome.reason}:{or_dash(outcome.hint)}:{outcome.class_}:{outcome.sent}"
    return f"r:{outcome.delay}:{outcome.class_}:{outcome.sent}:{flag(outcome.last)}:{flag(outcome.nested_warning)}"


def or_dash(value):
    return "-" if value is None else str(int(value))


def flag(value):
    return "1" if value else "0"
