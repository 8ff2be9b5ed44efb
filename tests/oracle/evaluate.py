"""What the oracle says about one case of the vectors, kind by kind."""

import json
from fractions import Fraction

import allowance
import analysis
import breaker
import bulkhead
import ceilings
import convert
import difference
import draws
import dump
import durations
import explain
import export
import guard_options
import hedge
import hint
import ladder
import lint
import resume
import sim
import tables
import throttle
from breaker import Breaker
from budget import Budget
from call import Attempt, Call, Failure, GiveUp
from compile import compile_policy, parse, values


GUARDS = {"breaker": breaker, "throttle": throttle, "bulkhead": bulkhead, "hedge": hedge}


def evaluate(kind, case):
    """The case with what is expected of it; a figure written by hand must agree."""
    if kind in GUARDS:
        return guard(kind, case)
    return {"draw": draw, "schedule": schedule, "refusal": refusal, "dump": dumped, "session": session, "shared": shared,
            "classify": classify, "hint": hinted, "guard_refusal": guard_refusal, "analysis": analysed, "analysis_refusal": by_hand,
            "hedge_lint": hedge_linted, "hedge_lint_refusal": by_hand, "step": by_hand, "invoke": by_hand, "ladder": laddered, "ladder_refusal": by_hand, "lint": linted, "diff": differing, "herd": herd, "outage": outage, "loss": loss, "layers": layers, "sim_refusal": by_hand,
            "explain": explained, "explain_refusal": by_hand, "convert": converted, "convert_refusal": by_hand, "export": exported, "resume": resumed, "resume_refusal": by_hand}[kind](case)


def draw(case):
    if "x" in case:
        return expecting(case, "uniform", draws.uniform(int(case["word"]), case["x"]))
    if "seed" in case:
        case = expecting(case, "call_seed", str(draws.call_seed(int(case["seed"]), case["call"])))
    return expecting(case, "word", str(draws.word(int(case["call_seed"]), case["lane"], case["n"])))


def schedule(case):
    policy = accepted(case)
    seed = int(case["call_seed"]) if "call_seed" in case else draws.call_seed(int(case["seed"]), case.get("call", 1))
    return expecting(case, "expect", ceilings.schedule(policy, seed, case.get("attempts")))


def refusal(case):
    """Codes and pointers are the oracle's; a text is always by hand."""
    return refusals(case, compile_policy(exact(case["policy"]))[1])


def refusals(case, problems):
    texts = [{"text": given["text"]} if "text" in given else {} for given in case.get("expect", [{}] * len(problems))]
    if len(texts) != len(problems):
        raise AssertionError(f"{case['name']}: {len(texts)} problems by hand, {problems} by the oracle")
    found = [{"code": code, "pointer": pointer, **text} for (code, pointer), text in zip(problems, texts)]
    return expecting(case, "expect", found)


def dumped(case):
    policy = accepted(case)
    text = dump.dump(policy)
    again, problems = parse(text)
    if again != policy or problems:
        raise AssertionError(f"{case['name']}: the dump does not read back: {text} {problems}")
    return expecting(case, "expect", text)


def session(case):
    policy = accepted(case)
    call = Call(policy, case["started_at"], int(case["call_seed"]), case.get("outer_deadline"),
                case.get("mode", "normal"), own_budget(policy), own_breaker(policy, case))
    steps, ended = [], False
    for step in case["steps"]:
        if ended:
            raise AssertionError(f"{case['name']}: a step after the give-up")
        given = step.get("give_up")
        step = {key: value for key, value in step.items() if key != "give_up"}
        outcome = call.attempt(step["at"]) if "attempt" in step else call.failed(step["at"], failure(step["fail"]))
        ended = isinstance(outcome, GiveUp)
        if given is not None and (not ended or outcome.reason != given):
            raise AssertionError(f"{case['name']}: {given} by hand, {outcome} by the oracle")
        steps.append(expecting(step, "expect", outcome_of(outcome)))
    return {**case, "steps": steps}


