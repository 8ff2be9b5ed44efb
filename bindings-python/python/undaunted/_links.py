"""What ties the guards of a process to the store of its fleet: what each tells it, and what it makes of the answers."""

from __future__ import annotations

from _thread import allocate_lock

from . import _core
from ._store import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._breaker import State
    from ._budget import Budget
    from ._policy import Policy
    from ._store import Store

    #: What stands in a command.
    Word = str | int


class Errand:
    """One command of a trip."""

    __slots__ = ("granted", "link", "number", "owed", "reply", "words")

    def __init__(self, link: Link, words: list[Word]) -> None:
        self.link = link
        self.words = words
        #: Which of its guard's questions it is, where that counts.
        self.number = 0
        #: What its guard owes if nobody knows whether it arrived.
        self.owed = 0
        #: What was answered, once it was.
        self.reply: Any = None
        #: Whether the store grants what was asked for; None without an answer.
        self.granted: bool | None = None


class Link:
    """One guard's tie to its store."""

    __slots__ = ("__weakref__", "keys", "store")

    #: Its machine, in Lua.
    script: str
    #: What its keys are called.
    parts: tuple[str, ...]

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.keys = [f"{store.prefix}:{{{name}}}:{part}" for part in self.parts]

    def go_away(self, now: int) -> None:
        """The store counts from now on."""
        raise NotImplementedError

    def go_back(self, question: Errand, now: int) -> None:
        """The store counts again, which has answered this question."""
        self.go_away(now)
        self.read(question, question.reply, now)

    def come_home(self, now: int) -> None:
        """The store does not answer: it goes on alone."""
        raise NotImplementedError

    def forget(self, now: int) -> None:
        """In a forked child: what was noted, and leased, is its parent's."""
        raise NotImplementedError

    def has_notes(self) -> bool:
        raise NotImplementedError

    def look(self) -> Errand:
        """Asks how it is; of one that goes on alone, tells what it owes, too."""
        raise NotImplementedError

    def errands(self) -> list[Errand]:
        """Tells what was noted, which is forgotten here."""
        raise NotImplementedError

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        """What the store answers. Raises ValueError or TypeError for what it cannot have answered."""
        raise NotImplementedError

    def lost(self, errand: Errand) -> None:
        """Nobody knows whether it arrived."""

    def renewal(self) -> float | None:
        """In how many seconds it has to renew something."""
        return None

    def noted(self, is_urgent: bool) -> None:
        """Its guard may have noted something: at once, or together with what comes."""
        store = self.store
        if store.is_lost:
            store._ask_again()
        elif self.has_notes():
            store._due(0.0 if is_urgent else store.every)


class BudgetLink(Link):
    """A budget's."""

    __slots__ = ("core", "terms")
    script = _core.SCRIPTS["budget"]
    parts = ("budget", "members")

    def __init__(self, store: Store, name: str, core: _core.Budget) -> None:
        super().__init__(store, name)
        self.core = core
        self.terms: list[Word] = list(core.terms())
        store._take_in(self)

    def go_away(self, now: int) -> None:
        self.core.go_away()

    def come_home(self, now: int) -> None:
        self.core.come_home(now)

    def forget(self, now: int) -> None:
        if not self.store.is_lost:
            self.core.notes(now)

    def has_notes(self) -> bool:
        return self.core.has_notes()

    def look(self) -> Errand:
        return self.ask(None)

    def errands(self) -> list[Errand]:
        return [self.ask(None)] if self.core.has_notes() else []

    def ask(self, price: int | None) -> Errand:
        """Tells what was noted, and asks for a retry of this price."""
        number, added, owed, if_lost = self.core.notes(now())
        errand = self._errand(added, owed, price)
        errand.number, errand.owed = number, if_lost
        return errand

    def _errand(self, added: int, owed: int, price: int | None) -> Errand:
        known = self.core.known()
        rest: list[Word] = ["" if known is None else known, added, owed, "" if price is None else price]
        return Errand(self, [*self.terms, self.store._member, *rest])

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        granted, balance, members = numbers(reply, 3)
        # By the answer of a store that was lost it goes away, once all have answered.
        if not self.store.is_lost:
            self.core.told(errand.number, balance, members, now)
        self.store._fleet_size = max(1, members)
        errand.granted = granted == 1

    def lost(self, errand: Errand) -> None:
        self.core.lost(errand.number, errand.owed)


