"""Budgets, breakers, bulkheads and throttles that the processes of a fleet share, over Redis or Valkey.

`store = fleet.Store("redis://localhost:6379/0")`, then `fleet.Budget("upstream", store)`: from then on every policy of this process that names
the budget `upstream` shares it with all other processes that do the same, in Python and JavaScript. Needs redis-py: `undaunted[redis]`.
"""

from __future__ import annotations

from . import _breaker, _budget, _bulkhead, _core, _throttle
from ._guard import _entered, checked, in_testing
from ._links import BreakerLink, BudgetLink, BulkheadLink, ThrottleLink
from ._published import VersionConflict as VersionConflict
from ._published import policy_source as policy_source
from ._published import publish_policy as publish_policy
from ._published import publish_policy_async as publish_policy_async
from ._store import Store as Store
from ._store import StoreEvent as StoreEvent
from ._store import in_range, plain_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self, Unpack

    from ._bulkhead import Bulkhead as LocalBulkhead
    from ._guard import Guard
    from ._links import Link
    from ._options import BreakerOptions, BudgetSettings, BulkheadSnapshot, Counted, Duration, ThrottleOptions
    from ._policy import Policy

__all__ = [
    "Breaker", "Budget", "Bulkhead", "Store", "StoreEvent", "Throttle", "VersionConflict",
    "policy_source", "publish_policy", "publish_policy_async", "share",
]  # fmt: skip


class Budget(_budget.Budget):
    """The budget of this name, shared with all processes that share it in the same store. Options are those of `undaunted.Budget`.

    It is the process's budget of the name, as long as the store is there: policies that name it, made before or after, ask the store before
    each retry. What one process takes is gone for all; a success adds to what all have. While the store does not answer each process goes on with its part of what there
    was, and what it takes is subtracted afterwards: no retry is added by that.

    Processes may differ in their options, as in a rolling deployment: each asks by its own. Raises PolicyError, and ValueError if the
    budget of this name is shared in another store already.
    """

    __slots__ = ()

    def __new__(cls, name: str, store: Store, **options: Unpack[BudgetSettings]) -> Self:
        check_store(store)
        plain_text("name", name)
        budget: Any = _budget.Budget(name, **options)
        if is_free(budget._link, store, f"the budget {name}"):
            budget._link = BudgetLink(store, name, budget._core)
            store._hold(budget)
            # Whoever has it already has the same one.
            budget.__class__ = cls
        return budget  # type: ignore[no-any-return]


class Awaited:
    """`async with`, where a guard may have to ask its store."""

    __slots__ = ()

    async def __aenter__(self: Guard) -> None:  # type: ignore[misc]
        token = await self._before_async()
        _entered.set((self, token, _entered.get()))

    async def __aexit__(self: Guard, kind: object, error: BaseException | None, traceback: object) -> None:  # type: ignore[misc]
        self.__exit__(kind, error, traceback)


class Breaker(Awaited, _breaker.Breaker):
    """The breaker of this name, shared with all processes that share it in the same store. Options are those of `undaunted.Breaker`.

    It is the process's breaker of the name, as long as the store is there: guards and policies that name it, made before or after, count together with the fleet. Results are
    told as they come, failures at once and successes together; the store says when it opens. Closed, and open, no call waits for the store;
    half-open, a call asks it for a probe, so in asyncio code write `async with` or `call_async`. While the store does not answer each process
    goes on alone from what it knows.

    Raises PolicyError, and ValueError if the breaker of this name is shared in another store already.
    """

    __slots__ = ()

    def __init__(
        self, name: str, store: Store, *, on: Counted = Exception, seed: int | None = None, **options: Unpack[BreakerOptions]
    ) -> None:
        check_store(store)
        super().__init__(on=on, name=plain_text("name", name), seed=seed, **options)
        state = self._state
        if is_free(state.link, store, f"the breaker {name}"):
            state.link = BreakerLink(store, name, state.core)
            store._hold(state)


class Throttle(Awaited, _throttle.Throttle):
    """A throttle whose requests and accepts are counted over all processes that share it in the same store. Options are those of
    `undaunted.Throttle`. No call waits for the store; what it counts is told it a few times a second. Raises PolicyError.
    """

    __slots__ = ("_link", "_options", "_own")

    def __init__(
        self, name: str, store: Store, *, on: Counted = Exception, seed: int | None = None, **options: Unpack[ThrottleOptions]
    ) -> None:
        check_store(store)
        super().__init__(on=on, name=plain_text("name", name), seed=seed, **options)
        self._options = options
        self._link = ThrottleLink(store, name, self._own)

    @property
    def _core(self) -> _core.Throttle:
        testing = in_testing()
        if testing is None:
            return self._own
        if self not in testing._guards:
            testing._guards[self] = checked(_core.Throttle.compile(self._options, "python"))
        return testing._guards[self]  # type: ignore[no-any-return]

    @_core.setter
    def _core(self, core: _core.Throttle) -> None:
        self._own = core

    def _before(self) -> None:
        try:
            super()._before()
        finally:
            self._noted()

    def _after(self, token: None, error: BaseException | None) -> None:
        super()._after(token, error)
        self._noted()

    def _noted(self) -> None:
        if in_testing() is None:
            self._link.noted(is_urgent=False)