def resumed(case):
    """A call of one policy, the token it leaves, and what another policy makes of it; `hand` holds what was written by hand of all that."""
    case = dict(case)
    by_hand = case.pop("hand")
    queue = accepted({**case, "policy": case["queue"]})
    found = resume.run(case, accepted(case), queue, own_budget(queue), lambda call, step: outcome_of(told(call, {**step})))
    told_by_hand = {"reason": found["token"]["reason"], "decision": found["decision"], "after": found["after"]}
    if wrong := {key: value for key, value in by_hand.items() if told_by_hand[key] != value}:
        raise AssertionError(f"{case['name']}: {wrong} by hand, {told_by_hand} by the oracle")
    found = {name: resume.text(value) if name.startswith("token") else value for name, value in found.items()}
    return expecting(case, "expect", found)


def shared(case):
    """Calls that share the policy's budget and breaker, step by step; each begins at its first step, and its seed is its number.

    What was written by hand of an expectation, and of `hand`, must be the oracle's.
    """
    steps = []
    for step, outcome, left in shared_outcomes(accepted(case), case):
        found = {} if outcome is None else outcome_of(outcome)
        by_hand = step.get("expect", {}) | step.get("hand", {})
        step = {key: value for key, value in step.items() if key not in ("expect", "hand")}
        step["expect"] = {**found, **left}
        if wrong := {key: value for key, value in by_hand.items() if step["expect"].get(key) != value}:
            raise AssertionError(f"{case['name']}: {wrong} by hand, {step} by the oracle")
        steps.append(step)
    if len(steps) != len(case["steps"]):
        raise AssertionError(f"{case['name']}: a step of a call after its give-up")
    return {**case, "steps": steps}


def shared_outcomes(policy, case):
    """Every step that is made, what it came to, what the budget has left then and what the breaker does."""
    budget, breaker, calls, over = own_budget(policy), own_breaker(policy, case), {}, set()
    for step in case["steps"]:
        number = step.get("call", 1)
        if number in over:
            continue
        if number not in calls:
            calls[number] = Call(policy, step["at"], number, case.get("outer_deadline"), case.get("mode", "normal"),
                                 budget, breaker)
        outcome = told(calls[number], step)
        if isinstance(outcome, GiveUp):
            over.add(number)
        yield step, outcome, {
            "tokens": None if budget is None else budget.balance(step["at"]),
            "state": None if breaker is None else breaker.look(step["at"])["state"],
        }


def own_budget(policy):
    return Budget(policy.budget) if policy.budget is not None and policy.budget.mode is not None else None


def own_breaker(policy, case):
    own = policy.breaker
    return None if own is None or own.options is None else Breaker(dict(own.options), int(case.get("seed", 0)))


def told(call, step):
    if "attempt" in step:
        return call.attempt(step["at"])
    if "fail" in step:
        return call.failed(step["at"], failure(step["fail"]))
    return (call.succeeded if "succeed" in step else call.cancelled)(step["at"])


def classify(case):
    row, retried = tables.classify(case["domain"], case.get("code"), case.get("phase", "unknown"), case.get("method"),
                                   case.get("hint", False))
    return expecting(case, "expect", {"class": row.class_, "sent": row.sent, "condition": row.condition,
                                      "known": row.known, "retried": retried})


def hinted(case):
    found = hint.read(case["headers"], case["now"])
    return expecting(case, "expect", {"delay": found.delay, "should_retry": found.should_retry,
                                      "suspicious": found.suspicious})


def guard(kind, case):
    """Each step of a breaker, throttle, bulkhead or hedge; `hand` holds those figures of an expectation that were written by hand."""
    options, problems = guard_options.read(kind, exact(case["options"]))
    if problems:
        raise AssertionError(f"{case['name']}: {problems}")
    steps = []
    given = [{key: value for key, value in step.items() if key not in ("expect", "hand")} for step in case["steps"]]
    for step, by_hand, found in zip(given, case["steps"], GUARDS[kind].run(options, int(case["seed"]), given, *paid_by(exact(case.get("budget")))), strict=True):
        steps.append(expecting({**step, **{key: value for key, value in by_hand.items() if key == "expect"}}, "expect", found))
        for figure, value in by_hand.get("hand", {}).items():
            if found[figure] != value:
                raise AssertionError(f"{case['name']}: {step}: {figure} is {value} by hand, {found[figure]} by the oracle")
    return {**case, "steps": steps}


