"""`testing()`: retries without waiting, for the tests of a program."""

from __future__ import annotations

from . import _core, _switch
from ._script import steps
from ._settings import seed_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from ._events import Event
    from ._options import Script
    from ._policy import Policy


class Testing:
    """What `testing()` gives: the recorded `waits` in seconds, the `events`, and the virtual clock.

    The clock stands still but for waits and `advance`; only undaunted reads it.
    """

    __slots__ = ("_attempts", "_breakers", "_budgets", "_guards", "_now", "_plans", "_script", "_seed", "_tokens", "events", "waits")

    def __init__(self, attempts: int | None, seed: int | None, script: Script) -> None:
        if attempts is not None and (not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1):
            raise ValueError(f"attempts is {attempts!r}, allowed a whole number from 1; leave it out to keep the policies' own")
        self.waits: list[float] = []
        self.events: list[Event] = []
        self._attempts = attempts
        self._seed = seed_of(seed)
        self._script = steps(script)
        self._now = 0
        self._plans: dict[tuple[Policy, str | None], _core.Plan] = {}
        self._breakers: dict[str, _core.Breaker] = {}
        self._budgets: dict[str, _core.Budget] = {}
        #: What stands for a fleet's throttles and bulkheads.
        self._guards: dict[object, Any] = {}
        self._tokens: list[Any] = []

    @property
    def now(self) -> float:
        """Seconds on the virtual clock since the context was made."""
        return self._now / 1e6

    def advance(self, seconds: float) -> None:
        """Lets time pass on the virtual clock: what a slow attempt would take."""
        if not seconds >= 0:
            raise ValueError(f"seconds is {seconds!r}, allowed 0 or more; time does not go back")
        self._now += round(seconds * 1e6)

    def __enter__(self) -> Testing:
        _switch.count_testing(+1)
        self._tokens.append(_switch.testing.set(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _switch.testing.reset(self._tokens.pop())
        _switch.count_testing(-1)

    def _record(self, event: Event) -> None:
        self.events.append(event)

    def _wait(self, delay: float) -> None:
        self.waits.append(delay)
        self.advance(delay)

    def _next_failure(self) -> tuple[Exception, float] | None:
        """The next failure of the script and how long it takes to come; None where the code is to run."""
        make, duration = self._script.pop(0) if self._script else (None, 0.0)
        return None if make is None else (make(), duration)

    def _plan(self, policy: Policy, name: str | None) -> _core.Plan:
        """The policy's plan, never with more attempts than it has itself."""
        plan = self._plans.get((policy, name))
        if plan is None:
            from ._policy import compiled, make_plan

            core = policy._core
            if self._attempts is not None and (core.attempts is None or core.attempts > self._attempts):
                core = compiled({"attempts": self._attempts}, "python", core)
            seed = self._seed or policy._settings.seed
            plan = self._plans[policy, name] = make_plan(policy, name, core, seed, self._budget(policy), self._breaker(policy))
        return plan

    def _budget(self, policy: Policy) -> _core.Budget | None:
        """A full one of the policy's kind: tests neither find nor leave it used up, and its clock is theirs."""
        budget = policy._budget
        if budget is None:
            return None
        return self._budgets.setdefault(budget.name, budget._core.fresh())

    def _breaker(self, policy: Policy) -> _core.Breaker | None:
        """A closed one of the policy's kind."""
        breaker = policy._breaker
        if breaker is None or breaker.name is None:
            return None
        return self._breakers.setdefault(breaker.name, breaker._core.fresh())


def testing(*, attempts: int | None = None, seed: int | None = None, script: Script = ()) -> Testing:
    """A context in which retries never sleep; other tasks and threads are not affected.

    Waits are computed as ever, recorded in `waits`, and pass on a virtual clock; budgets are full ones of its own, breakers closed
    ones. Those of a fleet go to no store there: they count alone, as local ones do. `attempts` lowers the policies' limits and never raises
    them. With a `seed` the n-th call that fails has the waits of `policy.schedule(seed=seed, call=n)`.

    `script` lists failures that take the place of the code, one for each attempt in the order they start: a status (503), a failure in a few
    words ("reset", "429 + hint 2s", "postgres 40001", "timeout + takes 5s"), a mapping as `policy.explain` takes it ({"http": 429, "hint":
    "2s"}), an exception, or None or "ok" to let the code run, as it does when the script is at its end. Words and mappings become `HttpError`,
    the `OSError` of their errno, `socket.gaierror`, or else `ScriptedError`; what the attempt takes passes on the virtual clock. The list may
    stand under `fail` in a mapping, or in a JSON file whose path is given.

    Raises PolicyError with every mistake of the script at once; OSError for a file that cannot be read; ValueError.
    """
    return Testing(attempts, seed, script)
