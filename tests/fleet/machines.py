"""The scripts of core/src/fleet take the same steps as the rules: `machines.py [SEQUENCES]`, in the virtual environment.

They run in Lua 5.1 under a virtual clock. What they should answer comes from the oracle, which was written from the specification, and
from the vectors; from neither the core nor the scripts.
"""

import itertools
import json
import sys
from decimal import Decimal
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "oracle"), str(TESTS / "differential"), str(Path(__file__).resolve().parent)]

import breaker as breakers  # noqa: E402
import guard_options  # noqa: E402
import guards  # noqa: E402
import throttle as throttles  # noqa: E402
from budget import Budget  # noqa: E402
from dice import Dice  # noqa: E402
from draws import word  # noqa: E402
from keys import Keys, Scripts  # noqa: E402
from policy import MILLION, BudgetOptions  # noqa: E402

SEED = 1
STATES = ["closed", "open", "half_open"]
JITTERS = ["none", "full", "equal"]
OUTCOMES = {"ok": 0, "failed": 1, "ignored": 2, "dropped": 2}
MODES = ["bucket", "failures", "window"]
SCRIPTS = Scripts()


class Breaker:
    """The script, driven by the steps of a vector."""

    def __init__(self, options, seed):
        absent = {"window_calls": "", "window_time": "", "slow_rate": ""}
        names = ("window_calls", "window_time", "min_calls", "failure_rate", "slow_rate", "initial", "factor", "max_delay")
        self.terms = [absent.get(name) if options[name] is None else options[name] for name in names]
        self.terms += [JITTERS.index(options["jitter"]), options["probes"], options["probe_timeout"], int(options["slow_after"] is not None)]
        self.slow_after = options["slow_after"]
        self.seed, self.opened = seed, 0
        self.permits = {}
        self.keys = Keys(SCRIPTS)

    def ask(self, at, what, generation, *rest):
        self.keys.now = at
        drawn = word(self.seed, breakers.BREAKER_LANE, self.opened + 1)
        names = ("state", "generation", "number", "retry_in", "calls", "failures", "slow", "trips", "probing", "opened")
        told = dict(
            zip(names, self.keys.run("breaker", ["b"], *self.terms, what, generation, drawn >> 32, drawn & 0xFFFFFFFF, *rest), strict=True)
        )
        self.opened = told["opened"]
        return told

    def is_slow(self, step):
        return self.slow_after is not None and step.get("elapsed", 0) > self.slow_after

    def step(self, step):
        if "permit" in step:
            told = self.ask(step["at"], "permit", 0)
            is_granted = told["state"] == 0 or told["number"] > 0
            self.permits[step["permit"]] = (told["generation"], told["number"]) if is_granted else None
            return {"granted": is_granted, "retry_in": 0 if is_granted else told["retry_in"]}
        if "settle" in step:
            generation, number = self.permits[step["settle"]] or (-1, 0)
            outcome, is_slow = OUTCOMES[step["outcome"]], self.is_slow(step)
            counts = [0, 0, 0, 0]
            probe = [number, outcome, int(is_slow)] if number else []
            if not number and outcome < 2:
                counts[2 * outcome + is_slow] = 1
            return {"state": STATES[self.ask(step["at"], "report", generation, *counts, *probe)["state"]]}
        told = self.ask(step["at"], "look", 0)
        names = ("calls", "failures", "slow", "trips", "probing", "retry_in")
        return {"state": STATES[told["state"]]} | {name: told[name] for name in names}


def read(guard, written):
    """As the options of a case are read: numbers exact."""
    return guard_options.read(guard, json.loads(json.dumps(written), parse_float=Decimal))


def check_breaker(options, seed, steps, expected):
    machine = Breaker(options, seed)
    for at, (step, wanted) in enumerate(zip(steps, expected, strict=True)):
        said = machine.step(step)
        same(wanted, said, f"step {at}, {step}, of a breaker with {options}")


def breaker_vectors():
    number = 0
    for path in sorted((TESTS / "vectors").glob("breaker-*.json")):
        vectors = json.loads(path.read_text(), parse_float=Decimal)
        for case in vectors["cases"] if vectors["kind"] == "breaker" else []:
            options, _ = guard_options.read("breaker", case["options"])
            check_breaker(options, int(case["seed"]), case["steps"], [step["expect"] for step in case["steps"]])
            number += 1
    return number


def breaker_lives(sequences):
    for case in range(sequences):
        dice = Dice(SEED, case)
        written, steps = guards.breaker(dice)
        options, _ = read("breaker", written)
        seed = dice.word()
        check_breaker(options, seed, steps, breakers.run(options, seed, steps))


