"""Python's side of the vectors: what the installed package says about one case."""

import json

from undaunted import _core


def read(text):
    """JSON with decimals as they are written."""
    return json.loads(text, parse_float=_core.Digits, parse_constant=_core.Digits)


def policy_of(case):
    """(policy, problems) of a case."""
    return _core.compile(case["policy"], "json")


def answer(kind, case):
    """What the package says, in the form of the vectors' `expect`."""
    return ANSWERS[kind](case)


def draw(case):
    if "x" in case:
        return {"uniform": _core.uniform(int(case["word"]), case["x"])}
    call_seed = int(case["call_seed"]) if case.get("call_seed") is not None else None
    said = {}
    if case.get("seed") is not None:
        drawn = _core.call_seed(int(case["seed"]), int(case["call"]))
        said["call_seed"] = str(drawn)
        call_seed = drawn if call_seed is None else call_seed
    lane = ("delay", "clip", "breaker", "hedge", "throttle")[case.get("lane") or 0]
    return {**said, "word": str(_core.word(call_seed, lane, int(case["n"])))}


def schedule(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    call_seed = case.get("call_seed")
    if call_seed is None:
        call_seed = _core.call_seed(int(case["seed"]), int(case.get("call") or 1))
    attempts = case.get("attempts") or policy.attempts
    return policy.schedule(attempts - 1, int(call_seed))


def refused(problems):
    return [{"code": code, "pointer": pointer, "text": text} for code, pointer, text in problems]


def refusal(case):
    return refused(policy_of(case)[1])


def dump(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    again, _ = _core.compile(read(policy.dump()), "json")
    assert again is not None and again.dump() == policy.dump(), "reading a dump and dumping again gives it again"
    return policy.dump()


def session(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    call = start(policy, case, case.get("started_at") or 0, int(case["call_seed"]), own_budget(policy), own_breaker(policy, case))
    said = []
    for step in case["steps"]:
        said.append(attempt(call, step) if step.get("attempt") else failure(call, step))
        if "give_up" in said[-1]:
            break
    return said


def resume(case):
    policy, _ = policy_of(case)
    queue, problems = _core.compile(case["queue"], "json")
    if policy is None or queue is None:
        return refused(problems)
    since = case.get("started_at") or 0
    call = start(policy, case, since, int(case["call_seed"]), own_budget(policy), None)
    for step in case["before"]:
        told(call, step)
    token = call.token(case["before"][-1]["at"] - since, case["made_at"])
    found, problems = _core.Token.read(read(token), "json")
    assert found is not None, problems
    now = case["resumed_at"]
    later, decided, elapsed = _core.Session.resume(queue, found, now, now, case.get("queue_mode") or "normal", own_budget(queue))
    said = {"token": token, "decision": decided and decision(*decided), "elapsed": elapsed}
    after = [told(later, step) for step in case["after"]]
    end = case["after"][-1]["at"] if case["after"] else now
    return {**said, "after": after, "token_after": later.token(elapsed + end - now, end) if after else None}


def resume_refusal(case):
    return refused(_core.Token.read(case["token"], "json")[1])


def shared(case):
    policy, problems = policy_of(case)
    return refused(problems) if policy is None else shared_steps(policy, case)


def shared_steps(policy, case):
    budget, breaker, calls, over, said = own_budget(policy), own_breaker(policy, case), {}, set(), []
    for step in case["steps"]:
        number = step.get("call") or 1
        if number in over:
            continue
        if number not in calls:
            calls[number] = start(policy, case, step["at"], number, budget, breaker)
        found = told(calls[number], step)
        if "give_up" in found:
            over.add(number)
        tokens = None if budget is None else budget.tokens(step["at"])
        said.append({**found, "tokens": tokens, "state": None if breaker is None else breaker.look(step["at"])[0]})
    return said


def told(call, step):
    if step.get("attempt"):
        return attempt(call, step)
    if step.get("fail"):
        return failure(call, step)
    (call.succeeded if step.get("succeed") else call.cancelled)(step["at"])
    return {"told": "s" if step.get("succeed") else "c"}


def start(policy, case, started_at, call_seed, budget, breaker):
    mode = case.get("mode") or "normal"
    deadline = case.get("outer_deadline")
    return _core.Session(policy, started_at, call_seed, outer_deadline=deadline, mode=mode, budget=budget, breaker=breaker)


def own_budget(policy):
    """The budget that the policy describes; None if it has none, or only names one."""
    if policy.budget_name is None or policy.budget_problems(None):
        return None
    return _core.Budget(policy)


def own_breaker(policy, case):
    """The breaker that the policy describes, with the case's seed."""
    if policy.breaker_name is None or policy.breaker_problems(None):
        return None
    return _core.Breaker(policy, int(case.get("seed") or 0))


def attempt(call, step):
    """The hint of a refusal stands in the limit's place."""
    reason, number, limit, remaining = call.attempt(step["at"])
    return {"number": number, "limit": limit, "remaining": remaining} if reason is None else {"give_up": reason, "hint": limit}


def failure(call, step):
    fail = step["fail"]
    return decision(*call.failed(
        step["at"],
        facts(fail),
        verdict=fail.get("verdict") or "tables",
        wait=fail.get("wait"),
        method=fail.get("method"),
        idempotency_key=fail.get("idempotency_key") or False,
        cancelled=fail.get("cancelled") or False,
        nested=fail.get("nested") or False,
    ))


def decision(reason, wait, class_, sent, last, nested_warning):
    if reason is not None:
        return {"give_up": reason, "hint": wait, "class": class_, "sent": sent}
    return {"retry": wait, "class": class_, "sent": sent, "last": last, "nested_warning": nested_warning}


def facts(fail):
    body = fail.get("body")
    return _core.Failure(
        fail.get("domain") or "user",
        fail.get("code"),
        phase=fail.get("phase") or "unknown",
        hint=fail.get("hint"),
        should_retry=fail.get("should_retry"),
        body=None if body is None else body.encode(),
    )


def classify(case):
    failure = _core.Failure(
        case["domain"], case.get("code"), phase=case.get("phase") or "unknown", hint=0 if case.get("hint") else None
    )
    names = ("class", "sent", "condition", "known", "retried")
    return dict(zip(names, _core.classify(failure, case.get("method")), strict=True))


def hint(case):
    delay, should_retry, suspicious = _core.read_hint([tuple(pair) for pair in case["headers"]], case.get("now"))
    return {"delay": delay, "should_retry": should_retry, "suspicious": suspicious}


def guard_refusal(case):
    return refused(GUARDS[case["guard"]][0].compile(case["options"], "json")[1])


def guarded(kind):
    def answer(case):
        core, live = GUARDS[kind]
        seed = () if kind == "bulkhead" else (int(case["seed"]),)
        guard, problems = core.compile(case["options"], "json", *seed)
        paid = () if case.get("budget") is None else (own_budget(policy_of({"policy": {"preset": "none", "budget": case["budget"]}})[0]),)
        return refused(problems) if guard is None else list(live(guard, case["steps"], *paid))

    return answer


def breaker(guard, steps):
    permits = {}
    names = ("state", "calls", "failures", "slow", "trips", "probing", "retry_in")
    for step in steps:
        if "permit" in step:
            retry_in, *permit = guard.permit(step["at"])
            permits[step["permit"]] = permit if retry_in is None else None
            yield {"granted": retry_in is None, "retry_in": retry_in or 0}
        elif "settle" in step:
            permit = permits[step["settle"]]
            if permit is not None:
                guard.settle(*permit, step["outcome"], step.get("elapsed") or 0, step["at"])
            yield {"state": guard.look(step["at"])[0]}
        else:
            yield dict(zip(names, guard.look(step["at"]), strict=True))


def throttle(guard, steps):
    for step in steps:
        at = step["at"]
        if "word" in step:
            yield {"allowed": guard.allow(at, int(step["word"]))}
        elif "ask" in step:
            yield {"allowed": guard.ask(at)}
        else:
            if "accepted" in step:
                guard.accepted(at)
            yield dict(zip(("requests", "accepts"), guard.look(at), strict=True))


def bulkhead(guard, steps):
    inside, line = set(), {}
    for step in steps:
        if "enter" in step:
            name = step["enter"]
            ticket = guard.enter()
            entry = "refused" if ticket is None else "waiting" if ticket else "admitted"
            if entry == "admitted":
                inside.add(name)
            elif entry == "waiting":
                line[name] = ticket
            said = {"entry": entry, "ticket": ticket or 0}
        else:
            said = {"next": leave(guard, inside, line, step["end"])}
        yield {**said, **dict(zip(("running", "waiting"), guard.look(), strict=True))}


def leave(guard, inside, line, name):
    """Whoever it is goes; who goes in for it."""
    if line.pop(name, None) is not None:
        guard.cancel()
    elif name in inside:
        inside.remove(name)
        if guard.leave():
            following = min(line, key=line.get)
            del line[following]
            inside.add(following)
            return following
    return None


def hedge(guard, steps, budget=None):
    # The seed of a vector is that of the one call.
    race = guard.start(steps[0]["at"], budget)
    for step in steps:
        said, pushback = {}, step.get("pushback")
        if "step" in step:
            said = dict(zip(("do", "value"), race.step(step["at"]), strict=True))
        elif "succeed" in step:
            race.succeeded(step["at"])
        elif "failed" not in step:
            race.end()
        elif pushback is not None and pushback < 0:
            race.refused()
        else:
            race.failed(step["at"], pushback)
        yield said if budget is None else {**said, "tokens": budget.tokens(step["at"])}


GUARDS = {
    "breaker": (_core.Breaker, breaker),
    "throttle": (_core.Throttle, throttle),
    "bulkhead": (_core.Bulkhead, bulkhead),
    "hedge": (_core.Hedge, hedge),
}

def analysis(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    report, problems = _core.analyse(policy, case["options"], "json")
    return refused(problems) if report is None else said_in_lab(report)


def analysis_refusal(case):
    policy, _ = policy_of(case)
    report, problems = _core.analyse(policy, case["options"], "json")
    return refused(problems) if report is None else report[1]


def hedge_lint(case):
    report, problems = _core.lint_hedge(case["options"], "json")
    return refused(problems) if report is None else said_in_lab(report)


def hedge_lint_refusal(case):
    report, problems = _core.lint_hedge(case["options"], "json")
    return refused(problems) if report is None else report[1]


def step(case):
    is_right, said = _core.step(case["text"])
    return json.loads(said) if is_right else None


def invoke(case):
    kind, said = _core.invoke(case["arguments"])
    return json.loads(said) if kind == "run" else said


def ladder(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    report, problems = _core.ladder(policy, case["options"], "json")
    return refused(problems) if report is None else said_in_lab(report)


def ladder_refusal(case):
    policy, _ = policy_of(case)
    report, problems = _core.ladder(policy, case["options"], "json")
    return refused(problems) if report is None else report[1]


def lint(case):
    policy, problems = policy_of(case)
    return refused(problems) if policy is None else said_in_lab(_core.lint(policy))


def diff(case):
    before, problems = policy_of(case)
    after, others = policy_of({"policy": case["other"]})
    if before is None or after is None:
        return refused(problems or others)
    report, problems = _core.diff(before, after, case["options"], "json")
    return refused(problems) if report is None else seen(said_in_lab(report), report[0], case)


def explain(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    report, problems = _core.explain(policy, case["options"], "json")
    return refused(problems) if report is None else {"lines": report[0].splitlines(), "json": said_in_lab(report)}


def explain_refusal(case):
    return explain({"policy": {}, **case})


def seen(found, text, case):
    """A difference as the vectors have it."""
    return {
        "options": found["options"],
        "figures": {change["figure"]: {"before": change["before"], "after": change["after"]} for change in found["figures"]},
        "new": [finding["code"] for finding in found["new"]],
        "gone": [finding["code"] for finding in found["gone"]],
        "lines": [line for line in case["expect"]["lines"] if line in text.splitlines()],
    }


def herd(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    return simulated(_core.simulate_herd(policy, own_budget(policy), int(case["seed"]), case["options"], "json"))


def loss(case):
    return simulated(_core.simulate_loss(int(case["seed"]), case["options"], "json"))


def layers(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    return simulated(_core.simulate_layers(policy, own_budget(policy), int(case["seed"]), case["options"], "json"))


def outage(case):
    policy, problems = policy_of(case)
    if policy is None:
        return refused(problems)
    return simulated(_core.simulate_outage(policy, own_budget(policy), own_breaker(policy, case), int(case["seed"]), case["options"], "json"))


def simulated(begun):
    simulation, problems = begun
    if simulation is None:
        return refused(problems)
    while not simulation.step(100):
        pass
    return said_in_lab(simulation.report())


def convert(case):
    report, problems = _core.convert(case["source"], case["settings"])
    if report is None:
        return refused(problems)
    found = said_in_lab(report)
    return {"policy": report[1].partition('"policy":')[2].partition(',"findings":')[0], "findings": found["findings"]}


def export(case):
    policy, problems = _core.compile(case["policy"], "json")
    if policy is None:
        return refused(problems)
    report = _core.export_as(policy, case["target"])
    return {"lines": report[0].splitlines(), "findings": said_in_lab(report)["findings"]}


def convert_refusal(case):
    return refused(_core.convert(case["source"], case["settings"])[1])


def sim_refusal(case):
    return ANSWERS[case["sim"]]({"policy": {}, "seed": "1", **case})


def said_in_lab(report):
    """Keeps the texts, which every host must print to the byte."""
    LAB.extend(report)
    return json.loads(report[1])


LAB = []
ANSWERS = {
    "draw": draw,
    "schedule": schedule,
    "refusal": refusal,
    "dump": dump,
    "session": session,
    "shared": shared,
    "resume": resume,
    "resume_refusal": resume_refusal,
    "classify": classify,
    "hint": hint,
    "guard_refusal": guard_refusal,
    **{kind: guarded(kind) for kind in GUARDS},
    "analysis": analysis,
    "hedge_lint": hedge_lint,
    "hedge_lint_refusal": hedge_lint_refusal,
    "step": step,
    "invoke": invoke,
    "ladder": ladder,
    "ladder_refusal": ladder_refusal,
    "lint": lint,
    "diff": diff,
    "analysis_refusal": analysis_refusal,
    "explain": explain,
    "explain_refusal": explain_refusal,
    "convert": convert,
    "convert_refusal": convert_refusal,
    "export": export,
    "herd": herd,
    "loss": loss,
    "layers": layers,
    "outage": outage,
    "sim_refusal": sim_refusal,
}