class Bulkhead(_bulkhead.Bulkhead):
    """At most `limit` calls at once (1 to 1000000), of all processes that share it in the same store; others raise `BulkheadFull` at once.

    Each call takes a trip to the store before it and one after it. A place is leased for `lease` (60 s; 1 s to 1 day) and renewed while the call
    runs, every third of that and every 20 s at least, so those of a process that died come back. If the store forgot what runs, each process
    brings its calls in again with its next call or renewal. While the store does not answer each process lets in its part of `limit`, and at
    least one: `limit` divided by the processes that had asked or renewed within a minute when it was last answered.

    `with` and `call` for synchronous code, `async with` and `call_async` for asyncio and trio. Raises PolicyError with every mistake at once.
    """

    __slots__ = ("_link",)

    def __init__(self, name: str, store: Store, limit: int, *, lease: Duration = 60.0) -> None:
        check_store(store)
        super().__init__(limit, name=plain_text("name", name))
        lease_us = round(in_range("lease", lease, 1.0, 86_400.0) * 1e6)
        self._link = BulkheadLink(store, name, self._core, limit, lease_us)

    def snapshot(self) -> BulkheadSnapshot:
        """How many calls of this process are `running`; none is ever `waiting`."""
        local = self._local()
        return super().snapshot() if local is None else local.snapshot()

    def __enter__(self) -> None:
        local = self._local()
        if local is not None:
            local.__enter__()
            return
        store = self._link.store
        store._check(is_async=False)
        errand = self._link.enter()
        if self._is_there():
            store._trip([errand])
        self._admit(errand)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        local = self._local()
        if local is not None:
            local.__exit__(kind, error, traceback)
        elif errands := self._link.leave():
            self._link.store._trip(errands)

    async def __aenter__(self) -> None:
        local = self._local()
        if local is not None:
            local.__enter__()
            return
        store = self._link.store
        store._check(is_async=True)
        errand = self._link.enter()
        if self._is_there():
            await store._trip_async([errand])
        self._admit(errand)

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        local = self._local()
        if local is not None:
            local.__exit__(kind, error, traceback)
        elif errands := self._link.leave():
            await self._link.store._trip_async(errands)

    def __repr__(self) -> str:
        return f"<Bulkhead {self.name} {self.snapshot()['running']} of {self._limit} running here>"

    def _is_there(self) -> bool:
        """Whether its store answers, as far as known."""
        if self._link.store.is_lost:
            self._link.store._ask_again()
        return not self._link.store.is_lost

    def _admit(self, errand: Any) -> None:
        if not self._link.admitted(errand):
            raise _bulkhead.BulkheadFull(self._limit, 0, self.name)

    def _local(self) -> LocalBulkhead | None:
        """What stands for it in `testing()`."""
        testing = in_testing()
        if testing is None:
            return None
        return testing._guards.setdefault(self, _bulkhead.Bulkhead(self._limit, name=self.name))  # type: ignore[no-any-return]


def share(policy: Policy, store: Store) -> None:
    """Shares the budget and the breaker that a policy names, with its options: those of a policy file, say. An extra call is harmless.

    Raises ValueError for a policy that has neither, and if one of them is shared in another store already.
    """
    check_store(store)
    budget, breaker = policy.budget, policy.breaker
    if budget is None and breaker is None:
        raise ValueError("the policy has neither a budget nor a breaker, allowed one that names either; name them in the policy")
    if budget is not None:
        Budget(store=store, **budget.options)
    if breaker is not None:
        Breaker(store=store, **(breaker.options or {}))


def check_store(store: Any) -> None:
    if not isinstance(store, Store):
        raise TypeError(f"the store is {store!r}, allowed a Store; write fleet.Store(\"redis://localhost:6379/0\")")


def is_free(link: Link | None, store: Store, what: str) -> bool:
    """Whether it is not shared yet. Raises ValueError if it is, in another store."""
    if link is None or link.store.is_closed:
        return True
    if link.store is not store:
        raise ValueError(f"{what} is shared in another store already, allowed one store for each name in a process; pass that store")
    return False