def breaker_ceilings(sequences):
    """What it is open for, with options of any size: the exact product, and the exact share of it."""
    for case in range(sequences):
        dice = Dice(SEED + 1, case)
        initial = dice.magnitude(315_360_000_000_000)
        options, problems = guard_options.read("breaker", {
            "window_calls": 1, "min_calls": 1, "initial": f"{initial}us", "max_delay": f"{max(initial, dice.magnitude(315_360_000_000_000))}us",
            "factor": Decimal(dice.between(MILLION, 10 * MILLION)) / MILLION, "jitter": dice.pick(JITTERS), "probes": 1,
        })  # fmt: skip
        assert not problems, problems
        steps, at = [], 0
        for trip in range(dice.between(1, 9)):
            steps += [{"at": at, "permit": str(trip)}, {"at": at, "settle": str(trip), "outcome": "failed"}, {"at": at, "look": True}]
            # Beyond what a clock says; then the next probe fails.
            at += 315_360_000_000_000
        seed = dice.word()
        check_breaker(options, seed, steps, breakers.run(options, seed, steps))


def breaker_batches(sequences):
    """Several results in one report are those results one after another: first what did not fail, then what did."""
    for case in range(sequences):
        dice = Dice(SEED + 2, case)
        written, _ = guards.breaker(dice)
        options, _ = read("breaker", written)
        seed = dice.word()
        machine, oracle, at = Breaker(options, seed), breakers.Breaker(options, seed), 0
        for _ in range(dice.between(1, 8)):
            at += dice.up_to(500)
            counts = [dice.up_to(dice.pick((0, 3, 20))) for _ in range(4)]
            if options["slow_after"] is None:
                counts[1] = counts[3] = 0
            oracle.pass_time(at)
            era = oracle.era
            generation = machine.ask(at, "look", 0)["generation"]
            if oracle.state == "closed":
                for kind, count in enumerate(counts):
                    for _ in range(count):
                        elapsed = options["slow_after"] + 1 if kind % 2 else 0
                        oracle.settle((era, object()), "failed" if kind >= 2 else "ok", elapsed, at)
            machine.ask(at, "report", generation, *counts)
            same(oracle.look(at), machine.step({"at": at, "look": True}), f"a report of {counts} to a breaker with {options}")


def random_budget(dice):
    mode = dice.pick(MODES)
    if mode == "window":
        ttl = dice.between(10, 4_000)
        return BudgetOptions("b", mode, capacity=1, min_per_second=dice.up_to(3), ttl=ttl, ratio=0)
    return BudgetOptions("b", mode, capacity=dice.between(1, 12), cost=dice.up_to(5), min_per_second=0, ttl=10)


class BudgetScript:
    def __init__(self, options):
        self.keys = Keys(SCRIPTS)
        self.terms = [MODES.index(options.mode), options.capacity, options.min_per_second, options.ttl]

    def ask(self, at, added=0, owed=0, take="", known="", member="m"):
        self.keys.now = at
        return self.keys.run("budget", ["b", "m"], *self.terms, member, known, added, owed, take)


