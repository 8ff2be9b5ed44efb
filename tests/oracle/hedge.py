"""A hedged call by gRPC A6 and SEMANTICS 10: a list of planned starts that failures pull nearer and servers push away."""

from draws import uniform, word

HEDGE_LANE = 3


class Race:
    def __init__(self, options, now, call_seed, budget=None):
        self.delay, self.jitter, self.left = options["delay"], options["jitter"], options["attempts"]
        self.call_seed = call_seed
        self.now = now
        self.number = 0
        self.running = 0
        self.grid = self.due = now  # the next start without and with jitter
        self.over = False
        self.budget = budget
        self.spent = None  # by the last attempt that was paid

    def step(self, now):
        self.now = max(self.now, now)
        if self.over or not (self.running or self.left):
            return {"do": "end", "value": 0}
        if not self.left:
            return {"do": "wait", "value": 0}
        if self.now < self.due:
            return {"do": "wait_until", "value": self.due}
        if not self.is_paid():
            self.left = 0
            return self.step(now)
        self.left -= 1
        self.number += 1
        self.running += 1
        self.grid += self.delay
        self.due = self.grid + uniform(word(self.call_seed, HEDGE_LANE, self.number), self.jitter)
        return {"do": "start", "value": self.number}

    def is_paid(self):
        """Every attempt but the first is paid as a retry is."""
        if self.budget is None:
            return True
        if self.number == 0:
            self.budget.call_begins(self.now)
            return True
        taken = self.budget.take(None, self.now)
        if taken is not None:
            self.spent = taken
        return taken is not None

    def succeeded(self, now):
        self.now = max(self.now, now)
        if self.budget is not None and not self.over:
            self.budget.call_succeeded(self.spent)
        self.over = True

    def failed(self, now, pushback):
        self.now = max(self.now, now)
        if self.budget is not None:
            self.budget.attempt_failed(None)
        self.running = max(0, self.running - 1)
        if pushback is not None and pushback < 0:
            self.left = 0
        else:
            self.grid = self.due = self.now + (pushback or 0)


def run(options, seed, steps, budget=None):
    """What each step comes to, and what the budget has left then, if there is one."""
    race = Race(options, steps[0]["at"], seed, budget)
    for step in steps:
        found = {}
        if "step" in step:
            found = race.step(step["at"])
        elif "failed" in step:
            race.failed(step["at"], step.get("pushback"))
        elif "succeed" in step:
            race.succeeded(step["at"])
        else:
            race.over = True
        yield found if budget is None else {**found, "tokens": budget.balance(step["at"])}