class BreakerLink(Link):
    """A breaker's."""

    __slots__ = ("core", "terms")
    script = _core.SCRIPTS["breaker"]
    parts = ("breaker",)

    def __init__(self, store: Store, name: str, core: _core.Breaker) -> None:
        super().__init__(store, name)
        self.core = core
        self.terms: list[Word] = ["" if term == ABSENT else term for term in core.terms()]
        store._take_in(self)

    def go_away(self, now: int) -> None:
        self.core.go_away(now)

    def come_home(self, now: int) -> None:
        self.core.come_home(now)

    def forget(self, now: int) -> None:
        self.core.come_home(now)

    def has_notes(self) -> bool:
        return self.core.has_notes()

    def look(self) -> Errand:
        return self._errand("look", self.core.question())

    def errands(self) -> list[Errand]:
        if not self.core.has_notes():
            return []
        question, counts, probes = self.core.notes()
        # Of a probe that was ignored and one that was dropped the store thinks the same.
        settled = [word for number, outcome, is_slow in probes for word in (number, min(outcome, 2), int(is_slow))]
        return [self._errand("report", question, *counts, *settled)]

    def questions(self) -> list[Errand]:
        """Before an attempt: what asks for a probe, if there is need; with what was noted before."""
        if self.store.is_lost:
            self.store._ask_again()
            return []
        return [*self.errands(), self._errand("permit", self.core.question())] if self.core.asks(now()) else []

    def knock(self) -> None:
        """Asks for a probe, if there is need."""
        if questions := self.questions():
            self.store._check(is_async=False)
            self.store._trip(questions)

    async def knock_async(self) -> None:
        if questions := self.questions():
            self.store._check(is_async=True)
            await self.store._trip_async(questions)

    def _errand(self, op: str, question: tuple[int, int | None, int], *rest: Word) -> Errand:
        number, generation, word = question
        errand = Errand(self, [*self.terms, op, "" if generation is None else generation, word >> 32, word & 0xFFFF_FFFF, *rest])
        errand.number = number
        return errand

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        state, generation, number, retry_in, *_, opened = numbers(reply, 10)
        self.core.told(errand.number, state, generation, number, retry_in, opened, now)


class ThrottleLink(Link):
    """A throttle's."""

    __slots__ = ("core",)
    script = _core.SCRIPTS["throttle"]
    parts = ("throttle",)

    def __init__(self, store: Store, name: str, core: _core.Throttle) -> None:
        super().__init__(store, name)
        self.core = core
        store._take_in(self)

    def go_away(self, now: int) -> None:
        self.core.go_away(now)

    def come_home(self, now: int) -> None:
        self.core.come_home()

    def forget(self, now: int) -> None:
        self.core.notes()

    def has_notes(self) -> bool:
        return self.core.has_notes()

    def look(self) -> Errand:
        return Errand(self, [self.core.window(), 0, 0])

    def errands(self) -> list[Errand]:
        return [Errand(self, [self.core.window(), *self.core.notes()])] if self.core.has_notes() else []

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        self.core.told(*numbers(reply, 2))


class BulkheadLink(Link):
    """A bulkhead's: which of its places this process has."""

    __slots__ = ("_lock", "core", "ids", "issued", "lease", "limit", "renewed_at")
    script = _core.SCRIPTS["bulkhead"]
    parts = ("bulkhead",)

    def __init__(self, store: Store, name: str, core: _core.Bulkhead, limit: int, lease: int) -> None:
        super().__init__(store, name)
        self.core = core
        self.limit = limit
        self.lease = lease
        self._lock = allocate_lock()
        #: The places, as the store knows them. They are all alike: whoever leaves, leaves one.
        self.ids: set[str] = set()
        self.issued = 0
        self.renewed_at = 0
        store._take_in(self)

    def go_away(self, now: int) -> None:
        pass

    def come_home(self, now: int) -> None:
        self.core.divide(self.store._fleet_size)

    def forget(self, now: int) -> None:
        self._lock = allocate_lock()
        self.ids = set()
        while self.core.look()[0]:
            self.core.leave()

    def has_notes(self) -> bool:
        left = self.renewal()
        return left is not None and left <= 0

    def look(self) -> Errand:
        return self._errand("look")

    def errands(self) -> list[Errand]:
        if not self.has_notes():
            return []
        with self._lock:
            self.renewed_at = now()
            return [self._errand("renew", *self.ids)]

    def enter(self) -> Errand:
        """Asks for a place."""
        self.issued += 1
        return self._errand("enter", f"{self.store._member}:{self.issued}")

    def admitted(self, errand: Errand) -> bool:
        """Whether there is one for a call: the store's, or without an answer this process's."""
        if errand.granted is None:
            return self.core.enter() == 0
        if not errand.granted:
            return False
        with self._lock:
            if not self.ids:
                self.renewed_at = now()
            self.ids.add(str(errand.words[-1]))
            self.core.admit()
        # Renewed in time, also if nothing else is told.
        self.store._due(self.lease / 3e6)
        return True

    def leave(self) -> list[Errand]:
        """A call is done; what tells the store of it."""
        with self._lock:
            self.core.leave()
            running, _ = self.core.look()
            # Those that were let in without the store leave first.
            surplus = [self.ids.pop() for _ in range(len(self.ids) - running)]
        return [self._errand("leave", *surplus)] if surplus and not self.store.is_lost else []

    def renewal(self) -> float | None:
        return (self.renewed_at + self.lease / 3 - now()) / 1e6 if self.ids and not self.store.is_lost else None

    def _errand(self, op: str, *ids: str) -> Errand:
        return Errand(self, [self.limit, self.lease, op, *ids])

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        admitted, *_ = numbers(reply, 4)
        errand.granted = admitted == 1


