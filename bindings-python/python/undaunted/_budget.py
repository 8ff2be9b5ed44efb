"""Budgets: an allowance of retries that every call to one upstream shares, so that an outage is not answered with a flood."""

from __future__ import annotations

import time

from . import _core
from ._named import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Unpack

    from ._links import BudgetLink
    from ._options import BudgetSettings


class Budget:
    """An allowance of retries under a name; there is one of a name in a process, for as long as a policy or a program holds it.

    In mode `bucket` (AWS SDKs) a retry takes its `cost` (14) of `capacity` (500) tokens; a success gives a `reward` (1), or after a retry
    gives back what it took (`refund`). In mode `failures` (gRPC) a failure takes `cost` (1) of `capacity` (10), a success gives `reward`
    (0.1), and calls are retried while more than half is left. In mode `window` (Finagle) retries are `ratio` (0.2) of the calls of the last
    `ttl` (10 s) and `min_per_second` (10) beside. A class of a policy may cost something else: `classes={"throttle": {"cost": 5}}`.

    With nothing left a call is given up with its own error and the reason `budget`. Raises PolicyError with every mistake at once, and for
    a name that a budget with other options has.
    """

    __slots__ = ("__weakref__", "_core", "_link", "_text", "name")

    #: What it is called.
    name: str
    _core: _core.Budget
    #: What ties it to a fleet.
    _link: BudgetLink | None
    _text: str

    def __new__(cls, name: str, **options: Unpack[BudgetSettings]) -> Budget:
        from ._policy import compiled

        return shared(compiled({"preset": "none", "budget": {"name": name, **options}}, "python"))

    @property
    def tokens(self) -> float:
        """What is left now: tokens, or retries with a window."""
        return self._core.tokens(round(time.monotonic() * 1e6)) / 1e6

    @property
    def options(self) -> dict[str, Any]:
        """What it was made of, defaults included."""
        import json

        options: dict[str, Any] = json.loads(self._text)["budget"]
        return options

    def __repr__(self) -> str:
        rest = "".join(f", {name}={value!r}" for name, value in self.options.items() if name != "name")
        return f"Budget({self.name!r}{rest})"

    def __reduce__(self) -> Any:
        return _restore, (self._text,)


def shared(policy: _core.Policy) -> Budget:
    """The budget of a policy's name, made if it is not there. Raises PolicyError if it cannot be that one."""
    name = policy.budget_name or ""

    def make() -> Budget:
        made = object.__new__(Budget)
        made.name, made._core, made._link, made._text = name, _core.Budget(policy), None, policy.dump()
        return made

    return known.find_or_make(name, lambda there: policy.budget_problems(None if there is None else there._core), make)


def _restore(text: str) -> Budget:
    from ._policy import compiled, json_value

    return shared(compiled(json_value(text), "json"))


known = Names()
