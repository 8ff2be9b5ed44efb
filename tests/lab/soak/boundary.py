"""Writes down everything that the Python package tells its engine, and what the engine decides, for `replay`.

The package's own calls run; only the engine's objects are dressed. What a call shares with others is told in the order in which it
happened, so calls of several threads are told one after the other.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import threading
from typing import Any

from undaunted import Event, Policy, _core

#: The seed of the breaker that policies share.
BREAKER_SEED = 7
MARK = "__undaunted__"


class Log:
    """Lines on standard output, and what was counted."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.calls = itertools.count(1)
        self.retries = 0
        #: By how many microseconds the next wait that is written down is wrong, on purpose.
        self.wrong_by = 0
        self.gave_up: dict[str, int] = {}

    def write(self, **line: Any) -> None:
        with self.lock:
            sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")

    def report(self, report: dict[str, Any]) -> None:
        self.write(report=report)
        sys.stdout.flush()


def begin() -> Log:
    """From here on every policy of the process is watched at its engine."""
    log = Log()
    plan_of = Policy._plan

    def dressed(self: Policy, name: str | None, testing: Any = None) -> Plan:
        return Plan(plan_of(self, name, testing), self, log)

    Policy._plan = dressed  # type: ignore[assignment, method-assign]
    return log


class Plan:
    """The engine's plan of a policy; its calls are watched."""

    def __init__(self, plan: _core.Plan, policy: Policy, log: Log) -> None:
        self._plan = plan
        self._policy = policy
        self._log = log

    def begin(self, started: float) -> Call:
        return Call(self, self._plan.begin(started), started)

    def begin_in(self, started: float, **options: Any) -> Call:
        return Call(self, self._plan.begin_in(started, **options), started, **options)


class Call:
    """The engine's call, and a line for each step of it."""

    def __init__(
        self,
        plan: Plan,
        call: _core.Call,
        started: float,
        outer_deadline: float | None = None,
        inactive: bool = False,
        method: str | None = None,
        idempotency_key: bool = False,
    ) -> None:
        self._plan, self._call, self._log = plan._plan, call, plan._log
        self._started_at = self._last_now = micros(started)
        self._request = {"method": method, "idempotency_key": idempotency_key}
        self._number = next(self._log.calls)
        self._is_seeded = False
        deadline = None if outer_deadline is None else micros(outer_deadline)
        self._log.write(
            call=self._number,
            policy=plan._policy.dump(),
            started_at=self._started_at,
            call_seed="0",
            outer_deadline=deadline,
            mode="inactive" if inactive else "normal",
            seed=str(BREAKER_SEED),
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def attempt(self, now: float) -> bool:
        with self._log.lock:
            may_start = self._call.attempt(now)
            if may_start:
                limit, remaining = (None if found is None else micros(found) for found in (self._call.limit, self._call.remaining))
                expect = {"number": self._call.number, "limit": limit, "remaining": remaining}
            else:
                expect = self._given_up()
            self._step(now, attempt=True, expect=expect)
            return may_start

    def failed(
        self, error: Exception | None, now: float, facts: _core.Failure | None = None, cancelled: bool = False
    ) -> float | None:
        verdict, wait = "tables", None
        if error is not None:
            read, verdict, wait = _core.judged(self._plan, error)
            facts = read if facts is None else facts
        assert facts is not None
        fail = {
            "domain": facts.domain,
            "code": facts.code,
            "phase": facts.phase,
            "hint": facts.hint,
            "should_retry": facts.should_retry,
            "body": facts.body,
            "verdict": verdict,
            "wait": wait,
            "cancelled": cancelled,
            "nested": error is not None and self._is_nested(error, micros(now)),
        }
        with self._log.lock:
            return self._decided(now, fail, self._call.failed(error, now, facts, cancelled))

    def unsatisfied(self, result: object, now: float, wait: float | None = None, cancelled: bool = False) -> float | None:
        fail = {"verdict": "forced", "wait": None if wait is None else micros(wait), "cancelled": cancelled}
        with self._log.lock:
            return self._decided(now, fail, self._call.unsatisfied(result, now, wait, cancelled))

    def cancelled(self) -> None:
        with self._log.lock:
            self._call.cancelled()
            self._step(None, cancel=True)
            self._count("cancelled")

    def succeeded(self, now: float) -> None:
        with self._log.lock:
            self._call.succeeded(now)
            self._step(now, succeed=True)

    def abandoned(self, now: float) -> None:
        with self._log.lock:
            self._call.abandoned(now)
            self._step(now, cancel=True)

    def _decided(self, now: float, fail: dict[str, Any], delay: float | None) -> float | None:
        class_, sent = self._call.records()[-1][5:7]
        if delay is None:
            expect = self._given_up()
        else:
            expect = {"retry": micros(delay) + self._log.wrong_by}
            self._log.retries += 1
            self._log.wrong_by = 0
        self._step(now, fail={**fail, **self._request}, expect={**expect, "class": class_, "sent": sent})
        return delay

    def _given_up(self) -> dict[str, Any]:
        self._count(self._call.reason)
        return {"give_up": self._call.reason, "hint": None if self._call.hint is None else micros(self._call.hint)}

    def _count(self, reason: str | None) -> None:
        self._log.gave_up[str(reason)] = self._log.gave_up.get(str(reason), 0) + 1

    def _step(self, now: float | None, **step: Any) -> None:
        if now is not None:
            self._last_now = max(self._last_now, micros(now))
        at = self._last_now if now is None else micros(now)
        if not self._is_seeded and (seed := self._call.call_seed) is not None:
            self._is_seeded = True
            step["call_seed"] = str(seed)
        self._log.write(call=self._number, at=at, **step)

    def _is_nested(self, error: BaseException, now: int) -> bool:
        """Whether a call within this one has given up on the error, or on what led to it."""
        rest, seen = [error], set()
        while rest:
            error = rest.pop()
            if id(error) in seen:
                continue
            seen.add(id(error))
            mark = getattr(error, "__dict__", {}).get(MARK)
            if mark is not None and mark.exhausted and self._started_at <= mark.left_at <= now:
                return True
            rest.extend(link for link in (error.__context__, error.__cause__) if link is not None)
        return False


def heard(log: Log) -> Any:
    """A hook for events: what users hear is written down, too."""

    def hook(event: Event) -> None:
        if event.kind == "scheduled":
            assert event.delay is not None
            log.write(told=str(event.call_seed), expect={"retry": micros(event.delay), "class": event.class_, "sent": event.sent})
        elif event.kind == "gave_up" and event.call_seed is not None and event.reason != "cancelled":
            log.write(told=str(event.call_seed), expect={"give_up": event.reason})

    return hook


def micros(seconds: float) -> int:
    """As the engine's glue rounds."""
    return math.floor(seconds * 1e6 + 0.5)
