"""A hedged call by gRPC A6 and SEMANTICS 10: a list of planned starts that failures pull nearer and servers push away."""

from draws import uniform, word

HEDGE_LANE = 3


class Race:
    def __init__(self, options, now, call_seed):
        self.delay, self.jitter, self.left = options["delay"], options["jitter"], options["attempts"]
        self.call_seed = call_seed
        self.now = now
        self.number = 0
        self.running = 0
        self.grid = self.due = now  # the next start without and with jitter
        self.over = False

    def step(self, now):
        self.now = max(self.now, now)
        if self.over or not (self.running or self.left):
            return {"do": "end", "value": 0}
        if not self.left:
            return {"do": "wait", "value": 0}
        if self.now < self.due:
            return {"do": "wait_until", "value": self.due}
        self.left -= 1
        self.number += 1
        self.running += 1
        self.grid += self.delay
        self.due = self.grid + uniform(word(self.call_seed, HEDGE_LANE, self.number), self.jitter)
        return {"do": "start", "value": self.number}

    def failed(self, now, pushback):
        self.now = max(self.now, now)
        self.running = max(0, self.running - 1)
        if pushback is not None and pushback < 0:
            self.left = 0
        else:
            self.grid = self.due = self.now + (pushback or 0)


def run(options, seed, steps):
    race = Race(options, steps[0]["at"], seed)
    for step in steps:
        if "step" in step:
            yield race.step(step["at"])
            continue
        if "failed" in step:
            race.failed(step["at"], step.get("pushback"))
        else:
            race.over = True
        yield {}
