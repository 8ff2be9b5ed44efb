"""The canonical text of a policy."""

from durations import text as duration
from policy import MILLION


def dump(policy):
    parts = [("undaunted", "1")]
    if policy.attempts is None and policy.timeout is None:
        parts.append(("forever", "true"))
    else:
        parts.append(("attempts", whole(policy.attempts)))
        parts.append(("timeout", optional_duration(policy.timeout)))
    if policy.min_attempt is not None:
        parts.append(("on_timeout", mapping([("clip", mapping([("min_attempt", quoted(duration(policy.min_attempt)))]))])))
    parts.append(("attempt_timeout", optional_duration(policy.attempt_timeout)))
    if policy.backoff == "list":
        parts.append(("backoff", "[" + ",".join(quoted(duration(d)) for d in policy.delays) + "]"))
    else:
        parts.append(("backoff", quoted(policy.backoff)))
        parts.append(("initial", quoted(duration(policy.initial))))
        if policy.backoff == "exponential" and policy.jitter != "decorrelated":
            parts.append(("factor", millionths(policy.factor)))
    parts.append(("max_delay", quoted(duration(policy.max_delay))))
    if policy.backoff != "list":
        parts.append(("first", quoted("immediate" if policy.first_is_immediate else "delayed")))
    parts.append(("jitter", jitter(policy)))
    parts.append(("hint", hint(policy)))
    classes = [(name, class_settings(settings)) for name, settings in policy.classes]
    if classes:
        parts.append(("classes", mapping(classes)))
    if policy.rules:
        parts.append(("rules", "[" + ",".join(rule(r) for r in policy.rules) + "]"))
    if policy.budget is not None:
        parts.append(("budget", budget(policy.budget)))
    if policy.breaker is not None:
        parts.append(("breaker", breaker(policy.breaker)))
    parts.append(("idempotent", quoted("auto") if policy.idempotent == "auto" else boolean(policy.idempotent)))
    parts.append(("nested", quoted(policy.nested)))
    return mapping(parts)


def jitter(policy):
    if policy.jitter == "proportional":
        return mapping([("proportional", millionths(policy.spread))])
    if policy.jitter == "additive":
        return mapping([("additive", quoted(duration(policy.spread)))])
    return quoted(policy.jitter)


def hint(policy):
    if policy.hint_mode == "ignore":
        return quoted("ignore")
    parts = [("mode", quoted(policy.hint_mode))]
    if policy.hint_mode == "window":
        parts.append(("window", quoted(duration(policy.hint_window))))
    else:
        parts.append(("max", quoted(duration(policy.hint_max))))
    if policy.hint_resets:
        parts.append(("resets", "true"))
    return mapping(parts)


def class_settings(settings):
    parts = []
    if settings.attempts is not None:
        parts.append(("attempts", whole(settings.attempts)))
    if settings.initial is not None:
        parts.append(("initial", quoted(duration(settings.initial))))
    if settings.cost is not None:
        parts.append(("cost", whole(settings.cost)))
    return mapping(parts)


def budget(options):
    if options.mode is None:
        return quoted(options.name)
    written = [
        ("name", quoted(options.name)), ("mode", quoted(options.mode)), ("capacity", number(options.capacity)), ("cost", number(options.cost)),
        ("reward", None if options.reward is None else millionths(options.reward)),
        ("refund", None if options.refund is None else boolean(options.refund)),
        ("ratio", None if options.ratio is None else millionths(options.ratio)), ("min_per_second", number(options.min_per_second)),
        ("ttl", None if options.ttl is None else quoted(duration(options.ttl))),
    ]
    return mapping([(key, value) for key, value in written if value is not None])


def breaker(own):
    if own.options is None:
        return quoted(own.name)
    forms = {"failure_rate": millionths, "slow_rate": millionths, "factor": millionths, "jitter": quoted} | dict.fromkeys(
        ("window_time", "slow_after", "initial", "max_delay", "probe_timeout"), lambda value: quoted(duration(value)))
    return mapping([("name", quoted(own.name)), *((name, forms.get(name, str)(value)) for name, value in own.options if value is not None)])


def number(value):
    return None if value is None else str(value)


def rule(r):
    parts = []
    if r.domain is not None:
        parts.append((r.domain, code(r.code)))
    if r.body_contains is not None:
        parts.append(("body_contains", quoted(r.body_contains)))
    if r.class_ is not None:
        parts.append(("class", quoted(r.class_)))
    if r.sent is not None:
        parts.append(("sent", quoted(r.sent)))
    return mapping(parts)


def code(value):
    if isinstance(value, tuple):
        return quoted(f"{value[0]}-{value[1]}")
    return str(value) if isinstance(value, int) else quoted(value)


def mapping(parts):
    return "{" + ",".join(f"{quoted(key)}:{value}" for key, value in parts) + "}"


def quoted(text):
    return '"' + "".join(escaped(c) for c in text) + '"'


def escaped(c):
    if c in '"\\':
        return "\\" + c
    return f"\\u{ord(c):04x}" if ord(c) < 0x20 else c


def whole(value):
    return "null" if value is None else str(value)


def optional_duration(value):
    return "null" if value is None else quoted(duration(value))


def boolean(value):
    return "true" if value else "false"


def millionths(value):
    """Shortest decimal: 2000000 is 2, 1500000 is 1.5."""
    before, after = divmod(value, MILLION)
    return f"{before}.{after:06}".rstrip("0").rstrip(".")
