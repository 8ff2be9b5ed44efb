"""A breaker, as SEMANTICS 9 wants it: every result is kept, and everything is counted anew each time."""

from ceilings import ladder
from draws import uniform, word
from policy import MILLION

BREAKER_LANE = 2
SLOTS = 10


class Breaker:
    def __init__(self, options, seed):
        self.options = options
        self.seed = seed
        self.now = 0
        self.trips = 0  # since it was last closed
        self.opened = 0  # ever
        self.become("closed")

    def become(self, state):
        """Nothing of the state before counts any more, nor do permits issued in it."""
        self.state = state
        self.results = []  # (instant, failed, slow)
        self.out = {}  # permit: instant of issue
        self.era = object()

    def pass_time(self, now):
        self.now = max(self.now, now)
        if self.state == "open" and self.now >= self.until:
            self.become("half_open")
        if self.state == "half_open":
            timeout = self.options["probe_timeout"]
            self.out = {permit: at for permit, at in self.out.items() if self.now < at + timeout}

    def permit(self, now):
        """(permit, None) or (None, retry_in)."""
        self.pass_time(now)
        retry_in = self.retry_in()
        if retry_in is not None:
            return None, retry_in
        permit = (self.era, object())
        if self.state == "half_open":
            self.out[permit] = self.now
        return permit, None

    def retry_in(self):
        """None if a call may go."""
        if self.state == "open":
            return self.until - self.now
        if self.state == "half_open" and len(self.out) + len(self.results) >= self.options["probes"]:
            return min(self.out.values()) + self.options["probe_timeout"] - self.now
        return None

    def settle(self, permit, outcome, elapsed, now):
        self.pass_time(now)
        if permit[0] is not self.era:
            return
        if self.state == "half_open" and self.out.pop(permit, None) is None:
            return
        if outcome in ("ignored", "dropped"):
            return
        slow_after = self.options["slow_after"]
        self.results.append((self.now, outcome == "failed", slow_after is not None and elapsed > slow_after))
        self.judge()

    def judge(self):
        calls, failures, slow = self.counts()
        if self.state == "closed":
            if calls >= self.options["min_calls"] and self.is_too_much(failures, slow, calls):
                self.open()
            return
        probes = self.options["probes"]
        if self.is_too_much(failures, slow, probes):
            self.open()
            return
        to_come = probes - calls
        could_be_slow = to_come if self.options["slow_after"] is not None else 0
        if not self.is_too_much(failures + to_come, slow + could_be_slow, probes):
            self.trips = 0
            self.become("closed")

    def is_too_much(self, failures, slow, calls):
        slow_rate = self.options["slow_rate"]  # a policy's has none where nothing is slow
        many_slow = slow_rate is not None and slow * MILLION >= slow_rate * calls
        return failures * MILLION >= self.options["failure_rate"] * calls or many_slow

    def counts(self):
        """Calls, failures and slow calls that count now."""
        counted = self.results
        if self.state == "closed":
            most, window = self.options["window_calls"], self.options["window_time"]
            if window is None:
                counted = counted[-most:]
            else:
                width = max(1, window // SLOTS)
                counted = [result for result in counted if result[0] // width > self.now // width - SLOTS]
        return len(counted), sum(failed for _, failed, _ in counted), sum(slow for _, _, slow in counted)

    def open(self):
        self.trips += 1
        self.opened += 1
        initial, factor, most = (self.options[name] for name in ("initial", "factor", "max_delay"))
        rungs = ladder(initial, factor, most)
        c = rungs[min(self.trips, len(rungs)) - 1]
        draw = word(self.seed, BREAKER_LANE, self.opened)
        delay = {"none": c, "full": uniform(draw, c), "equal": c - uniform(draw, c // 2)}[self.options["jitter"]]
        self.become("open")
        self.until = self.now + delay

    def look(self, now):
        self.pass_time(now)
        calls, failures, slow = self.counts()
        return {"state": self.state, "calls": calls, "failures": failures, "slow": slow, "trips": self.trips,
                "probing": len(self.out), "retry_in": self.retry_in() or 0}


def run(options, seed, steps):
    """What each step comes to; permits go by the names that the steps give them."""
    breaker, permits = Breaker(options, seed), {}
    for step in steps:
        if "permit" in step:
            permit, retry_in = breaker.permit(step["at"])
            permits[step["permit"]] = permit
            yield {"granted": permit is not None, "retry_in": retry_in or 0}
        elif "settle" in step:
            permit = permits[step["settle"]]
            if permit:
                breaker.settle(permit, step["outcome"], step.get("elapsed", 0), step["at"])
            yield {"state": breaker.look(step["at"])["state"]}
        else:
            yield breaker.look(step["at"])
