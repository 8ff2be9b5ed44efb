"""Random calls: what goes wrong, when, and what the clock says."""

from policies import CODES, PIECES

TIMES = 2**53 - 1
LIKELY = (("http", 500), ("http", 503), ("http", 429), ("os", "ECONNRESET"), ("os", "ECONNREFUSED"), ("http", 504), ("undici", "UND_ERR_SOCKET"), ("dns", "EAI_AGAIN"), ("http", 425))
METHODS = ("GET", "PUT", "DELETE", "get", "POST", "PATCH")


def session(dice, policy, compiled):
    started_at = dice.pick((0, 0, dice.magnitude(10**15), TIMES if dice.chance(2) else 5))
    case = {"kind": "session", "policy": policy, "call_seed": str(dice.word()), "started_at": started_at}
    if dice.chance(12):
        case["outer_deadline"] = min(TIMES, started_at + dice.magnitude(60_000_000))
    if dice.chance(3):
        case["mode"] = "inactive"
    scale = max(2, min(compiled.timeout or 50_000_000, 50_000_000) // 8)
    now, steps = started_at, []
    for _ in range(dice.between(66, 80) if dice.chance(1) else dice.between(1, 9)):
        if dice.chance(50):
            steps.append({"at": now, "attempt": True})
            now = later(dice, now, scale)
        steps.append({"at": now, "fail": failure(dice, policy, compiled)})
        now = later(dice, now, scale)
    case["steps"] = steps
    return case


def shared(dice, policy, compiled):
    """Steps of several calls, in any order, some of them after their call's end."""
    started_at = dice.pick((0, 5, dice.magnitude(10**15)))
    case = {"kind": "shared", "policy": policy, "seed": str(dice.word())}
    if dice.chance(3):
        case["mode"] = "inactive"
    scale = max(2, min(compiled.timeout or 50_000_000, 50_000_000) // 8)
    now, steps = started_at, []
    # A breaker hears only of attempts that it was asked for.
    fails = 40 if compiled.breaker else 55
    for _ in range(dice.between(4, 40)):
        step = {"call": dice.between(1, 6), "at": now}
        told = dice.up_to(99)
        if told < fails:
            step["fail"] = failure(dice, policy, compiled)
        else:
            step["attempt" if told < 80 else "succeed" if told < 92 else "cancel"] = True
        steps.append(step)
        now = later(dice, now, scale)
    case["steps"] = steps
    return case


def later(dice, now, scale):
    if dice.chance(6):
        return max(0, now - dice.up_to(2 * scale))
    if dice.chance(1):
        return TIMES
    return min(TIMES, now + (0 if dice.chance(15) else dice.magnitude(scale)))


def failure(dice, policy, compiled):
    domain, code = dice.pick(LIKELY)
    odd = dice.chance(25)
    if odd:
        domain = dice.pick(tuple(CODES))
        code = dice.pick(CODES[domain])
    rules = policy.get("rules") or ()
    if rules and dice.chance(40):
        domain, code = aimed_at(dice, dice.pick(rules), domain, code)
    f = {"domain": domain}
    if code is not None and not dice.chance(1):
        f["code"] = code
    if dice.chance(15):
        f["phase"] = dice.pick(("connect", "connect", "unknown"))
    if dice.chance(20):
        f["method"] = dice.pick(METHODS)
        if dice.chance(25):
            f["idempotency_key"] = True
    if dice.chance(75 if odd else 25):
        f["verdict"] = dice.pick(("named",) * 10 + ("forced",) * 8 + ("tables", "refused"))
    if dice.chance(5):
        f["wait"] = dice.pick((0, dice.magnitude(20_000_000), dice.magnitude(20_000_000), dice.magnitude(TIMES)))
    if dice.chance(25):
        f["hint"] = dice.magnitude(dice.pick((TIMES, 200_000_000) if dice.chance(8) else (1, 1_000_000, 3_000_000, 10_000_000, compiled.hint_max or 9))) - dice.up_to(1)
    if dice.chance(6):
        f["should_retry"] = dice.chance(80)
    if dice.chance(15):
        f["body"] = dice.pick(("", "a", "it is ")) + dice.pick(PIECES) + dice.pick(("", "aaab", "!"))
    if dice.chance(1):
        f["cancelled"] = True
    if dice.chance(8):
        f["nested"] = True
    return f


def aimed_at(dice, rule, domain, code):
    """A failure that the rule might match."""
    for name in CODES:
        if name in rule:
            written = rule[name]
            if isinstance(written, str) and "-" in written and written[0].isdigit():
                low, high = map(int, written.split("-"))
                return name, dice.between(low - 1, high + 1)
            return name, written
    return domain, code
