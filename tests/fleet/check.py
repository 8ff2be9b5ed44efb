"""The scripts of core/src/fleet take the same steps as the oracle's machines: the vectors of guards, random sequences of calls, batches.

    python3 tests/setup.py --python tests/fleet/check.py [SEQUENCES] [SEED]
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import Random

import scripts
import vectors
from expected import EXPECTED
from policy import MILLION, BudgetOptions
from scripts import MODES, NAMES, TEXTS
from sequences import CALLS
from stand_in import Store

# The longest of them; a breaker has more states to go through.
STEPS = {"budget": 7, "breaker": 18, "bulkhead": 8, "throttle": 6}
BATCHES = 400
PROCESSES = 2
LADDERS = 24
# A ladder has 64 rungs.
RUNGS = 66
DAY = 86_400 * MILLION
# The longest time that an option may be.
LONGEST = 87_600 * 3_600 * MILLION
# About how long a sequence takes: a millisecond, a minute, an hour.
SCALES = (1_000, 60 * MILLION, 3_600 * MILLION)
# An instant of these years, where microseconds take 51 bits.
THESE_DAYS = 1_760_000_000_000_000


def sequences(guard, seed, numbers):
    """What happened in these random sequences of calls: of each guard the steps, and what they came to."""
    store, seen = Store(), Counter()
    for n in numbers:
        random = Random(f"{guard} {seed} {n}")
        store.clear()
        scale = random.choice(SCALES)
        calls, expected, reply = CALLS[guard](random, scale), EXPECTED[guard](), None
        at = random.choice([0, THESE_DAYS])
        # A deployment that rolls: callers whose options differ.
        has_other_options = random.random() < 0.2
        # A server that another takes over for, which is behind, and one that loses what it kept.
        jumps = [0, 0, 1, scale // 100, scale // 10, scale // 3, scale, scale + 1, -scale // 50]
        if random.random() < 0.3:
            jumps += [-scale // 2, -2 * scale, -60 * MILLION, -60_000_001, -90 * MILLION, -DAY]
        for step in range(random.randint(2, STEPS[guard])):
            at = max(0, at + random.choice(jumps))
            if random.random() < 0.02:
                store.clear()
                expected = EXPECTED[guard]()
            if has_other_options and random.random() < 0.2:
                calls.change(scale)
            arguments = calls.next(reply)
            store.now = at
            reply, wanted = store.run(guard, arguments), expected.reply(arguments, at)
            if reply != wanted:
                where = f"{guard}, seed {seed}, sequence {n}, step {step} at {at}"
                sys.exit(f"fleet: {where}: {arguments} answers {reply}, the oracle {wanted}")
            # Other calls of a bulkhead may write nothing, or its members alone.
            if guard != "bulkhead" or reply[0] or reply[3]:
                end = store.ends[scripts.keys(guard, "n")[0]]
                assert end >= at + DAY + remembered(guard, arguments, reply) - 1_000, (guard, n, step, store.ends)
            seen["steps"] += 1
            if guard == "breaker":
                seen[("closed", "open", "half open")[reply[0]]] += 1
            elif guard != "throttle":
                seen["granted" if reply[0] else "not"] += 1
            if guard == "bulkhead":
                seen["lost"] += reply[5]
                seen["above the limit"] += reply[1] > int(arguments[0])
                seen["with places that are gone"] += len(reply) > 6
    return guard, seen


def remembered(guard, arguments, reply):
    """How long from now on a key still says something."""
    if guard == "breaker":
        return max(reply[3], int(arguments[1] or 0))
    return {"bulkhead": lambda: int(arguments[1]), "throttle": lambda: int(arguments[0]), "budget": lambda: 0}[guard]()


def ladders(seed, count):
    """Breakers whose probes fail again and again: how many openings were as long as the oracle's, up to where the ladder ends."""
    store, openings = Store(), 0
    for n in range(count):
        random = Random(f"ladder {seed} {n}")
        store.clear()
        expected, at, reply = EXPECTED["breaker"](), THESE_DAYS, [0] * 10
        options = {
            "window_calls": 1, "window_time": None, "min_calls": 1, "failure_rate": MILLION, "slow_after": None, "slow_rate": None,
            "initial": random.choice([1, 999, random.randrange(1, 2**20), random.randrange(1, 2**40)]),
            "factor": random.choice([MILLION, random.randrange(MILLION, 1_500_000), random.randrange(MILLION, 10 * MILLION)]),
            "max_delay": LONGEST, "jitter": random.choice(scripts.JITTERS), "probes": 1, "probe_timeout": DAY,
        }  # fmt: skip
        for _ in range(RUNGS):
            # A failure opens it; when it is half open, that of a probe does.
            rest = [0, 0, 1, 0] if reply[0] == 0 else [0, 0, 0, 0, reply[2], 1, 0]
            for op in ("report", "look", "permit"):
                arguments = scripts.breaker(options, op, reply[1], random.choice([0, 2**64 - 1, random.getrandbits(64)]), rest)
                store.now = at
                reply, wanted = store.run("breaker", arguments), expected.reply(arguments, at)
                if reply != wanted:
                    sys.exit(f"fleet: ladder {n} of seed {seed}, at {at}: {arguments} answers {reply}, the oracle {wanted}")
                # Until the probe may go, which is settled at once.
                at += reply[3] if op == "report" else 0
            # Instants stay below 2^53, those of the next 115 years.
            if at > 2**52 + 2**50:
                break
        openings += reply[9]
    return openings


