"""What each call of a script should answer, by the oracle: its machines, told what the arguments say.

The oracle knows no batches and no options that change, so what these mean is written here:

- A call of a budget first adds all that it brings, clipped at the capacity, then takes what is owed, then asks: as often as it says, one
  after another. What a bucket owes and does not have is a debt, of its capacity at most; failures take no more than there is.
- A report to a breaker counts its results one by one: good ones first, then good but slow, failed, failed and slow ones.
- What a window of time remembers under another width counts as of now. A window of calls is cut to the caller's length; the other kind of
  window starts anew. What the probes that are settled make certain under the caller's options is decided at once.
- A breaker's clock that goes back by up to a minute makes no progress; one that goes back by more counts as it is. No breaker is open for longer
  from now on than the caller's longest time, and no probe is out for longer than the caller's timeout.
- A window of time goes on from its newest tenth; one that is ahead of the clock by more than its whole length counts as of now.
- A new breaker is of generation 0 if its caller knows none, else of the caller's and the lower half of the word, added up.
- Results of a closed breaker count for a caller that never heard of a generation, whichever there is.
- A bulkhead has seen a member for a minute after each of its calls. A call by one that it has not seen, though it has places, is one whose
  places the store lost: it is told so, and is not seen by that, so that it brings them. Places that such a member renews are in again, above
  the limit too, since those calls run. Of a member that it has seen, those are renewed that are in; it is told which others it named. What a
  member brings is in, whether it was seen or not.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

import breaker
from breaker import Breaker
from budget import Budget
from bulkhead import Bulkhead
from policy import MILLION, BudgetOptions
from scripts import JITTERS, MODES, OP, OUTCOMES, STATES
from throttle import Throttle

ABSENCE = 60_000_000
BACK = 60_000_000

# The word that jitters an opening comes from whoever reports; the machine's seed is that word.
breaker.word = lambda seed, lane, n: seed


class ExpectedBudget:
    def __init__(self):
        self.budget = None
        self.members = {}

    def reply(self, arguments, at):
        mode, capacity, per_second, ttl, member, known, added, owed, take, asks = arguments
        added, owed = int(added), int(owed)
        options = BudgetOptions("n", MODES[int(mode)], int(capacity), 0, 0, False, 0, int(per_second), int(ttl) or None)
        if self.budget is None:
            self.start(options, known and int(known), at)
        self.use(options, at)
        budget = self.budget
        budget.change(added, at)
        if options.mode == "window":
            budget.change(-owed, at)
        else:
            budget.tokens = max(-budget.options.capacity * MILLION if options.mode == "bucket" else 0, budget.tokens - owed)
        granted = [budget.take(int(take) // MILLION, at) is not None for _ in range(int(asks))]
        self.members = {name: seen for name, seen in (self.members | {member: at}).items() if -ABSENCE < seen - at <= ABSENCE}
        return [sum(granted), max(0, budget.balance(at)), len(self.members)]

    def start(self, options, known, at):
        self.budget = Budget(options)
        if known != "":
            if options.mode == "window":
                self.budget.change(known - options.min_per_second * options.ttl, at)
            else:
                self.budget.tokens = min(known, options.capacity * MILLION)

    def use(self, options, at):
        budget = self.budget
        if options.mode == "window" and is_of_now(options.ttl // 10, budget.options.ttl // 10, budget.part, at):
            budget.pass_time(at)
            budget.part = at // (options.ttl // 10)
            budget.changes = [(budget.part, sum(change for _, change in budget.changes))]
        budget.options = replace(options)


def is_of_now(width, was, newest, at):
    """Whether what a window of time remembers counts as of now: its tenths were of another width, or the newest is far ahead."""
    return width != was or newest - at // was > 10


class Numbered(Breaker):
    """Counts its changes of state, and the probes of each. Its window has a clock of its own, which never goes back."""

    generation = -1

    def become(self, state):
        super().become(state)
        self.generation = (self.generation + 1) % 2**32
        self.numbers = {}
        self.restart_window([])

    def restart_window(self, results):
        self.results, self.latest, self.dated = results, self.now, len(results)

    def counts(self):
        self.latest = max(self.latest, self.now)
        self.results[self.dated :] = [(self.latest, failed, slow) for _, failed, slow in self.results[self.dated :]]
        self.dated = len(self.results)
        now, self.now = self.now, self.latest
        found = super().counts()
        self.now = now
        return found


class ExpectedBreaker:
    def __init__(self):
        self.breaker = None

    def reply(self, arguments, at):
        op, generation, high, low, *rest = arguments[OP:]
        options = options_of(arguments)
        if self.breaker is None:
            self.breaker = Numbered(options, 0)
            self.breaker.generation = (int(generation) + int(low)) % 2**32 if generation else 0
        machine = self.breaker
        machine.seed = int(high) << 32 | int(low)
        self.use(options, at)
        number = 0
        if op == "permit":
            permit, _ = machine.permit(at)
            if permit and machine.state == "half_open":
                number = len(machine.numbers) + 1
                machine.numbers[number] = permit
        elif op == "report":
            self.report(generation, [int(word) for word in rest], at)
        seen = machine.look(at)
        figures = [seen[name] for name in ("retry_in", "calls", "failures", "slow", "trips", "probing")]
        return [STATES.index(seen["state"]), machine.generation, number, *figures, machine.opened]

    def report(self, generation, words, at):
        machine = self.breaker
        if generation not in (str(machine.generation), ""):
            return
        # Only a closed breaker issues permits without a number.
        era, numbers = machine.era if machine.state == "closed" else None, dict(machine.numbers) if generation else {}
        results = [("ok", 0), ("ok", 1), ("failed", 0), ("failed", 1)]
        for (outcome, elapsed), count in zip(results, words[:4], strict=True):
            for _ in range(count):
                machine.settle((era, object()), outcome, elapsed, at)
        for number, outcome, slow in zip(words[4::3], words[5::3], words[6::3], strict=True):
            if number in numbers:
                machine.settle(numbers[number], OUTCOMES[outcome], slow, at)

    def use(self, options, at):
        machine, before = self.breaker, self.breaker.options
        # Whether probes are overdue is for the caller's options to say.
        machine.options = options
        if machine.now > at + BACK:
            machine.now = at
        now = max(machine.now, at)
        if machine.state == "open":
            machine.until = min(machine.until, now + options["max_delay"])
        machine.out = {permit: min(issued, now) for permit, issued in machine.out.items()}
        machine.pass_time(at)
        if machine.state == "closed":
            if (options["window_time"] is None) != (before["window_time"] is None):
                machine.restart_window([])
            elif options["window_time"] is None:
                # The oracle keeps every result, the script those of the window before.
                machine.restart_window(machine.results[-min(options["window_calls"], before["window_calls"]) :])
            elif is_of_now(options["window_time"] // 10, width := before["window_time"] // 10, machine.latest // width, now):
                newest = max(machine.latest, now) // width
                kept = [result for result in machine.results if result[0] // width > newest - 10]
                machine.restart_window([(now, failed, slow) for _, failed, slow in kept])
        elif machine.state == "half_open" and options != before:
            machine.options = {**options, "probes": max(options["probes"], len(machine.results))}
            machine.judge()
            machine.options = options


def options_of(arguments):
    names = ("window_calls", "window_time", "min_calls", "failure_rate", "slow_rate", "initial", "factor", "max_delay", "jitter",
             "probes", "probe_timeout", "has_slow")  # fmt: skip
    options = {name: None if word == "" else int(word) for name, word in zip(names, arguments[:OP], strict=True)}
    has_slow = options.pop("has_slow")
    # What takes longer than that is slow: a result's `elapsed` is 1 if it is.
    return options | {"jitter": JITTERS[options["jitter"]], "slow_after": 0 if has_slow else None}


class ExpectedBulkhead:
    def __init__(self):
        self.bulkhead = Bulkhead({"limit": 0, "queue": 0})
        self.leases = {}
        self.members = {}

    def reply(self, arguments, at):
        limit, lease, member, held, op, *ids = arguments
        self.bulkhead.limit = int(limit)
        for name in [name for name, ends_at in self.leases.items() if ends_at <= at]:
            self.leave(name)
        self.members = {name: seen for name, seen in self.members.items() if seen > at - ABSENCE}
        was_seen = member in self.members
        must_bring = not was_seen and int(held) > 0 and op not in ("renew", "bring")
        if not must_bring:
            self.members[member] = at
        admitted, renewed, gone = False, [], []
        if op == "enter":
            (name,) = ids
            admitted = name in self.leases or self.bulkhead.enter(name)["entry"] == "admitted"
            self.leases |= {name: at + int(lease)} if admitted else {}
        elif op == "leave":
            for name in ids:
                self.leave(name)
        elif op in ("renew", "bring"):
            renewed = [name for name in ids if name in self.leases or not was_seen or op == "bring"]
            gone = [place for place, name in enumerate(ids, 1) if name not in renewed]
            self.leases |= dict.fromkeys(renewed, at + int(lease))
            self.bulkhead.inside.update(renewed)
        running = self.bulkhead.counts()["running"]
        retry_in = min(self.leases.values()) - at if running >= int(limit) else 0
        return [int(admitted), running, retry_in, len(renewed), len(self.members), int(must_bring), *gone]

    def leave(self, name):
        self.leases.pop(name, None)
        self.bulkhead.end(name)


class ExpectedThrottle:
    def __init__(self):
        self.throttle = None

    def reply(self, arguments, at):
        window, requests, accepts = map(int, arguments)
        if self.throttle is None:
            self.throttle = Throttle({"k": 2 * MILLION, "window": window}, 0)
        throttle, width = self.throttle, window // 10
        if is_of_now(width, throttle.width, throttle.now // throttle.width, at):
            kept = throttle.look(at)
            throttle.now, throttle.width = at, width
            throttle.requests, throttle.accepts = [at] * kept["requests"], [at] * kept["accepts"]
        throttle.now = max(throttle.now, at)
        throttle.requests += [throttle.now] * requests
        throttle.accepts += [throttle.now] * accepts
        seen = throttle.look(at)
        return [seen["requests"], seen["accepts"]]


EXPECTED = {"budget": ExpectedBudget, "breaker": ExpectedBreaker, "bulkhead": ExpectedBulkhead, "throttle": ExpectedThrottle}
