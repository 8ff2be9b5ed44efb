"""One call decision by decision: every term that counted, as JSON and as one line each (tests/README.md, "Explanations")."""

from breaker import Breaker
from budget import Budget
from call import Call, Failure, GiveUp, is_forced, judge, matches
from ceilings import TABLE, ceiling, jittered
from draws import CLIP_LANE, DELAY_LANE, call_seed, uniform, word
from durations import parse
from policy import DOMAINS, MILLION
from tables import row

MASK = (1 << 64) - 1
COLUMNS = {"at": 6, "failure": 19, "class": 50, "decision": 83, "terms": 108}


def explain(policy, options):
    """The lines of the text, and the JSON."""
    seed = int(options["call_seed"]) if "call_seed" in options else call_seed(int(options.get("seed", 1)), options.get("call", 1))
    budget = Budget(policy.budget) if policy.budget is not None and policy.budget.mode is not None else None
    own = policy.breaker
    breaker = Breaker(dict(own.options), seed) if own is not None and own.options is not None else None
    call = Call(policy, 0, seed, mode="normal" if options.get("active", True) else "inactive", budget=budget, breaker=breaker)
    lines, decisions, now, reason = [head(policy, seed), ""], [], 0, None
    for given in [*options["failures"], None]:
        attempt = call.attempt(now)
        lasts = parse((given or {}).get("duration") or options.get("attempt_duration", "0s"))
        interrupted = attempt.limit is not None and attempt.limit < lasts
        now += attempt.limit if interrupted else lasts
        if given is None:
            lines.append(start(policy, call.failures + 1, now) + "success")
            break
        was_clipped = call.clipped
        decision = decided(policy, call, now, failure_of(given, interrupted), interrupted)
        decisions.append(decision)
        lines.append(line(policy, decision, was_clipped))
        reason = decision.get("reason")
        if reason is not None:
            break
        now += decision["delay_us"]
    return lines, {"call_seed": str(seed), "attempts_allowed": policy.attempts, "timeout_us": policy.timeout, "decisions": decisions,
                   "attempts": call.failures + (reason is None), "elapsed_us": now, "gave_up": reason}


def failure_of(given, interrupted):
    kept = {key: given[key] for key in ("method", "idempotency_key") if given.get(key) is not None}
    if interrupted:
        return Failure("os", "ETIMEDOUT", **kept)
    domain = next((name for name in DOMAINS if name in given), "user")
    times = {key: parse(given[key]) for key in ("hint", "wait") if given.get(key) is not None}
    rest = {key: given[key] for key in ("phase", "should_retry", "verdict", "cancelled", "nested") if given.get(key) is not None}
    return Failure(domain, given.get(domain), body=(given.get("body") or "").encode(), **kept, **times, **rest)


def decided(policy, call, now, failure, interrupted):
    """The JSON of one decision, in the order of its keys."""
    restarted_at, once_used, immediate_used, previous = call.restarted_at, call.once_used, call.immediate_used, call.delays.previous
    outcome = call.failed(now, failure)
    n, verdict = call.failures, judge(policy, failure)
    left = None if call.deadline is None else max(0, call.deadline - now)
    said = {"attempt": n, "at_us": now, "domain": failure.domain}
    said |= present(code=failure.code, phase="connect" if failure.phase == "connect" else None, method=failure.method,
                    idempotency_key=failure.idempotency_key or None, hint_us=failure.hint, should_retry=failure.should_retry,
                    verdict=None if failure.verdict == "tables" else failure.verdict, asked_wait_us=failure.wait,
                    cancelled=failure.cancelled or None, nested=failure.nested or None, interrupted=interrupted or None)
    said |= classed(policy, failure, verdict, once_used)
    if isinstance(outcome, GiveUp):
        said |= {"decision": "give_up", "reason": outcome.reason}
        if outcome.reason == "permanent":
            said["why"] = forbidden(failure, verdict, said)
    else:
        said |= {"decision": "retry", "delay_us": outcome.delay}
        said |= present(last=outcome.last or None, nested_warning=outcome.nested_warning or None,
                        restarts=call.restarted_at != restarted_at or None)
    planned = None
    if said.get("reason") in (None, "timeout", "breaker_open", "budget"):
        terms, planned = wait(policy, call, failure, verdict, left, restarted_at, immediate_used, previous)
        said |= terms | {"wait_us": planned}
    if said.get("last"):
        floor = failure.hint if said.get("hint_mode") == "floor" else 0
        said |= {"clip_low_us": floor, "clip_high_us": left - policy.min_attempt, "clip_word": str(word(call.call_seed, CLIP_LANE, n))}
    limit = policy.class_settings(verdict.class_).attempts
    if limit is not None:
        said |= {"class_attempts": call.failures_by_class[verdict.class_], "class_attempts_allowed": limit}
    said |= present(left_us=left, min_attempt_us=policy.min_attempt if policy.timeout is not None else None)
    if said.get("reason") == "hint_too_long":
        said["hint_max_us"] = policy.hint_max
    if policy.breaker is not None:
        open_for = 0 if call.breaker is None else call.open_for()
        said |= present(breaker=policy.breaker.name, breaker_open_us=open_for or None)
    if policy.budget is not None:
        said["budget"] = policy.budget.name
        said |= present(budget_taken=None if call.taken is None else tokens(call.taken),
                        budget_left=None if call.budget is None else tokens(call.budget.balance(now)),
                        budget_capacity=policy.budget.capacity)
    return said