def paid_by(options):
    """The budget of a hedge's case, as a policy describes it."""
    policy, problems = compile_policy({"preset": "none", "budget": options})
    if problems:
        raise AssertionError(f"{options}: {problems}")
    return () if options is None else (own_budget(policy),)


def guard_refusal(case):
    """Codes and pointers are the oracle's; a text is always by hand."""
    _, problems = guard_options.read(case["guard"], exact(case["options"]))
    return refusals(case, problems)


def analysed(case):
    options = {name: durations.parse(value) if name == "attempt_duration" else value for name, value in case["options"].items()}
    failure, duration = Fraction(str(options["failure_rate"])), options.get("attempt_duration", 0)
    arguments = (accepted(case), failure, duration, options)
    found = {"exact": lambda: analysis.exactly(*arguments), "closed": lambda: analysis.closed(*arguments),
             "sampled": lambda: analysis.sampled(*arguments, 17),
             "shared": lambda: allowance.shared(arguments[0], failure, options, 17)}[case["method"]]()
    return expecting(case, "expect", found)


def laddered(case):
    options = case["options"]
    seed = int(options["call_seed"]) if "call_seed" in options else draws.call_seed(int(options.get("seed", 1)), options.get("call", 1))
    return expecting(case, "expect", ladder.ladder(accepted(case), seed, options.get("attempts")))


def herd(case):
    return expecting(case, "expect", sim.herd(accepted(case), int(case["seed"]), sim.Herd(**conditions(case))))


def outage(case):
    return expecting(case, "expect", sim.outage(accepted(case), int(case["seed"]), sim.Outage(**conditions(case))))


def loss(case):
    return expecting(case, "expect", sim.loss(int(case["seed"]), sim.Loss(**conditions(case))))


def layers(case):
    return expecting(case, "expect", sim.layers(accepted(case), int(case["seed"]), sim.Layers(**conditions(case))))


def conditions(case):
    """What a simulation meets; durations in microseconds."""
    return {name: durations.parse(value) if isinstance(value, str) else value for name, value in case["options"].items()}


def linted(case):
    """Codes and sentences by hand must be the oracle's."""
    case = dict(case)
    codes, texts = case.pop("codes"), case.pop("texts")
    found = lint.lint(accepted(case))
    if codes != [code for code, _, _ in found]:
        raise AssertionError(f"{case['name']}: {codes} by hand, {found} by the oracle")
    of = lambda code: {"text": texts[code]} if texts.get(code) else {}
    expect = [{"code": code, "level": level, "pointer": pointer, **of(code)} for code, level, pointer in found]
    return expecting(case, "expect", expect)


def hedge_linted(case):
    """Sentences are by hand."""
    case = dict(case)
    texts = case.pop("texts")
    options = {name: durations.parse(value) if isinstance(value, str) else value for name, value in case["options"].items()}
    found = [{"code": code, "level": level, "pointer": pointer, "text": texts[code]} for code, level, pointer in lint.hedge(options)]
    return expecting(case, "expect", found)