def budget_lives(sequences):
    """One thing at a time: what the rules do at a call's begin, failure, retry and success."""
    for case in range(sequences):
        dice = Dice(SEED + 3, case)
        options = random_budget(dice)
        script, oracle, at = BudgetScript(options), Budget(options), dice.magnitude(10**15)
        for _ in range(dice.between(5, 60)):
            at += dice.up_to(options.ttl // 3)
            kind = dice.up_to(9)
            if kind < 4:
                cost = dice.up_to(4)
                taken = oracle.take(cost, at)
                price = {"bucket": cost * MILLION, "failures": 0, "window": MILLION}[options.mode]
                wanted, said = int(taken is not None), script.ask(at, take=price)
            elif kind < 7:
                change = dice.up_to(2 * MILLION)
                oracle.give_back(change, at)
                wanted, said = 0, script.ask(at, added=change)
            else:
                change = dice.up_to(3) * MILLION
                if options.mode == "window":
                    oracle.change(-change, at)
                else:
                    oracle.tokens = max(0, oracle.tokens - change)
                wanted, said = 0, script.ask(at, owed=change)
            same([wanted, oracle.balance(at), 1], said, f"a budget with {options}")


def budget_batches(sequences):
    """What is told together leaves no more than the same things in any order, one by one."""
    for case in range(sequences):
        dice = Dice(SEED + 4, case)
        options = random_budget(dice)
        at, before = 10**15, dice.up_to(6) * MILLION
        changes = [dice.pick((1, -1)) * dice.up_to(4 * MILLION) for _ in range(dice.between(1, 4))]
        together = BudgetScript(options)
        together.ask(at, owed=before)
        _, left, _ = together.ask(at, added=sum(c for c in changes if c > 0), owed=-sum(c for c in changes if c < 0))
        for order in itertools.permutations(changes):
            apart = BudgetScript(options)
            _, tokens, _ = apart.ask(at, owed=before)
            for change in order:
                _, tokens, _ = apart.ask(at, added=max(0, change), owed=max(0, -change))
            assert left <= tokens, f"{changes} after {before} leave {left} together and {tokens} as {order}, in a budget with {options}"


def budget_memory():
    """A server that has forgotten goes on with what it said last; members that are not heard of leave."""
    for mode, options in {
        "bucket": BudgetOptions("b", "bucket", capacity=10, min_per_second=0, ttl=10),
        "window": BudgetOptions("b", "window", capacity=1, min_per_second=2, ttl=50),
    }.items():
        script = BudgetScript(options)
        same([1, 2 * MILLION, 1], script.ask(10**15, take=MILLION, known=3 * MILLION), f"a {mode} that was forgotten")
        same([0, 2 * MILLION, 1], script.ask(10**15, known=9 * MILLION), f"a {mode} that is known")
    script = BudgetScript(BudgetOptions("b", "bucket", capacity=10, min_per_second=0, ttl=10))
    same([0, 10 * MILLION, 1], script.ask(10**15, known=50 * MILLION), "a bucket that was larger before")
    came = (("a", 0), ("b", 1), ("a", 30_000_000), ("c", 59_999_999), ("c", 60_000_001), ("c", 90_000_000))
    members = [script.ask(10**15 + 1 + after, member=member)[2] for member, after in came]
    same([2, 3, 3, 3, 2, 1], members, "members, m among them, each for a minute")


def throttle_lives(sequences):
    for case in range(sequences):
        dice = Dice(SEED + 5, case)
        written, steps = guards.throttle(dice)
        options, _ = read("throttle", written)
        keys, oracle, latest = Keys(SCRIPTS), throttles.Throttle(options, 1), 0
        for step in steps:
            more = (0, 1) if "accepted" in step else (0, 0) if "look" in step else (1, 0)
            # The clock of a server that goes back makes no progress, in the script as in the rules.
            keys.now = step["at"]
            latest = max(latest, step["at"])
            if more[0]:
                oracle.allow(latest, 0)
            elif more[1]:
                oracle.accepted(latest)
            found = oracle.look(latest)
            same([found["requests"], found["accepts"]], keys.run("throttle", ["t"], options["window"], *more), f"a throttle with {options}")


def bulkhead_lives(sequences):
    """Leases of any length against a list of who is in and until when."""
    for case in range(sequences):
        dice = Dice(SEED + 6, case)
        keys, limit, lease = Keys(SCRIPTS), dice.between(1, 4), dice.between(1, 400)
        inside, at = {}, dice.magnitude(10**15)
        for number in range(dice.between(10, 60)):
            at += dice.up_to(150)
            keys.now = at
            inside = {name: until for name, until in inside.items() if until > at}
            what = dice.pick(("enter", "enter", "leave", "renew", "look"))
            names = [f"i{number}"] if what == "enter" else [f"i{dice.up_to(number)}" for _ in range(dice.up_to(3))] if what != "look" else []
            admitted = renewed = 0
            if what == "enter" and len(inside) < limit:
                inside[names[0]], admitted = at + lease, 1
            for name in names if what == "leave" else ():
                inside.pop(name, None)
            for name in names if what == "renew" else ():
                if name in inside:
                    inside[name], renewed = at + lease, renewed + 1
            wanted = [admitted, len(inside), min(inside.values(), default=at) - at, renewed]
            same(wanted, keys.run("bulkhead", ["h"], limit, lease, what, *names), f"{what} {names} of a bulkhead of {limit}")


def same(wanted, said, of_what):
    if wanted != said:
        sys.exit(f"{of_what}:\n  the rules  {wanted}\n  the script {said}")


def main():
    sequences = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    vectors = breaker_vectors()
    assert vectors > 20, vectors
    budget_memory()
    for lives in (breaker_lives, breaker_ceilings, breaker_batches, budget_lives, budget_batches, throttle_lives, bulkhead_lives):
        lives(sequences)
    print(f"fleet scripts: {vectors} vectors of breakers and 7 times {sequences} random lives, every step as the rules have it")


main()
