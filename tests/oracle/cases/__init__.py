"""Inputs of the vectors, written by hand: what is given, what it claims, where it comes from."""


def file(name, kind, description, source, cases):
    return {"name": name, "kind": kind, "description": description, "source": source, "cases": cases}


def session(name, policy, *steps, call_seed=1, started_at=0, **more):
    return {"name": name, "policy": policy, "call_seed": str(call_seed), "started_at": started_at, **more,
            "steps": list(steps)}


def attempt(at, **hand):
    """A step that asks for an attempt; `give_up` or `expect` by hand is checked against the oracle."""
    return {"at": at, "attempt": True, **hand}


def fail(at, code=500, domain="http", give_up=None, expect=None, **fields):
    """A step that reports a failure; `give_up` or `expect` by hand is checked against the oracle."""
    step = {"at": at, "fail": {"domain": domain, "code": code, **fields}}
    if give_up is not None:
        step["give_up"] = give_up
    if expect is not None:
        step["expect"] = expect
    return step


def retry(delay, class_="transient", sent="maybe", last=False, nested_warning=False):
    return {"retry": delay, "class": class_, "sent": sent, "last": last, "nested_warning": nested_warning}


SECOND = 1_000_000
STEADY = {"jitter": "none"}
