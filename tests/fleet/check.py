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
from scripts import MODES, NAMES
from sequences import CALLS
from stand_in import Store

SEQUENCES = 20_000
# The longest of them; a breaker has more states to go through.
STEPS = {"budget": 12, "breaker": 24, "bulkhead": 12, "throttle": 12}
BATCHES = 1_000
PROCESSES = 2
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
        for step in range(random.randint(2, STEPS[guard])):
            at = max(0, at + random.choice([0, 0, 1, scale // 100, scale // 10, scale // 3, scale + 1, -scale // 50]))
            if has_other_options and random.random() < 0.2:
                calls.change(scale)
            arguments = calls.next(reply)
            store.now = at
            reply, wanted = store.run(guard, arguments), expected.reply(arguments, at)
            if reply != wanted:
                sys.exit(f"fleet: {guard}, seed {seed}, sequence {n}, step {step} at {at}: {arguments} answers {reply}, the oracle {wanted}")
            seen["steps"] += 1
            if guard == "breaker":
                seen[("closed", "open", "half open")[reply[0]]] += 1
            elif guard != "throttle":
                seen["granted" if reply[0] else "not"] += 1
    return guard, seen


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
                sys.exit(f"fleet: batch {n} of seed {seed}: {at_once} are left of {start} after {parts} at once, {one_by_one} one by one")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", nargs="?", type=int, default=SEQUENCES)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    arguments = parser.parse_args()
    seen = {guard: Counter() for guard in NAMES}
    with ProcessPoolExecutor(PROCESSES) as pool:
        cases = pool.submit(vectors.check)
        compared = pool.submit(batches, arguments.seed, BATCHES)
        each = arguments.sequences // len(NAMES)
        parts = [pool.submit(sequences, guard, arguments.seed, range(part, each, PROCESSES)) for guard in NAMES for part in range(PROCESSES)]
        for part in parts:
            guard, found = part.result()
            seen[guard] += found
        print(f"fleet: {cases.result()} cases of the vectors agree, {compared.result()} batches leave no more than their parts")
    print(f"fleet: {each * len(NAMES)} random sequences agree: {sum(found['steps'] for found in seen.values())} steps")
    for guard, found in seen.items():
        steps = found.pop("steps")
        print(f"  {guard}: {steps} steps" + "".join(f", {count} {what}" for what, count in found.items()))
        # A sequence that never leaves its first state would show nothing.
        assert all(count > steps / 10 for count in found.values()), guard


if __name__ == "__main__":
    main()