def converted(case):
    """Policy and findings by hand must be what the library's formulas say."""
    case = dict(case)
    given, findings, looser, shares, texts = (case.pop(name) for name in ("policy", "findings", "looser", "shares", "texts"))
    source, settings = case["source"], exact(case["settings"])
    policy = accepted({**case, "policy": given})
    wrong = list(convert.differences(source, settings, policy, looser))
    told = [finding.split(" ") for finding in findings]
    by_formula = ("deadline-missing", "base-above-cap", "jitter-none", "jitter-collapses-at-cap")
    follows = set(convert.findings_of_waits(source, settings))
    is_told = {code for _, code, _ in told if code in by_formula}
    if source != "grpc" and "wait_exception" not in str(settings) and follows != is_told:
        wrong.append(f"the formulas say {follows}")
    missing = convert.unconvertible(source, settings) - {pointer for _, code, pointer in told if code == "not-converted"}
    wrong.extend(f"{pointer} is dropped silently" for pointer in missing)
    wrong.extend(f"{found} % at retry {retry}, {share} by hand" for retry, share in shares.items()
                 if (found := convert.share_at_cap(source, settings, retry)) != share)
    if wrong:
        raise AssertionError(f"{case['name']}: {wrong}")
    of = lambda code: {"text": texts[code]} if code in texts else {}
    found = [{"code": code, "level": level, "pointer": pointer, **of(code)} for level, code, pointer in told]
    return expecting(case, "expect", {"policy": dump.dump(policy), "findings": found})


def exported(case):
    """Lines and findings by hand must be the oracle's; sentences are by hand."""
    case = dict(case)
    by_hand, told, texts = (case.pop(name) for name in ("lines", "findings", "texts"))
    lines, findings = export.export(accepted(case), case["target"])
    if (by_hand and by_hand != lines) or (told is not None and told != findings):
        raise AssertionError(f"{case['name']}: {by_hand} and {told} by hand, {lines} and {findings} by the oracle")
    of = lambda pointer: {"text": texts[pointer]} if pointer in texts else {}
    entries = [finding.split(" ") for finding in findings]
    found = [{"code": code, "level": level, "pointer": pointer, **of(pointer)} for level, code, pointer in entries]
    return expecting(case, "expect", {"lines": lines, "findings": found})


def differing(case):
    """`lines` of the text are by hand."""
    case = dict(case)
    lines = case.pop("lines")
    before, after = accepted(case), accepted({**case, "policy": case["other"]})
    failure = Fraction(str(case["options"]["failure_rate"]))
    return expecting(case, "expect", {
        "options": difference.options(before, after),
        "figures": difference.figures((before, after), [analysis.closed(policy, failure, 0, {}) for policy in (before, after)]),
        "new": difference.findings(after, before),
        "gone": difference.findings(before, after),
        "lines": lines,
    })


def explained(case):
    """The text and the JSON; `tells`, by hand, stands in the text as it is."""
    case = dict(case)
    tells = case.pop("tells")
    lines, found = explain.explain(accepted(case), case["options"])
    missing = [told for told in tells if not any(told in line for line in lines)]
    if missing:
        raise AssertionError(f"{case['name']}: {missing} by hand, {lines} by the oracle")
    return expecting(case, "expect", {"lines": lines, "json": found})


def by_hand(case):
    return case


def failure(fields):
    """A failure as written in the vectors."""
    renamed = {key: value for key, value in fields.items() if value is not None}
    if "body" in renamed:
        renamed["body"] = renamed["body"].encode()
    return Failure(**renamed)


def outcome_of(outcome):
    if isinstance(outcome, Attempt):
        return {"number": outcome.number, "limit": outcome.limit, "remaining": outcome.remaining}
    if isinstance(outcome, GiveUp):
        if outcome.class_ is None:
            return {"give_up": outcome.reason} | ({} if outcome.hint is None else {"hint": outcome.hint})
        return {"give_up": outcome.reason, "hint": outcome.hint, "class": outcome.class_, "sent": outcome.sent}
    return {"retry": outcome.delay, "class": outcome.class_, "sent": outcome.sent, "last": outcome.last,
            "nested_warning": outcome.nested_warning}


def accepted(case):
    policy, problems = compile_policy(exact(case["policy"]))
    if problems:
        raise AssertionError(f"{case['name']}: {problems}")
    return policy


def exact(policy):
    """Numbers with a fraction as decimals, as the policy's text has them."""
    return values(json.dumps(policy))


def expecting(case, field, value):
    if field in case and case[field] != value:
        raise AssertionError(f"{case.get('name', case)}: {field} is {case[field]} by hand, {value} by the oracle")
    return {**case, field: value}
