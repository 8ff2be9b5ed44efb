"""generate.py [N [SEED [OUT]]]: N random cases as JSON lines; the same for the same N and SEED on every machine.

Of 100 cases about 66 are sessions, 10 calls that share a budget or a breaker, 8 lives of guards, 5 refusals, 4 schedules, 3 dumps, 3 hints, 1 classification.
"""

import json
import sys
from multiprocessing import Pool

from dice import Dice
import failures
import guards
import headers
import policies


def case(dice):
    kind = dice.up_to(99)
    if kind < 8:
        return guards.case(dice)
    if kind < 18:
        return failures.shared(dice, *policies.sharing(dice))
    if kind < 84:
        return failures.session(dice, *policies.right(dice))
    if kind < 89:
        policy, problems = policies.wrong(dice)
        return {"kind": "refusal", "policy": policy, "expect": [f"{code}@{pointer}" for code, pointer in problems]}
    if kind < 93:
        policy, compiled = policies.right(dice)
        attempts = dice.between(66, 130) if dice.chance(5) else dice.between(1, 30)
        return {"kind": "schedule", "policy": policy, "call_seed": str(dice.word()), "attempts": attempts}
    if kind < 96:
        return {"kind": "dump", "policy": policies.right(dice)[0]}
    if kind < 99:
        return headers.hint(dice)
    domain = dice.pick(tuple(policies.CODES))
    code = dice.pick(policies.CODES[domain]) if dice.chance(60) else dice.between(-12, 600)
    return {"kind": "classify", "domain": domain, "code": code, "phase": dice.pick(("unknown", "connect")),
            "method": dice.pick(failures.METHODS + (None,)), "hint": dice.chance(30)}


def text(seed_and_number):
    seed, number = seed_and_number
    return json.dumps(case(Dice(seed, number)), ensure_ascii=False, separators=(",", ":"))


def main(arguments):
    count = int(arguments[0]) if arguments else 100_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    out = open(arguments[2], "w", encoding="utf-8", newline="\n") if len(arguments) > 2 else sys.stdout
    with Pool(2) as pool, out:
        for line in pool.imap(text, ((seed, n) for n in range(count)), chunksize=500):
            out.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