def classed(policy, failure, verdict, once_used):
    rule = next((at for at, rule in enumerate(policy.rules) if matches(rule, failure)), None)
    found = row(failure.domain, failure.code, failure.phase, failure.hint is not None)
    ruled = None if rule is None else policy.rules[rule]
    by_table = "table" if found.known else "unknown"
    class_from = by_table if ruled is None or ruled.class_ is None else f"rules.{rule}"
    if verdict.class_ != (found.class_ if ruled is None or ruled.class_ is None else ruled.class_):
        class_from = "server" if failure.should_retry else "on"
    sent_from = by_table if ruled is None or ruled.sent is None else f"rules.{rule}"
    if failure.should_retry:
        sent_from = "server"
    said = {"class": verdict.class_, "class_from": class_from, "sent": verdict.sent, "sent_from": sent_from}
    condition = found.condition
    named = failure.verdict == "named" or (ruled is not None and ruled.class_ is not None)
    if condition == "hint_only" and ruled is not None and ruled.class_ is not None:
        condition = "always"
    met = {"hint_only": failure.hint is not None, "opt_in": named, "opt_in_once": named and not once_used}.get(condition, True)
    return said if condition == "always" else said | {"condition": condition, "condition_met": met}


def forbidden(failure, verdict, said):
    if failure.verdict == "refused":
        return "on refuses it"
    if failure.should_retry is False:
        return "the server says not to retry"
    if verdict.class_ == "permanent":
        return "nothing knows it: name it in on or rules" if said["class_from"] == "unknown" else "repeating cannot help"
    if said["condition"] == "hint_only":
        return "only if the server says how long to wait"
    named = failure.verdict == "named" or said["class_from"].startswith("rules.")
    return "its one retry is used up" if said["condition"] == "opt_in_once" and named else "only if on or rules name it"


def wait(policy, call, failure, verdict, left, restarted_at, immediate_used, previous):
    """The terms of the wait before the timeout counts, and what they come to."""
    n, said = call.failures, {}
    mode = policy.hint_mode if failure.hint is not None and failure.wait is None else None
    if mode is not None:
        said["hint_mode"] = mode
    if mode == "window":
        said["hint_window_us"] = policy.hint_window
    if failure.wait is not None:
        return said, failure.wait
    if mode == "exact":
        return said, failure.hint
    draw = word(call.call_seed, DELAY_LANE, n)
    if mode == "floor":
        c = ceiling(policy, verdict.class_, n - restarted_at)
        said |= rising(policy, verdict.class_, n - restarted_at, c)
        most = c if left is None else min(c, left - failure.hint - 1)
        if policy.jitter == "none":
            return said, max(failure.hint, min(c, MASK if left is None else left - 1))
        return said | {"above_hint_us": most, "word": str(draw)}, failure.hint + uniform(draw, most)
    step = n - restarted_at - (policy.first_is_immediate and restarted_at == 0)
    if step == 0 or (verdict.condition == "immediate" and not immediate_used):
        own = 0
        said["immediate"] = True
    elif policy.jitter == "decorrelated":
        low = policy.initial_of(verdict.class_)
        last = low if previous is None else previous
        high = max(low, min(policy.max_delay, 3 * last))
        own = low + uniform(draw, high - low)
        said |= {"previous_us": last, "low_us": low, "high_us": high, "word": str(draw)}
    else:
        c = ceiling(policy, verdict.class_, step)
        own = jittered(policy, c, draw)
        said |= rising(policy, verdict.class_, step, c)
        if policy.jitter != "none":
            ends = sorted(jittered(policy, c, end) for end in (0, MASK))
            said |= {"low_us": ends[0], "high_us": ends[1], "word": str(draw)}
    said["own_us"] = own
    if mode == "window":
        return said, max(own, min(failure.hint, own + policy.hint_window))
    return said, own


