"""`Policy.explain`: exceptions and mappings to the script that the core explains."""

from __future__ import annotations

from datetime import timedelta

from . import _core
from ._errors import PolicyError, history
from ._settings import seeds
from ._steps import step
from .lab import Explanation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ._policy import Policy

    Failures = BaseException | Iterable[BaseException | Mapping[str, Any]]


def explain(
    policy: Policy, failures: Failures, conditions: dict[str, Any], seed: int | None, call: int, call_seed: int | None
) -> Explanation:
    if isinstance(failures, BaseException):
        return _explain_history(policy, failures)
    told = [_failure(policy, failure) for failure in failures]
    if told and told[-1] == "ok":
        told.pop()  # the attempt after the last failure succeeds anyway
    return _explained(policy, told, conditions | seeds(policy._settings.seed, seed, call, call_seed))


def _explained(policy: Policy, failures: list[Any], conditions: dict[str, Any]) -> Explanation:
    report, problems = _core.explain(policy._written_out(), {"failures": failures, **conditions}, "python")
    if report is None:
        raise PolicyError(problems)
    return Explanation(*report)


def _failure(policy: Policy, failure: Any) -> Any:
    if isinstance(failure, BaseException):
        return _facts(policy, failure)
    if isinstance(failure, (str, int)) and not isinstance(failure, bool):
        return step(failure)
    if not hasattr(failure, "keys"):
        return failure  # which the core refuses
    given = dict(failure)
    error = given.get("error")
    return _facts(policy, given.pop("error")) | given if isinstance(error, BaseException) else given


def _facts(policy: Policy, error: BaseException) -> dict[str, Any]:
    """What a call would tell the core of an exception."""
    facts, verdict, wait = _core.judged(policy._plan(None), error)
    found = {
        facts.domain: facts.code,
        "phase": facts.phase,
        "hint": _micros(facts.hint),
        "should_retry": facts.should_retry,
        "body": facts.body,
        "verdict": verdict,
        "wait": _micros(wait),
    }
    return {name: value for name, value in found.items() if value is not None}


def _micros(micros: int | None) -> timedelta | None:
    return None if micros is None else timedelta(microseconds=micros)


def _explain_history(policy: Policy, error: BaseException) -> Explanation:
    """The call that gave an exception up: each attempt lasted from the end of the wait before it to its failure."""
    attempts = history(error)
    waited, failures = 0.0, []
    for attempt in attempts:
        told = {"verdict": "forced"} if attempt.error is None else _facts(policy, attempt.error)
        failures.append(told | {"duration": _micros(max(0, round((attempt.elapsed - waited) * 1e6)))})
        waited = attempt.elapsed + (attempt.delay or 0.0)
    if attempts.call_seed is not None and 0 < len(attempts) <= MOST and attempts[-1].attempt == len(attempts):
        explanation = _explained(policy, failures, {"call_seed": attempts.call_seed})
        delays = [attempt.delay for attempt in attempts]
        if explanation.gave_up == attempts.reason and [failure.delay for failure in explanation] == delays:
            return explanation
    raise ValueError(
        f"the history of a {type(error).__name__} does not hold all that decided its call, allowed that of a call of this policy with up to "
        f"{MOST} attempts and nothing from outside; pass its failures, with method, hint and call_seed"
    )


#: Failures of one explanation.
MOST = 100
