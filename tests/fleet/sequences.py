"""Random calls of the scripts: each a guard's arguments, made from what its last reply said."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

import scripts
from draws import word
from policy import MILLION, BudgetOptions
from scripts import STATES

BREAKER_LANE = 2


def budget_options(random, scale):
    """`scale` is about how long the sequence takes; a budget's window is 1 s at least."""
    ttl = random.choice([1, 1, 2, 10, 60]) * MILLION + random.choice([0, 0, 1, 9])
    capacity = random.choice([1, 2, 5, 10, 1_000_000])
    return BudgetOptions("n", random.choice(scripts.MODES), capacity, 0, 0, False, 0, random.choice([0, 1, 3, 1_000_000]), ttl)


def breaker_options(random, scale):
    most = random.choice([1, 2, 3, 4, 7, 20])
    by_time = random.random() < 0.5
    has_slow = random.random() < 0.5
    initial = max(1, random.choice([1, scale // 20, scale // 20 + 7, scale // 3]))
    if random.random() < 0.1 and scale >= MILLION:
        initial = random.randrange(1, 87_600 * 3_600 * MILLION)
    return {
        "window_calls": None if by_time else most,
        "window_time": max(10, random.choice([10, scale // 8, scale // 3 + 3, scale])) if by_time else None,
        "min_calls": random.randint(1, most),
        "failure_rate": random.choice([1, 200_000, 333_333, 500_000, 500_000, 999_999, MILLION]),
        "slow_after": 0 if has_slow else None,
        # One without `slow_after` says nothing.
        "slow_rate": random.choice([250_000, 666_667, MILLION]) if has_slow or random.random() < 0.3 else None,
        "initial": initial,
        "factor": random.choice([MILLION, 1_000_001, 1_500_000, 2 * MILLION, 3_141_593, 10 * MILLION]),
        "max_delay": initial * random.choice([1, 3, 50]) if initial < 2**30 else 87_600 * 3_600 * MILLION,
        "jitter": random.choice(scripts.JITTERS),
        "probes": random.choice([1, 2, 3, 3, 16]),
        "probe_timeout": max(1, random.choice([1, scale // 10, scale])),
    }


class BudgetCalls:
    def __init__(self, random, scale):
        self.random, self.options = random, budget_options(random, scale)
        self.member = str(random.randrange(4))
        self.known = random.choice([None, 0, 500_000, 3 * MILLION])

    def change(self, scale):
        mode = self.options.mode
        self.options = BudgetOptions(**{**vars(budget_options(self.random, scale)), "mode": mode})

    def next(self, reply):
        random = self.random
        if reply is not None:
            self.known = reply[1]
        added, owed = (random.choice([0, 0, 1, 100_000, 200_000, MILLION, 5 * MILLION]) for _ in range(2))
        take = random.choice([None, MILLION, MILLION, 2 * MILLION])
        if self.options.mode == "window":
            take = take and MILLION
        member = self.member if random.random() < 0.8 else str(random.randrange(4))
        return scripts.budget(self.options, member, self.known, added, owed, take, random.choice([1, 1, 2, 7, 100]))


class BreakerCalls:
    def __init__(self, random, scale):
        self.random, self.options = random, breaker_options(random, scale)
        self.seed = random.getrandbits(64)
        self.issued = []

    def change(self, scale):
        self.options = breaker_options(self.random, scale)

    def next(self, reply):
        random = self.random
        state, generation, number, *_, opened = reply or [0, random.choice([None, 0, 2**32 - 1]), 0, 0]
        if number:
            self.issued.append((generation, number))
        draw = word(self.seed, BREAKER_LANE, opened + 1)
        if random.random() < 0.02:
            draw = random.choice([0, 2**64 - 1, 2**32 - 1, 2**32])
        op = random.choice(["look", "permit", "report", "permit" if STATES[state] == "half_open" else "report"])
        if op != "report":
            return scripts.breaker(self.options, op, generation, draw)
        has_slow = self.options["slow_after"] is not None
        rest = [random.choice([0, 0, 1, 1, 2, 5]) for _ in range(4)]
        if not has_slow:
            rest[1] = rest[3] = 0
        # Some of another generation, some settled twice, some never issued.
        probes = [probe for probe in self.issued if probe[0] == generation or random.random() < 0.1]
        for issued in random.sample(probes, min(len(probes), random.choice([1, 1, 2, 3]))):
            rest += [issued[1], random.choice([0, 0, 0, 1, 2]), int(has_slow and random.random() < 0.3)]
            if random.random() < 0.9:
                self.issued.remove(issued)
        if random.random() < 0.05:
            rest += [random.choice([0, 99]), 1, 0]
        if random.random() < 0.2:
            generation = random.choice([None, max(0, (generation or 0) - 1)])
        return scripts.breaker(self.options, op, generation, draw, rest)


class BulkheadCalls:
    def __init__(self, random, scale):
        self.random, self.limit, self.lease = random, random.choice([1, 2, 4]), max(1, random.choice([1, scale // 10, scale // 2]))

    def change(self, scale):
        self.__init__(self.random, scale)

    def next(self, reply):
        random = self.random
        op = random.choice(("enter", "enter", "enter", "leave", "renew", "renew", "bring", "look"))
        count = {"enter": 1, "look": 0}.get(op, random.randrange(1, 4))
        ids = [str(random.randrange(8)) for _ in range(count)]
        member, held = str(random.randrange(3)), random.choice([0, 1, 3])
        return scripts.bulkhead(self.limit, self.lease, op, *dict.fromkeys(ids), member=member, held=held)


class ThrottleCalls:
    def __init__(self, random, scale):
        self.random, self.window = random, max(10, random.choice([10, 19, scale // 4, scale]))

    def change(self, scale):
        self.__init__(self.random, scale)

    def next(self, reply):
        return scripts.texts(self.window, self.random.choice([0, 1, 1, 7]), self.random.choice([0, 1, 3]))


CALLS = {"budget": BudgetCalls, "breaker": BreakerCalls, "bulkhead": BulkheadCalls, "throttle": ThrottleCalls}