class Shares:
    """What the calls of a policy share with a fleet."""

    __slots__ = ("_budget", "_breaker")

    def __init__(self, budget: BudgetLink | None, breaker: BreakerLink | None) -> None:
        self._budget = budget
        self._breaker = breaker

    def check(self, is_async: bool) -> None:
        """Refuses a call for which a store has no client."""
        for link in (self._budget, self._breaker):
            if link is not None:
                link.store._check(is_async)

    def noted(self, is_urgent: bool = False) -> None:
        """The call may have noted something."""
        for link in (self._budget, self._breaker):
            if link is not None:
                link.noted(is_urgent)

    def ask(self, call: _core.Call) -> bool:
        """After a failure that is to be retried: tells of it, and whether the budget grants the retry. If not, the call is given up."""
        asked, trips = self._trips(call)
        for store, errands in trips.items():
            store._trip(errands)
        return granted(call, asked)

    async def ask_async(self, call: _core.Call) -> bool:
        asked, trips = self._trips(call)
        for store, errands in trips.items():
            await store._trip_async(errands)
        return granted(call, asked)

    def knock(self) -> None:
        """Before an attempt: asks the breaker for a probe, if there is need."""
        if self._breaker is not None:
            self._breaker.knock()

    async def knock_async(self) -> None:
        if self._breaker is not None:
            await self._breaker.knock_async()

    def _trips(self, call: _core.Call) -> tuple[Errand | None, dict[Store, list[Errand]]]:
        """What asks for the retry, and all that goes to each store."""
        budget, breaker = self._budget, self._breaker
        trips: dict[Store, list[Errand]] = {}
        asked = None
        if budget is not None:
            price = call.asks_store()
            if price is not None:
                asked = budget.ask(price)
                trips[budget.store] = [asked]
            else:
                budget.noted(is_urgent=True)
        if breaker is not None:
            if breaker.store.is_lost:
                breaker.store._ask_again()
            elif told := breaker.errands():
                trips.setdefault(breaker.store, []).extend(told)
        return asked, trips


def granted(call: _core.Call, asked: Errand | None) -> bool:
    if asked is None:
        return True
    if asked.granted is None:
        return call.take_at_home()
    if not asked.granted:
        call.refused_by_store()
    return asked.granted


def shares_of(policy: Policy) -> Shares | None:
    """What the calls of a policy share with a fleet; None if nothing."""
    budget: Budget | None = policy._budget
    state: State | None = None if policy._breaker is None else policy._breaker._state
    of_budget = None if budget is None else budget._link
    of_breaker = None if state is None else state.link
    return None if of_budget is None and of_breaker is None else Shares(of_budget, of_breaker)


def numbers(reply: Any, count: int) -> list[int]:
    """A store's answer."""
    if not isinstance(reply, (list, tuple)) or len(reply) != count:
        raise ValueError(f"the store answers {reply!r:.100}, allowed {count} whole numbers; is something else at its keys?")
    found = [int(number) for number in reply]
    if min(found) < 0:
        raise ValueError(f"the store answers {reply!r:.100}, allowed numbers from 0; is something else at its keys?")
    return found


#: Stands for an option that is not there.
ABSENT = (1 << 64) - 1
