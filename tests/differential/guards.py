"""Random lives of breakers, throttles, bulkheads and hedges: small limits, so that their ends are met often."""

import policies

TIMES = 2**53 - 1


def case(dice):
    kind = dice.pick(("breaker", "breaker", "breaker", "throttle", "bulkhead", "hedge"))
    options, steps = LIVES[kind](dice)
    case = {"kind": kind, "options": options, "seed": str(dice.word()), "steps": steps}
    return case | {"budget": policies.budget(dice)} if kind == "hedge" and dice.chance(60) else case


def some(dice, percent, **choices):
    """Some of the options, each made only if it is taken."""
    return dice.shuffled({name: make() for name, make in choices.items() if dice.chance(percent)})


def us(value):
    return f"{value}us"


def decimal(millionths):
    return millionths / 1_000_000


class Clock:
    """Goes on by small and large steps, and now and then back."""

    def __init__(self, dice, step):
        self.dice, self.step = dice, step
        self.now = dice.magnitude(10**12) if dice.chance(50) else 0

    def tick(self):
        if self.dice.chance(3):
            return max(0, self.now - self.dice.up_to(self.step * 4))
        if self.dice.chance(70):
            self.now += self.dice.up_to(self.step * (20 if self.dice.chance(8) else 1))
        self.now = min(self.now, TIMES // 2)
        return self.now


def breaker(dice):
    window = {"window_time": us(dice.between(10, 4_000))} if dice.chance(40) else {"window_calls": dice.between(1, 12)}
    if dice.chance(3):
        window = {"window_calls": dice.between(60, 70)}
    most = window.get("window_calls", 8)
    initial = dice.between(1, 2_000)
    options = window | {"min_calls": dice.between(1, min(most, 6))} | some(
        dice, 60,
        failure_rate=lambda: decimal(dice.between(1, 1_000_000)),
        initial=lambda: us(initial),
        max_delay=lambda: us(dice.between(initial, 9_000)),
        factor=lambda: decimal(dice.between(1_000_000, 10_000_000)),
        jitter=lambda: dice.pick(("none", "full", "equal")),
        probes=lambda: dice.pick((1, 2, 3, 5, 16)),
        probe_timeout=lambda: us(dice.between(1, 3_000)),
    )
    if dice.chance(50):
        options |= {"slow_after": us(dice.between(1, 400))} | some(dice, 60, slow_rate=lambda: decimal(dice.between(1, 1_000_000)))
    clock, steps, asked = Clock(dice, 300), [], []
    bad = dice.pick((10, 50, 90))
    for n in range(dice.between(10, 120)):
        kind = dice.up_to(99)
        if kind < 45 or not asked:
            asked.append(str(n))
            steps.append({"at": clock.tick(), "permit": str(n)})
        elif kind < 85:
            # Mostly one of the last, each once; sometimes an old one, or one a second time.
            name = asked[-1 - dice.up_to(min(3, len(asked) - 1))] if dice.chance(80) else dice.pick(asked)
            if dice.chance(80) and len(asked) > 1:
                asked.remove(name)
            outcome = "failed" if dice.chance(bad) else dice.pick(("ok", "ok", "ok", "ok", "ignored", "dropped"))
            steps.append({"at": clock.tick(), "settle": name, "outcome": outcome, "elapsed": dice.up_to(600)})
        else:
            steps.append({"at": clock.tick(), "look": True})
    return options, steps


def throttle(dice):
    options = some(dice, 60, k=lambda: decimal(dice.between(1_000_000, 3_000_000)), window=lambda: us(dice.between(10, 9_000)))
    clock, steps = Clock(dice, 200), []
    good = dice.pick((5, 45, 95))
    for _ in range(dice.between(10, 100)):
        kind = dice.up_to(99)
        if kind < 55:
            steps.append({"at": clock.tick(), "ask": True})
        elif kind < 70:
            steps.append({"at": clock.tick(), "word": str(dice.word() >> dice.up_to(3))})
        elif kind < 95 and dice.chance(good):
            steps.append({"at": clock.tick(), "accepted": True})
        else:
            steps.append({"at": clock.tick(), "look": True})
    return options, steps


def bulkhead(dice):
    options = dice.shuffled({"limit": dice.between(1, 4), "queue": dice.up_to(5)})
    steps, known = [], []
    for n in range(dice.between(10, 80)):
        if dice.chance(55) or not known:
            known.append(str(n))
            steps.append({"at": 0, "enter": str(n)})
        else:
            steps.append({"at": 0, "end": known[dice.up_to(min(8, len(known) - 1))] if dice.chance(60) else dice.pick(known)})
            if len(known) > 6:
                known.pop(0)
    return options, steps


def hedge(dice):
    options = dice.shuffled({"delay": us(dice.up_to(1_000))} | some(
        dice, 60, attempts=lambda: dice.between(1, 8), jitter=lambda: us(dice.up_to(800))))
    clock, steps = Clock(dice, 400), [{"at": 0, "step": True}]
    steps[0]["at"] = clock.now
    for _ in range(dice.between(3, 40)):
        kind = dice.up_to(99)
        if kind < 70:
            steps.append({"at": clock.tick(), "step": True})
        elif kind < 97:
            pushback = dice.pick((None, None, None, 0, dice.up_to(2_000), -1 if dice.chance(20) else 5))
            steps.append({"at": clock.tick(), "failed": True, "pushback": pushback})
        else:
            steps.append({"at": clock.tick(), "succeed" if dice.chance(50) else "end": True})
    return options, steps


LIVES = {"breaker": breaker, "throttle": throttle, "bulkhead": bulkhead, "hedge": hedge}
