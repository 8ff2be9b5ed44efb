"""The vectors of guards, taken step by step by the scripts: what a script does not decide is the oracle's, or stands here."""

import json
import sys
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

import evaluate
import guard_options
import scripts
from draws import word
from policy import MILLION
from scripts import OUTCOMES, STATES
from stand_in import Store

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
BREAKER_LANE, THROTTLE_LANE = 2, 4


def files(pattern):
    for path in sorted(VECTORS.glob(pattern)):
        vectors = json.loads(path.read_text(encoding="utf-8"))
        if vectors["kind"] in STEPS:
            yield path.name, vectors


def check():
    """How many cases agreed."""
    # Their guards remember for ever.
    store, count = Store(forgets=False), 0
    for pattern in ("breaker-*.json", "budget-*.json", "bulkhead.json", "throttle-*.json"):
        for name, vectors in files(pattern):
            for case in vectors["cases"]:
                store.clear()
                found = list(STEPS[vectors["kind"]](store, case))
                wanted = [step["expect"] for step in case["steps"]]
                for step, (is_said, should) in enumerate(zip(found, wanted, strict=True)):
                    if is_said != {figure: should[figure] for figure in is_said}:
                        sys.exit(f"fleet: {name}, {case['name']}, step {step}: the script's {is_said}, the vector {should}")
                count += 1
    return count


def options_of(kind, case):
    options, problems = guard_options.read(kind, evaluate.exact(case["options"]))
    assert not problems
    return options


def breaker(store, case):
    options, seed, permits, opened = options_of("breaker", case), int(case["seed"]), {}, 0
    for step in case["steps"]:
        store.now = step["at"]
        op, generation, rest = "look", 0, []
        if "permit" in step:
            op = "permit"
        elif "settle" in step and permits[step["settle"]]:
            generation, number = permits[step["settle"]]
            slow = int(options["slow_after"] is not None and step.get("elapsed", 0) > options["slow_after"])
            outcome = OUTCOMES.index(step["outcome"])
            op, rest = "report", [0, 0, 0, 0]
            if number:
                rest += [number, min(outcome, 2), slow]
            elif outcome < 2:
                rest[2 * outcome + slow] = 1
        draw = word(seed, BREAKER_LANE, opened + 1)
        reply = store.run("breaker", scripts.breaker(options, op, generation, draw, rest))
        state, generation, number, retry_in, calls, failures, slow, trips, probing, opened = reply
        if op == "permit":
            granted = STATES[state] == "closed" or number > 0
            permits[step["permit"]] = (generation, number) if granted else None
            yield {"granted": granted, "retry_in": 0 if granted else retry_in}
        elif "settle" in step:
            yield {"state": STATES[state]}
        else:
            yield {"state": STATES[state], "calls": calls, "failures": failures, "slow": slow, "trips": trips, "probing": probing,
                   "retry_in": retry_in}  # fmt: skip


class ScriptBudget:
    """A budget of the oracle's calls, each of whose changes is a call of the script."""

    def __init__(self, store, options):
        self.store, self.options = store, options

    def run(self, now, **what):
        if now is not None:
            self.store.now = now
        return self.store.run("budget", scripts.budget(self.options, **what))

    def balance(self, now):
        return self.run(now)[1]

    def call_begins(self, now):
        if self.options.mode == "window":
            self.run(now, added=self.options.ratio)

    def attempt_failed(self, cost):
        if self.options.mode == "failures":
            self.run(None, owed=self.price(cost))

    def take(self, cost, now):
        mode = self.options.mode
        price = self.price(cost) if mode == "bucket" else MILLION if mode == "window" else 0
        return price if self.run(now, take=price)[0] else None

    def give_back(self, taken, now):
        self.run(now, added=taken)

    def call_succeeded(self, spent):
        refunds = self.options.mode == "bucket" and self.options.refund and spent is not None
        if self.options.mode != "window":
            self.run(None, added=spent if refunds else self.options.reward)

    def price(self, cost):
        return (self.options.cost if cost is None else cost) * MILLION


def shared(store, case):
    own = evaluate.own_budget
    evaluate.own_budget = lambda policy: ScriptBudget(store, policy.budget) if own(policy) else None
    try:
        for _, outcome, left in evaluate.shared_outcomes(evaluate.accepted(case), case):
            yield {**({} if outcome is None else evaluate.outcome_of(outcome)), "tokens": left["tokens"]}
    finally:
        evaluate.own_budget = own


def bulkhead(store, case):
    """Who waits, and in which order, is the caller's."""
    options, line = options_of("bulkhead", case), []

    def run(op, *ids):
        return store.run("bulkhead", scripts.bulkhead(options["limit"], MILLION, op, *ids))

    for step in case["steps"]:
        if "enter" in step:
            is_admitted, running, *_ = run("enter", step["enter"])
            waits = not is_admitted and len(line) < options["queue"]
            line += [step["enter"]] if waits else []
            yield {"entry": "admitted" if is_admitted else "waiting" if waits else "refused", "running": running}
        elif step["end"] in line:
            line.remove(step["end"])
            yield {"next": None, "running": run("look")[1]}
        else:
            before, running = run("look")[1], run("leave", step["end"])[1]
            admitted = line.pop(0) if line and running < before else None
            yield {"next": admitted, "running": run("enter", admitted)[1] if admitted else running}


def throttle(store, case):
    options, seed, asked = options_of("throttle", case), int(case["seed"]), 0
    for step in case["steps"]:
        store.now = step["at"]
        asks = "word" in step or "ask" in step
        asked += "ask" in step
        requests, accepts = store.run("throttle", scripts.texts(options["window"], int(asks), int("accepted" in step)))
        if asks:
            draw = int(step["word"]) if "word" in step else word(seed, THROTTLE_LANE, asked)
            before = requests - 1
            refusal = max(Fraction(0), (before - Fraction(options["k"], MILLION) * accepts) / (before + 1))
            yield {"allowed": not Fraction(draw, 2**64) < refusal}
        else:
            yield {"requests": requests, "accepts": accepts}


STEPS = {"breaker": breaker, "shared": shared, "bulkhead": bulkhead, "throttle": throttle}