def copies():
    """What tells the time in every script is the same in all."""
    first, last = "local function now()", "\nend\n"
    found = {text[text.index(first) : text.index(last, text.index(first))] for text in TEXTS.values()}
    assert len(found) == 1, found


def batches(seed, count):
    """A batch leaves no more tokens than any interleaving of its parts does: each deposit and withdrawal as a call of its own."""
    store = Store()
    for n in range(count):
        random = Random(f"batch {seed} {n}")
        options = BudgetOptions("n", random.choice(MODES), random.choice([1, 3, 10]), 0, 0, False, 0, random.choice([0, 2]), 10 * MILLION)
        start = random.randrange(12 * MILLION)
        added = [random.choice([100_000, MILLION, 5 * MILLION]) for _ in range(random.randrange(6))]
        owed = [random.choice([100_000, MILLION, 5 * MILLION]) for _ in range(random.randrange(6))]

        def left(*calls):
            store.clear()
            return [store.run("budget", scripts.budget(options, known=start, **call))[1] for call in calls][-1]

        at_once = left({"added": sum(added), "owed": sum(owed)})
        parts = [{"added": amount} for amount in added] + [{"owed": amount} for amount in owed]
        for _ in range(4):
            random.shuffle(parts)
            one_by_one = left({}, *parts)
            if at_once > one_by_one:
                sys.exit(f"fleet: batch {n} of seed {seed}: of {start}, {parts} at once leave {at_once}, one by one {one_by_one}")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", nargs="?", type=int, default=20_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    arguments = parser.parse_args()
    copies()
    seen = {guard: Counter() for guard in NAMES}
    with ProcessPoolExecutor(PROCESSES) as pool:
        cases = pool.submit(vectors.check)
        compared = pool.submit(batches, arguments.seed, BATCHES)
        openings = pool.submit(ladders, arguments.seed, LADDERS)
        each = arguments.sequences // len(NAMES)
        shares = [(guard, range(first, each, PROCESSES)) for guard in NAMES for first in range(PROCESSES)]
        for share in [pool.submit(sequences, guard, arguments.seed, numbers) for guard, numbers in shares]:
            guard, found = share.result()
            seen[guard] += found
        print(f"fleet: {cases.result()} cases of the vectors agree, {openings.result()} openings are as long as the ladder says,", end=" ")
        print(f"{compared.result()} batches leave no more than their parts")
    print(f"fleet: {each * len(NAMES)} random sequences agree: {sum(found['steps'] for found in seen.values())} steps")
    for guard, found in seen.items():
        steps = found.pop("steps")
        print(f"  {guard}: {steps} steps" + "".join(f", {count} {what}" for what, count in found.items()))
        # A sequence that never leaves its first state would show nothing.
        rarest = 30 if guard == "bulkhead" else 10
        assert all(count > steps / rarest for count in found.values()), guard


if __name__ == "__main__":
    main()
