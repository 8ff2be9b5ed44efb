"""Handing a call over: the token it leaves, and the call that is made of it under another policy."""

import json

from call import Call, Failure, GiveUp, Retry, Verdict

CLASSES = ("transient", "throttle", "timeout", "connect", "conflict")
#: What is asked before it is known whether the failure may be repeated.
BEFORE_ASKED = ("cancelled", "inactive", "nested", "permanent", "not_idempotent")


def run(case, policy, queue, budget, step):
    """What becomes of the case's call; `step` makes one of its steps."""
    call = Call(policy, case.get("started_at", 0), int(case["call_seed"]))
    token = at_end(call, case["before"], step, case["made_at"], case.get("started_at", 0), 0)
    later, decision = resume(queue, token, case["resumed_at"], case.get("queue_mode", "normal"), budget)
    elapsed = token["elapsed_us"] + max(0, case["resumed_at"] - token["made_at_us"])
    found = {"token": token, "decision": decision and step_outcome(decision), "elapsed": elapsed}
    after = []
    last = at_end(later, case["after"], step, None, case["resumed_at"], elapsed, after) if case["after"] else None
    return {**found, "after": after, "token_after": last}


def at_end(call, steps, step, made_at, since, elapsed, said=None):
    """The token after the last of some steps, which has not succeeded."""
    outcome = {}
    for given in steps:
        assert "give_up" not in outcome, f"a step after the give-up: {given}"
        kept = (call.delays.previous, call.restarted_at)
        outcome = step(call, given)
        if said is not None:
            said.append(outcome)
        if "fail" in given:
            last = outcome
    gave_up = "give_up" in outcome
    was_failure = "fail" in given
    if gave_up and was_failure:
        call.delays.previous, call.restarted_at = kept
    return {
        "version": 1,
        "attempts": call.failures,
        "call_seed": str(call.call_seed),
        "class": last["class"],
        "sent": last["sent"],
        "reason": outcome["give_up"] if gave_up and was_failure else None,
        "hint_us": outcome.get("hint") if gave_up else None,
        "elapsed_us": elapsed + call.now - since,
        # A call that is resumed goes by the clock of the world already.
        "made_at_us": call.now if made_at is None else made_at,
        "failures": {name: call.failures_by_class.get(name, 0) for name in CLASSES},
        "previous_us": call.delays.previous or 0,
        "restarted_at": call.restarted_at,
        "used_immediate": call.immediate_used,
        "used_once": call.once_used,
        "last": call.clipped and not gave_up,
    }


def resume(policy, token, now, mode="normal", budget=None):
    """The call before its next attempt, and what this policy decides on a failure that another gave up."""
    call = Call(policy, now, int(token["call_seed"]), mode=mode, budget=budget)
    elapsed = token["elapsed_us"] + max(0, now - token["made_at_us"])
    call.deadline = None if policy.timeout is None else now + max(0, policy.timeout - elapsed)
    call.begun = True
    call.failures = token["attempts"]
    call.failures_by_class = dict(token["failures"])
    call.delays.previous = token["previous_us"] or None
    call.restarted_at = token["restarted_at"]
    call.immediate_used, call.once_used, call.clipped = token["used_immediate"], token["used_once"], token["last"]
    if token["reason"] is None:
        return call, None
    call.failures -= 1
    if token["class"] in CLASSES:
        call.failures_by_class[token["class"]] -= 1
    verdict = Verdict(token["class"], token["sent"], "always", "permanent" in (token["reason"], token["class"]))
    failure = Failure(hint=token["hint_us"], method="POST" if token["reason"] in BEFORE_ASKED else None)
    return call, call.failed(now, failure, verdict)


def step_outcome(outcome):
    if isinstance(outcome, GiveUp):
        return {"give_up": outcome.reason, "hint": outcome.hint, "class": outcome.class_, "sent": outcome.sent}
    assert isinstance(outcome, Retry)
    return {"retry": outcome.delay, "class": outcome.class_, "sent": outcome.sent, "last": outcome.last, "nested_warning": outcome.nested_warning}


def text(token):
    return token and json.dumps(token, separators=(",", ":"))