def rising(policy, class_, step, c):
    origin = "initial" if policy.class_settings(class_).initial is None else f"classes.{class_}.initial"
    if policy.backoff == "list":
        origin = f"backoff.{min(step, len(policy.delays)) - 1}"
    elif policy.backoff != "constant" and step > 1 and c == policy.max_delay:
        origin = "max_delay"
    return {"step": step, "ceiling_us": c, "ceiling_from": origin}


def present(**fields):
    return {name: value for name, value in fields.items() if value is not None}


def tokens(millionths):
    whole = millionths // MILLION
    return whole if millionths == whole * MILLION else millionths / MILLION


# The text


def head(policy, seed):
    limits = [f"{name} {value}" for name, value in (
        ("call_seed", seed), ("attempts", policy.attempts), ("timeout", time(policy.timeout)), ("attempt_timeout", time(policy.attempt_timeout)),
    ) if value is not None]
    return ", ".join(limits)


def start(policy, number, at):
    of = "" if policy.attempts is None else f"/{policy.attempts}"
    return to(to(f"{number}{of}", "at") + f"at {time(at)}", "failure")


def to(text, column):
    return (text + " ").ljust(COLUMNS[column])


def time(micros):
    """389.211ms, 1.5s, 2m"""
    if micros is None or micros == 0:
        return None if micros is None else "0s"
    for unit, size in (("h", 3_600 * MILLION), ("m", 60 * MILLION)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    for unit, places in (("s", 6), ("ms", 3), ("us", 0)):
        if micros >= 10 ** places:
            whole, rest = divmod(micros, 10 ** places)
            return f"{whole}{('.' + str(rest).rjust(places, '0').rstrip('0')) if rest else ''}{unit}"


def line(policy, said, was_clipped):
    told = to(to(start(policy, said["attempt"], said["at_us"]) + failed(said), "class") + classes(said), "decision")
    if said["decision"] == "retry":
        told += f"retry in {time(said['delay_us'])}"
        terms = retried(policy, said)
    else:
        told += f"give up: {said['reason']}"
        terms = refused(policy, said, was_clipped)
    return to(told, "terms") + "; ".join(terms) if terms else told


def failed(said):
    words = [said["domain"], str(said.get("code", "error"))]
    words += ["connecting"] if "phase" in said else []
    words += [said["method"]] if "method" in said else []
    words += ["with key"] if "idempotency_key" in said else []
    facts = ["".join(" " if letter < " " else letter for letter in " ".join(words))]
    facts += [f"hint {time(said['hint_us'])}"] if "hint_us" in said else []
    facts += [f"should_retry {str(said['should_retry']).lower()}"] if "should_retry" in said else []
    facts += [said["verdict"]] if "verdict" in said else []
    facts += [name for name in ("cancelled", "nested") if name in said]
    return ", ".join(facts + (["attempt_timeout"] if "interrupted" in said else []))


def classes(said):
    condition = said.get("condition")
    more = "" if condition is None else f", {condition}"
    if condition in ("hint_only", "opt_in", "opt_in_once"):
        more += " met" if said["condition_met"] else " not met"
    apart = "" if said["class_from"] == said["sent_from"] else f" ({said['class_from']})"
    return f"{said['class']}{apart}, {said['sent']} ({said['sent_from']}{more})"


def retried(policy, said):
    terms = waited(policy, said)
    if "clip_word" in said:
        low, width = said["clip_low_us"], said["clip_high_us"] - said["clip_low_us"]
        floor = f"hint {time(low)} + " if low else ""
        terms.append(f"clipped from {time(said['wait_us'])} to {floor}U({time(width)}), min_attempt {time(policy.min_attempt)}, word {said['clip_word']}")
        terms.append("the next attempt is the last")
    terms += ["the hint restarts the backoff"] if "restarts" in said else []
    terms += ["an inner call has used up its retries: a warning"] if "nested_warning" in said else []
    terms += [of_class(said)] if "class_attempts" in said else []
    terms += [f"breaker open for {time(said['breaker_open_us'])}"] if "breaker_open_us" in said else []
    if "budget_taken" in said:
        taken = f"{said['budget_taken']} taken, " if said["budget_taken"] else ""
        terms.append(f"budget {taken}{said['budget_left']} left")
    return terms + ([f"{time(said['left_us'])} left of timeout"] if "left_us" in said else [])


def of_class(said):
    return f"{said['class_attempts']} of {said['class_attempts_allowed']} attempts of class {said['class']}"


def waited(policy, said):
    if "asked_wait_us" in said:
        return ["the wait of on"]
    mode, hint = said.get("hint_mode"), time(said.get("hint_us"))
    if mode == "floor":
        spread = f" + U({time(said['above_hint_us'])})" if "above_hint_us" in said else ""
        cut = ", cut by timeout" if is_cut(said) else ""
        drawn = f", word {said['word']}" if "word" in said else ""
        return [f"hint {hint}{spread}, {risen(policy, said)}{cut}{drawn}"]
    if mode == "exact":
        return [f"hint {hint}, exact"]
    terms = {"window": [f"hint {hint} within {time(policy.hint_window)} above own {time(said['own_us'])}"],
             "ignore": [f"hint {hint} ignored"]}.get(mode, [])
    return terms + [own(policy, said)]


def is_cut(said):
    return "left_us" in said and said["left_us"] - said["hint_us"] - 1 < said["ceiling_us"]


def own(policy, said):
    if "immediate" in said:
        return "first is immediate" if policy.first_is_immediate and said["attempt"] == 1 and said.get("condition") != "immediate" else "immediate, once"
    if policy.jitter == "none":
        return risen(policy, said)
    low, high = said["low_us"], said["high_us"]
    spread = f"{time(low)} + U({time(high - low)})"
    if policy.jitter == "full":
        spread = f"U({time(high)})"
    if policy.jitter == "equal":
        spread = f"{time(high)} - U({time(high - low)})"
    up_to = risen(policy, said) if "ceiling_us" in said else f"up to 3 × {time(said['previous_us'])}"
    if policy.jitter == "decorrelated" and 3 * said["previous_us"] > policy.max_delay:
        up_to = f"up to max_delay {time(policy.max_delay)}"
    return f"{spread}, {up_to}, word {said['word']}"


def risen(policy, said):
    step, origin = said["step"], said["ceiling_from"]
    told = f"ceiling {time(said['ceiling_us'])} = {origin}"
    if not origin.endswith("initial") or step == 1 or policy.backoff == "constant":
        return told
    first = time(policy.initial_of(said["class"]))
    return told + (f" {first} × {step}" if policy.backoff == "linear" else f" {first} × {tokens(policy.factor)}^{min(step, TABLE) - 1}")


def refused(policy, said, was_clipped):
    reason = said["reason"]
    if reason == "breaker_open":
        longer = f"the breaker is open for {time(said['breaker_open_us'])}, longer than the wait of {time(said['wait_us'])}"
        return [longer, *waited(policy, said)]
    if reason in ("timeout", "budget"):
        return (timed_out if reason == "timeout" else broke)(policy, said, was_clipped)
    hint = time(said.get("hint_us"))
    if reason == "hint_too_long":
        too_long = said["hint_us"] > policy.hint_max
        return [f"hint {hint} > hint.max {time(policy.hint_max)}" if too_long else f"hint {hint} ≥ {time(said['left_us'])} left of timeout"]
    named = "method" in said and policy.idempotent == "auto"
    harm = f"{said.get('method')} without an idempotency key is not idempotent" if named else "idempotent is false"
    return [{
        "cancelled": "the caller asked to stop",
        "inactive": "retrying is switched off",
        "nested": "an inner call has used up its retries, and nested is once",
        "permanent": said.get("why"),
        "not_idempotent": f"the server may have acted, and {harm}",
        "class_attempts": of_class(said) if "class_attempts" in said else None,
        "attempts": f"{said['attempt']} of {policy.attempts} attempts",
    }[reason]]


def timed_out(policy, said, was_clipped):
    if was_clipped:
        return ["the wait before this attempt was clipped, so it was the last"]
    gone = f"{time(said['at_us'])} gone + {time(said['wait_us'])} wait"
    least = "" if policy.min_attempt is None else f" + min_attempt {time(policy.min_attempt)}"
    return [f"{gone}{least} {'≥' if policy.min_attempt is None else '>'} timeout {time(policy.timeout)}", *waited(policy, said)]


def broke(policy, said, _):
    options = policy.budget
    if options.mode is None:
        return [f'"{options.name}" is made elsewhere, and not known here', *waited(policy, said)]
    cost = policy.class_settings(said["class"]).cost
    needs = {"bucket": f" of {options.capacity}, the retry takes {options.cost if cost is None else cost}",
             "failures": f" of {options.capacity}, retries need more than half", "window": ", the retry takes 1"}[options.mode]
    return [f"{said['budget_left']} left{needs}", *waited(policy, said)]
