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
    #: Whether it asks as often while the store is lost, whoever else finds it.
    asks_alone = False

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

    def joins(self, errand: Errand) -> object:
        """Errands with an equal one go as one."""
        return errand

    def together(self, errands: list[Errand]) -> Errand:
        """What goes for several of them."""
        raise NotImplementedError

    def apart(self, reply: Any, count: int) -> list[Any]:
        """The reply to it as replies to each. Raises as `read`."""
        raise NotImplementedError

    def lost(self, errand: Errand) -> None:
        """Nobody knows whether it arrived."""

    def give_back(self, errand: Errand) -> list[Errand]:
        """Its answer grants something to somebody who went on without it: what undoes that."""
        return []

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
        asked = [0, 0] if price is None else [price, 1]
        return Errand(self, [*self.terms, self.store._member, "" if known is None else known, added, owed, *asked])

    def joins(self, errand: Errand) -> object:
        price, asks = errand.words[-2:]
        return (self, price) if asks else errand

    def together(self, errands: list[Errand]) -> Errand:
        """Retries of one price: what was noted is added up."""
        last = errands[-1]
        added, owed = (sum(int(errand.words[place]) for errand in errands) for place in (ADDED, OWED))
        return Errand(self, [*last.words[:ADDED], added, owed, last.words[-2], len(errands)])

    def apart(self, reply: Any, count: int) -> list[Any]:
        granted, *rest = numbers(reply, 3)
        return [[int(place < granted), *rest] for place in range(count)]

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        granted, balance, members = numbers(reply, 3)
        # By the answer of a store that was lost it goes away, once all have answered.
        if not self.store.is_lost:
            self.core.told(errand.number, balance, members, now)
        self.store._fleet_size = max(1, members)
        errand.granted = granted == 1

    def lost(self, errand: Errand) -> None:
        self.core.lost(errand.number, errand.owed)

    def give_back(self, errand: Errand) -> list[Errand]:
        price, asks = errand.words[-2:]
        return [self._errand(int(price), 0, None)] if asks and price else []


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

    def joins(self, errand: Errand) -> object:
        op, generation = errand.words[len(self.terms) :][:2]
        return (self, generation) if op == "report" else errand

    def together(self, errands: list[Errand]) -> Errand:
        """Reports of one state: results are added up, probes follow each other."""
        head = len(self.terms) + 4
        counts = (sum(map(int, each)) for each in zip(*(errand.words[head : head + 4] for errand in errands), strict=True))
        return Errand(self, [*errands[-1].words[:head], *counts, *(word for errand in errands for word in errand.words[head + 4 :])])

    def apart(self, reply: Any, count: int) -> list[Any]:
        return [reply] * count

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

    __slots__ = ("_lock", "core", "every", "ids", "issued", "lease", "limit", "members", "renewed_at")
    script = _core.SCRIPTS["bulkhead"]
    parts = ("bulkhead", "bulkhead-members")

    def __init__(self, store: Store, name: str, core: _core.Bulkhead, limit: int, lease: int) -> None:
        super().__init__(store, name)
        self.core = core
        self.limit = limit
        self.lease = lease
        #: How often it renews: well before a lease ends, and often enough to count as a member.
        self.every = min(lease // 3, ABSENCE // 3)
        self._lock = allocate_lock()
        #: The places, as the store knows them. They are all alike: whoever leaves, leaves one.
        self.ids: set[str] = set()
        self.issued = 0
        self.renewed_at = 0
        #: How many processes shared it when the store last said so; 0 before that.
        self.members = 0
        store._take_in(self)

    def go_away(self, now: int) -> None:
        pass

    def go_back(self, question: Errand, now: int) -> None:
        super().go_back(question, now)
        if self._strangers() > 0:
            self._hurry(now)

    def come_home(self, now: int) -> None:
        self.core.divide(self.members or self.store._fleet_size)

    def forget(self, now: int) -> None:
        self._lock = allocate_lock()
        self.ids = set()
        while self.core.look()[0]:
            self.core.leave()

    def has_notes(self) -> bool:
        left = self.renewal()
        return left is not None and left <= 0

    def look(self) -> Errand:
        with self._lock:
            return self._renew("bring")

    def errands(self) -> list[Errand]:
        if not self.has_notes():
            return []
        with self._lock:
            return [self._renew()]

    def enter(self) -> Errand:
        """Asks for a place."""
        return self._errand("enter", self._next())

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
        self.store._due(self.every / 1e6)
        return True

    def leave(self) -> list[Errand]:
        """A call is done; what tells the store of it."""
        with self._lock:
            self.core.leave()
            # Those of which the store does not know leave first.
            surplus = [self.ids.pop() for _ in range(-self._strangers())]
        return [self._errand("leave", *surplus)] if surplus and not self.store.is_lost else []

    def give_back(self, errand: Errand) -> list[Errand]:
        return [self._errand("leave", str(errand.words[-1]))]

    def renewal(self) -> float | None:
        running, _ = self.core.look()
        return (self.renewed_at + self.every - now()) / 1e6 if running and not self.store.is_lost else None

    def _hurry(self, now: int) -> None:
        """Renews at once."""
        self.renewed_at = now - self.every
        self.store._due(0.0)

    def _strangers(self) -> int:
        """How many calls run of which the store does not know: let in without it, or after their lease."""
        running, _ = self.core.look()
        return running - len(self.ids)

    def _next(self) -> str:
        self.issued += 1
        return f"{self.store._member}:{self.issued}"

    def _renew(self, op: str = "renew") -> Errand:
        """Names all calls that run. If there are any that the store does not know, it is to take in what is named."""
        self.renewed_at = now()
        if (count := self._strangers()) > 0:
            self.ids.update([self._next() for _ in range(count)])
            op = "bring"
        return self._errand(op, *self.ids)

    def _errand(self, op: str, *ids: str) -> Errand:
        return Errand(self, [self.limit, self.lease, self.store._member, len(self.ids), op, *ids])

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        admitted, _, _, _, members, is_unknown, *gone = numbers(reply, 6, has_more=True)
        errand.granted = admitted == 1
        self.members = max(1, members)
        with self._lock:
            # Their leases had ended, or they have left meanwhile.
            self.ids.difference_update(str(errand.words[FIRST_ID + place - 1]) for place in gone)
        if is_unknown:
            self._hurry(now)


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
        try:
            for store, errands in trips.items():
                store._trip(errands)
        except BaseException:
            forgo(call, asked)
            raise
        return granted(call, asked)

    async def ask_async(self, call: _core.Call) -> bool:
        asked, trips = self._trips(call)
        try:
            for store, errands in trips.items():
                await store._trip_async(errands)
        except BaseException:
            forgo(call, asked)
            raise
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


def forgo(call: _core.Call, asked: Errand | None) -> None:
    """The call ends on the way: it has nothing to hand back that the store did not grant."""
    if asked is not None and not asked.granted:
        call.refused_by_store()


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


def numbers(reply: Any, count: int, has_more: bool = False) -> list[int]:
    """A store's answer: so many numbers, or, if it `has_more`, so many at least."""
    if not isinstance(reply, (list, tuple)) or len(reply) < count or (len(reply) > count and not has_more):
        raise ValueError(f"the store answers {reply!r:.100}, allowed {count} whole numbers; is something else at its keys?")
    found = [int(number) for number in reply]
    if min(found) < 0:
        raise ValueError(f"the store answers {reply!r:.100}, allowed numbers from 0; is something else at its keys?")
    return found


#: Whom a script has not seen for so long (us) is no member.
ABSENCE = 60_000_000
#: Where the places stand in a bulkhead's command.
FIRST_ID = 5
#: Where in a budget's command stands what was noted.
ADDED, OWED = 6, 7
#: Stands for an option that is not there.
ABSENT = (1 << 64) - 1
