"""Client-side throttling as the SRE book has it (SEMANTICS 8.1): every request is kept, the probability is an exact fraction."""

from fractions import Fraction

from draws import word
from policy import MILLION

THROTTLE_LANE = 4
SLOTS = 10


class Throttle:
    def __init__(self, options, seed):
        self.k = Fraction(options["k"], MILLION)
        self.width = max(1, options["window"] // SLOTS)
        self.seed = seed
        self.asked = 0
        self.now = 0
        self.requests, self.accepts = [], []

    def recent(self, instants):
        return sum(at // self.width > self.now // self.width - SLOTS for at in instants)

    def chance_of_refusal(self):
        requests, accepts = self.recent(self.requests), self.recent(self.accepts)
        return max(Fraction(0), (requests - self.k * accepts) / (requests + 1))

    def allow(self, now, draw):
        self.now = max(self.now, now)
        refused = Fraction(draw, 2**64) < self.chance_of_refusal()
        self.requests.append(self.now)
        return not refused

    def ask(self, now):
        self.asked += 1
        return self.allow(now, word(self.seed, THROTTLE_LANE, self.asked))

    def accepted(self, now):
        self.now = max(self.now, now)
        self.accepts.append(self.now)

    def look(self, now):
        self.now = max(self.now, now)
        return {"requests": self.recent(self.requests), "accepts": self.recent(self.accepts)}


def run(options, seed, steps):
    throttle = Throttle(options, seed)
    for step in steps:
        at = step["at"]
        if "word" in step:
            yield {"allowed": throttle.allow(at, int(step["word"]))}
        elif "ask" in step:
            yield {"allowed": throttle.ask(at)}
        else:
            if "accepted" in step:
                throttle.accepted(at)
            yield throttle.look(at)
