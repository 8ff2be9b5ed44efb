"""Simulations: a herd of clients, traffic over an outage, chains over a lossy network, layers that retry each other.

Written from SEMANTICS 3.1, 11, 12 and 17 and from tests/README.md: every client is followed in the order of time by a heap, every call by
recursion, and the formula of the lossy network is a sum of fractions over its states.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush

import draws
from breaker import Breaker
from budget import Budget
from call import Call, Failure, GiveUp
from policy import MILLION

REASONS = ("cancelled", "inactive", "nested", "permanent", "not_idempotent", "class_attempts", "attempts", "hint_too_long", "timeout", "breaker_open", "budget")
MOST_ATTEMPTS = 1000
RETRIES = 16  # told apart; the last place has the later ones too
SERVER_LANE = 5
INNER_LANE = 6
GOOD, BAD = 0, 1


@dataclass(frozen=True)
class Herd:
    clients: int = 10_000
    window: int = 100_000
    windows: int = 1_200
    outage: int | None = None
    capacity: int | None = None
    processes: int = 1
    status: int = 503
    hint: int | None = None


def herd(policy, seed, options):
    budgets = [full(policy) for _ in range(options.processes)]
    calls = [Call(policy, 0, draws.call_seed(seed, client + 1), budget=budgets[client % options.processes]) for client in range(options.clients)]
    failure = Failure(domain="http", code=options.status, hint=options.hint)
    waiting = [(0, client, client) for client in range(options.clients)]
    put_in = options.clients
    gave_up, attempts, succeeded, unfinished, last_at = Counter(), 0, 0, 0, 0
    served, arrivals, by_retry = Counter(), Counter(), {}
    while waiting:
        now, _, client = heappop(waiting)
        call = calls[client]
        outcome = call.attempt(now)
        if isinstance(outcome, GiveUp):
            gave_up[outcome.reason] += 1
            continue
        attempts += 1
        last_at = now
        window = now // options.window
        if outcome.number > 1:
            arrivals[window] += 1
            by_retry.setdefault(min(outcome.number - 1, RETRIES), Counter())[window] += 1
            if options.outage is not None and now >= options.outage:
                served[window] += 1
                if options.capacity is None or served[window] <= options.capacity:
                    call.succeeded(now)
                    succeeded += 1
                    continue
        outcome = call.failed(now, failure)
        if isinstance(outcome, GiveUp):
            gave_up[outcome.reason] += 1
        elif call.failures >= MOST_ATTEMPTS or now + outcome.delay >= options.window * options.windows:
            unfinished += 1
        else:
            heappush(waiting, (now + outcome.delay, put_in, client))
            put_in += 1
    return {
        "clients": options.clients, "seed": str(seed), "window_us": options.window, "windows": options.windows, "outage_us": options.outage,
        "capacity": options.capacity, "processes": options.processes, "status": options.status, "hint_us": options.hint,
        "attempts": attempts, "succeeded": succeeded, "gave_up": reasons(gave_up), "unfinished": unfinished, "last_at_us": last_at,
        "peak": peak(arrivals, options.window),
        "peaks": [{"retry": retry, **peak(by_retry[retry], options.window)} for retry in sorted(by_retry)],
        "arrivals": [arrivals[window] for window in range(max(arrivals, default=-1) + 1)],
    }  # fmt: skip


def peak(arrivals, window):
    """The first of the fullest windows."""
    at, most = max(arrivals.items(), key=lambda found: (found[1], -found[0]), default=(0, 0))
    return {"at_us": at * window, "arrivals": most}


@dataclass(frozen=True)
class Outage:
    calls_per_second: object = 100
    duration: int = 60_000_000
    outage_at: int = 10_000_000
    outage: int = 20_000_000
    capacity: int | None = None
    window: int = 250_000
    processes: int = 1
    status: int = 503
    hint: int | None = None


FIRST, RETRIED, SERVED = 0, 1, 2


def outage(policy, seed, options):
    """Every event is in one list, by its instant; those that begin are in it from the start, so that they come first."""
    rate = Fraction(str(options.calls_per_second))
    fails = range(options.outage_at, options.outage_at + options.outage)
    begins = []
    while (at := int(len(begins) * MILLION / rate)) < options.duration:
        begins.append(at)
    budgets = [full(policy) for _ in range(options.processes)]
    breakers = [closed(policy, draws.call_seed(seed, process + 1)) for process in range(options.processes)]
    failure = Failure(domain="http", code=options.status, hint=options.hint)
    events = [(at, call, call) for call, at in enumerate(begins)]
    calls, outcomes, up, requests = {}, Counter(), Counter(), []
    put_in = len(begins)
    while events:
        now, _, number_of_call = heappop(events)
        if number_of_call not in calls:
            process = number_of_call % options.processes
            calls[number_of_call] = Call(
                policy, now, draws.call_seed(seed, number_of_call + 1), budget=budgets[process], breaker=breakers[process])
        call = calls[number_of_call]
        outcome = call.attempt(now)
        if isinstance(outcome, GiveUp):
            outcomes[outcome.reason] += 1
            continue
        window = now // options.window
        is_served = now not in fails
        if is_served:
            up[window] += 1
            is_served = options.capacity is None or up[window] <= options.capacity
        requests.append((now, RETRIED if outcome.number > 1 else FIRST, is_served))
        if is_served:
            call.succeeded(now)
            outcomes["succeeded"] += 1
            continue
        outcome = call.failed(now, failure)
        if isinstance(outcome, GiveUp):
            outcomes[outcome.reason] += 1
        elif call.failures >= MOST_ATTEMPTS or now + outcome.delay >= options.duration:
            outcomes["unfinished"] += 1
        else:
            heappush(events, (now + outcome.delay, put_in, number_of_call))
            put_in += 1
    windows = range(-(-options.duration // options.window))
    histogram = {kind: Counter(at // options.window for at, its, _ in requests if its == kind) for kind in (FIRST, RETRIED)}
    histogram[SERVED] = Counter(at // options.window for at, _, is_served in requests if is_served)
    all_in = Counter(at // options.window for at, _, _ in requests)
    top = peak(all_in, options.window)
    begun = sum(at in fails for at in begins)
    after = [window for window in windows if window * options.window >= fails.stop]
    from_here_on = [window for window in after if not any(not is_served and at >= window * options.window for at, _, is_served in requests)]
    return {
        "calls": len(begins), "seed": str(seed), "calls_per_second": number(options.calls_per_second), "duration_us": options.duration,
        "outage_at_us": options.outage_at, "outage_us": options.outage, "capacity": options.capacity, "window_us": options.window,
        "processes": options.processes, "status": options.status, "hint_us": options.hint, "attempts": len(requests),
        "total_retries": sum(kind == RETRIED for _, kind, _ in requests), "succeeded": outcomes["succeeded"], "gave_up": reasons(outcomes),
        "unfinished": outcomes["unfinished"], "peak": {"at_us": top["at_us"], "attempts": top["arrivals"]},
        "load_in_outage": number(Fraction(sum(at in fails for at, _, _ in requests) * MILLION // begun, MILLION)) if begun else None,
        "recovered_at_us": from_here_on[0] * options.window if from_here_on else None,
        **{name: [histogram[kind][window] for window in windows] for name, kind in (("first", FIRST), ("retries", RETRIED), ("served", SERVED))},
    }  # fmt: skip


@dataclass(frozen=True)
class Loss:
    """A channel; `h` and `k` are what gets through while it is bad and good."""
    p: object = Fraction(1, 100)
    r: object = Fraction(1, 10)
    h: object = Fraction(1, 2)
    k: object = 1
    calls: int = 10
    repeats: int = 1
    attempts: int = 3
    trials: int = 10_000


def loss(seed, options):
    through = {GOOD: of_2_32(options.k), BAD: of_2_32(options.h)}
    leaves = {GOOD: of_2_32(options.p), BAD: of_2_32(options.r)}
    succeeded = requests = lost = 0
    for trial in range(options.trials):
        channel = Channel(draws.call_seed(seed, trial + 1), through, leaves)
        succeeded += any(all(any(channel.request() for _ in range(options.attempts)) for _ in range(options.calls)) for _ in range(options.repeats))
        requests += channel.requests
        lost += channel.lost
    return {
        "p": number(options.p), "r": number(options.r), "h": number(options.h), "k": number(options.k), "calls": options.calls,
        "repeats": options.repeats, "attempts": options.attempts, "trials": options.trials, "seed": str(seed), "succeeded": succeeded,
        "by_formula": chance_of_a_chain(options, through, leaves), "requests": requests, "lost": lost,
    }  # fmt: skip


class Channel:
    def __init__(self, seed_of_trial, through, leaves):
        self.seed, self.through, self.leaves = seed_of_trial, through, leaves
        self.state, self.requests, self.lost = GOOD, 0, 0

    def request(self):
        self.requests += 1
        word = draws.word(self.seed, SERVER_LANE, self.requests)
        gets_through = word >> 32 < self.through[self.state]
        if word % 2**32 < self.leaves[self.state]:
            self.state = 1 - self.state
        self.lost += not gets_through
        return gets_through


def chance_of_a_chain(options, through, leaves):
    """To nine places. The chance of each state is followed from request to request: as whole numbers over a power of 2^32 at first,
    cut to 2^-256 at each step so that they stay short."""
    unit = 2**256
    chain = {GOOD: unit, BAD: 0}  # about to begin
    succeeded = 0
    for _ in range(options.repeats):
        starts, chain = chain, {GOOD: 0, BAD: 0}
        for _ in range(options.calls):
            before, starts = starts, {GOOD: 0, BAD: 0}
            for _ in range(options.attempts):
                asked, before = before, {GOOD: 0, BAD: 0}
                for state, chance in asked.items():
                    for after, moves in ((state, 2**32 - leaves[state]), (1 - state, leaves[state])):
                        starts[after] += chance * moves * through[state] // 2**64
                        before[after] += chance * moves * (2**32 - through[state]) // 2**64
            for state in chain:
                chain[state] += before[state]
        succeeded += sum(starts.values())
    return number(Fraction(round(Fraction(succeeded, unit) * 10**9), 10**9))


def of_2_32(share):
    return int(Fraction(str(share)) * 2**32)


def number(share):
    return float(share) if Fraction(str(share)).denominator > 1 else int(share)


@dataclass(frozen=True)
class Layers:
    layers: int = 3
    calls: int = 1_000
    failure_rate: object = 1
    status: int = 503
    hint: int | None = None


def layers(policy, seed, options):
    return Stack(policy, seed, options).run()


class Stack:
    def __init__(self, policy, seed, options):
        self.policy, self.seed, self.options = policy, seed, options
        self.budgets = [full(policy) for _ in range(options.layers)]
        self.fails_below = of_2_32(options.failure_rate)
        self.failure = Failure(domain="http", code=options.status, hint=options.hint)
        self.now = 0
        self.attempts = [0] * options.layers

    def run(self):
        outcomes, most = Counter(), 0
        for number_of_call in range(1, self.options.calls + 1):
            self.call_seed = draws.call_seed(self.seed, number_of_call)
            self.inner = self.requests = 0
            outcomes[self.call(0, self.call_seed)] += 1
            most = max(most, self.requests)
        at_bottom = self.attempts[-1]
        options = self.options
        return {
            "layers": options.layers, "calls": options.calls, "failure_rate": number(options.failure_rate), "status": options.status,
            "hint_us": options.hint, "seed": str(self.seed), "succeeded": outcomes[None], "gave_up": reasons(outcomes),
            "unfinished": outcomes["unfinished"], "attempts": self.attempts, "at_bottom": at_bottom, "most_at_bottom": most,
            "amplification": number(Fraction(at_bottom * MILLION // options.calls, MILLION)), "elapsed_us": self.now,
        }  # fmt: skip

    def call(self, layer, call_seed):
        """Why a call of this layer was given up, or None."""
        call = Call(self.policy, self.now, call_seed, budget=self.budgets[layer])
        while True:
            outcome = call.attempt(self.now)
            if isinstance(outcome, GiveUp):
                return outcome.reason
            self.attempts[layer] += 1
            if self.succeeds_below(layer):
                call.succeeded(self.now)
                return None
            outcome = call.failed(self.now, self.failure)
            if isinstance(outcome, GiveUp):
                return outcome.reason
            self.now += outcome.delay
            if call.failures >= MOST_ATTEMPTS:
                return "unfinished"

    def succeeds_below(self, layer):
        if layer + 1 < self.options.layers:
            self.inner += 1
            return self.call(layer + 1, draws.word(self.call_seed, INNER_LANE, self.inner)) is None
        self.requests += 1
        return draws.word(self.call_seed, SERVER_LANE, self.requests) >> 32 >= self.fails_below


def full(policy):
    return Budget(policy.budget) if policy.budget is not None and policy.budget.mode is not None else None


def closed(policy, seed):
    return Breaker(dict(policy.breaker.options), seed) if policy.breaker is not None and policy.breaker.options is not None else None


def reasons(counts):
    return {reason: counts[reason] for reason in REASONS}
