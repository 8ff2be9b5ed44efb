"""Reading: the JSON values of a policy, in the order they are written, one problem per value at most.

`read` gives what was written, option by option, and the problems. Options with a problem are in `bad`, not in `written`.
"""

import re
from decimal import Decimal
from fractions import Fraction

import durations
from policy import (
    BUDGET_DEFAULTS, CLASSES, DOMAINS, MILLION, NAMED_DOMAINS, PRESETS, SENT, BudgetOptions, ClassSettings, Rule,
)

MOST_ATTEMPTS = 4_294_967_295
MOST_DELAYS = 64
MOST_RULES = 32
MOST_RULE_TEXT = 2_048
MOST_NAME = 64
MOST_TOKENS = 1_000_000
CODE_RANGE = (-2_147_483_648, 2_147_483_647)
_RANGE = re.compile(r"([0-9]+)-([0-9]+)", re.ASCII)


class Refused(Exception):
    """A value is refused; its problem is already noted."""


class Reader:
    def __init__(self):
        self.problems = []
        self.rule_text = 0

    def refuse(self, code, pointer):
        self.problems.append((code, pointer))
        raise Refused

    def note(self, code, pointer):
        self.problems.append((code, pointer))

    def attempt(self, read, value, pointer):
        """The value read, or None with the problem noted."""
        try:
            return read(value, pointer)
        except Refused:
            return None

    # kinds

    def text(self, value, pointer):
        return value if isinstance(value, str) else self.refuse("wrong_kind", pointer)

    def boolean(self, value, pointer):
        return value if isinstance(value, bool) else self.refuse("wrong_kind", pointer)

    def mapping(self, value, pointer):
        return value if isinstance(value, dict) else self.refuse("wrong_kind", pointer)

    def one_of(self, *names):
        def read(value, pointer):
            return value if self.text(value, pointer) in names else self.refuse("unknown_value", pointer)
        return read

    def whole(self, low, high):
        def read(value, pointer):
            if not is_number(value) or not is_whole(value):
                self.refuse("wrong_kind", pointer)
            return int(value) if low <= value <= high else self.refuse("out_of_range", pointer)
        return read

    def millionths(self, above, most):
        """A decimal of at most six digits, above < value <= most."""
        def read(value, pointer):
            if not is_number(value):
                self.refuse("wrong_kind", pointer)
            scaled = Fraction(value) * MILLION
            if scaled.denominator != 1:
                self.refuse("too_fine", pointer)
            return int(scaled) if above < scaled <= most else self.refuse("out_of_range", pointer)
        return read

    def duration(self, least=1):
        def read(value, pointer):
            if is_number(value):
                self.refuse("bare_number", pointer)
            parsed = durations.parse(self.text(value, pointer))
            if isinstance(parsed, str):
                self.refuse(parsed, pointer)
            return parsed if least <= parsed <= durations.LONGEST else self.refuse("out_of_range", pointer)
        return read

    def optional(self, read):
        return lambda value, pointer: None if value is None else read(value, pointer)

    def members(self, value, pointer, readers):
        """A map with the given keys; refused as a whole if anything inside was."""
        before, found = len(self.problems), {}
        for key, item in self.mapping(value, pointer).items():
            if key in readers:
                found[key] = self.attempt(readers[key], item, below(pointer, key))
            else:
                self.note("unknown_option", below(pointer, key))
        if len(self.problems) > before:
            raise Refused
        return found

    # options

    def version(self, value, pointer):
        if not is_number(value):
            self.refuse("wrong_kind", pointer)
        return 1 if value == 1 else self.refuse("unsupported_version", pointer)

    def on_timeout(self, value, pointer):
        """None for give_up, else min_attempt."""
        if not isinstance(value, dict):
            self.one_of("give_up")(value, pointer)
            return None
        found = self.members(value, pointer, {"clip": self.clip})
        return found["clip"] if "clip" in found else self.refuse("missing_option", below(pointer, "clip"))

    def clip(self, value, pointer):
        found = self.members(value, pointer, {"min_attempt": self.duration()})
        if "min_attempt" not in found:
            self.refuse("missing_option", below(pointer, "min_attempt"))
        return found["min_attempt"]

    def backoff(self, value, pointer):
        if not isinstance(value, list):
            return self.one_of("exponential", "linear", "constant")(value, pointer)
        before, delays = len(self.problems), []
        for i, item in enumerate(value):
            if i == MOST_DELAYS:
                self.refuse("too_many", pointer)
            delays.append(self.attempt(self.duration(0), item, below(pointer, i)))
        if not value:
            self.refuse("empty_list", pointer)
        if len(self.problems) > before:
            raise Refused
        return tuple(delays)

    def jitter(self, value, pointer):
        """The kind and its amount."""
        if not isinstance(value, dict):
            return self.one_of("none", "full", "equal", "decorrelated")(value, pointer), 0
        before, found = len(self.problems), None
        readers = {"proportional": self.millionths(-1, MILLION), "additive": self.duration(0)}
        for key, item in value.items():
            if key not in readers:
                self.note("unknown_option", below(pointer, key))
            elif found:
                self.note("duplicate_option", below(pointer, key))
            else:
                found = key, self.attempt(readers[key], item, below(pointer, key))
        if len(self.problems) > before:
            raise Refused
        return found or self.refuse("missing_option", pointer)

    def hint(self, value, pointer):
        """Mode, max, window, resets."""
        if not isinstance(value, dict):
            mode = self.one_of("floor", "exact", "ignore")(value, pointer)
            return mode, 120_000_000 if mode != "ignore" else None, None, False
        found = self.members(value, pointer, {
            "mode": self.one_of("floor", "exact", "window", "ignore"),
            "max": self.duration(), "window": self.duration(), "resets": self.boolean,
        })
        mode, before = found.get("mode", "floor"), len(self.problems)
        if mode == "window" and "window" not in found:
            self.note("missing_option", below(pointer, "window"))
        if mode in ("window", "ignore") and "max" in found:
            self.note("meaningless_option", below(pointer, "max"))
        if mode != "window" and "window" in found:
            self.note("meaningless_option", below(pointer, "window"))
        if mode == "ignore" and "resets" in found:
            self.note("meaningless_option", below(pointer, "resets"))
        if len(self.problems) > before:
            raise Refused
        most = found.get("max", 120_000_000) if mode in ("floor", "exact") else None
        return mode, most, found.get("window"), found.get("resets", False)

    def classes(self, value, pointer):
        before, found = len(self.problems), {}
        readers = {"attempts": self.whole(1, MOST_ATTEMPTS), "initial": self.duration(), "cost": self.whole(0, MOST_TOKENS)}
        for name, settings in self.mapping(value, pointer).items():
            place = below(pointer, name)
            if name not in CLASSES:
                self.note("unknown_value", place)
                continue
            found[name] = self.attempt(lambda v, p: ClassSettings(**self.members(v, p, readers)), settings, place)
        if len(self.problems) > before:
            raise Refused
        return {name: found[name] for name in CLASSES if name in found and found[name] != ClassSettings()}

    def budget(self, value, pointer):
        """A name of a budget made elsewhere, or a budget of the policy's own."""
        if value is None:
            return None
        if isinstance(value, str):
            return BudgetOptions(self.name(value, pointer))
        found = self.members(value, pointer, {
            "name": self.name, "mode": self.one_of(*BUDGET_DEFAULTS), "capacity": self.whole(1, MOST_TOKENS),
            "cost": self.whole(0, MOST_TOKENS), "reward": self.millionths(-1, 1_000 * MILLION), "refund": self.boolean,
            "ratio": self.millionths(-1, 1_000 * MILLION), "min_per_second": self.whole(0, MOST_TOKENS),
            "ttl": self.between(1_000_000, 60_000_000),
        })
        mode, before = found.get("mode", "bucket"), len(self.problems)
        if "name" not in found:
            self.note("missing_option", below(pointer, "name"))
        for key in ("capacity", "cost", "reward", "refund", "ratio", "min_per_second", "ttl"):
            if key in found and key not in BUDGET_DEFAULTS[mode]:
                self.note("meaningless_option", below(pointer, key))
        if len(self.problems) > before:
            raise Refused
        defaults = dict(BUDGET_DEFAULTS[mode])
        if mode == "bucket":
            defaults["cost"] = min(defaults["cost"], found.get("capacity", defaults["capacity"]))
        return BudgetOptions(**{"mode": mode, **defaults, **found})

    def breaker(self, value, pointer):
        """None, a name alone, or a name and the options written beside it."""
        if value is None:
            return None
        if isinstance(value, str):
            return self.name(value, pointer), None
        import guard_options

        return guard_options.in_policy(self, value, pointer)

    def name(self, value, pointer):
        length = len(self.text(value, pointer).encode())
        if length == 0:
            self.refuse("out_of_range", pointer)
        return value if length <= MOST_NAME else self.refuse("text_too_long", pointer)

    def between(self, low, high):
        def read(value, pointer):
            parsed = self.duration()(value, pointer)
            return parsed if low <= parsed <= high else self.refuse("out_of_range", pointer)
        return read

    def rules(self, value, pointer):
        if not isinstance(value, list):
            self.refuse("wrong_kind", pointer)
        before, found = len(self.problems), []
        for i, item in enumerate(value):
            if i == MOST_RULES:
                self.refuse("too_many", pointer)
            found.append(self.attempt(self.rule, item, below(pointer, i)))
        if len(self.problems) > before:
            raise Refused
        return tuple(found)

    def rule(self, value, pointer):
        before, found, domain = len(self.problems), {}, None
        others = {
            "body_contains": self.rule_name, "class": self.one_of(*CLASSES, "permanent"), "sent": self.one_of(*SENT),
        }
        for key, item in self.mapping(value, pointer).items():
            place = below(pointer, key)
            if key in DOMAINS and domain:
                self.note("duplicate_option", place)
            elif key in DOMAINS:
                domain = key
                found["code"] = self.attempt(lambda v, p: self.code(key, v, p), item, place)
            elif key in others:
                found[key] = self.attempt(others[key], item, place)
            else:
                self.note("unknown_option", place)
        if len(self.problems) > before:
            raise Refused
        if "code" not in found and "body_contains" not in found:
            self.note("rule_without_match", pointer)
        if "class" not in found and "sent" not in found:
            self.note("rule_without_effect", pointer)
        if len(self.problems) > before:
            raise Refused
        return Rule(domain, found.get("code"), found.get("body_contains"), found.get("class"), found.get("sent"))

    def code(self, domain, value, pointer):
        if domain in NAMED_DOMAINS:
            return self.rule_name(value, pointer)
        if is_number(value):
            return self.whole(*CODE_RANGE)(value, pointer)
        bounds = _RANGE.fullmatch(self.text(value, pointer))
        if bounds:
            low, high = int(bounds[1]), int(bounds[2])
            return (low, high) if low <= high <= CODE_RANGE[1] else self.refuse("bad_range", pointer)
        if domain == "http":
            self.refuse("bad_range", pointer)
        return self.rule_name(value, pointer)

    def rule_name(self, value, pointer):
        length = len(self.text(value, pointer).encode())
        if length == 0:
            self.refuse("out_of_range", pointer)
        if self.rule_text + length > MOST_RULE_TEXT:
            self.refuse("text_too_long", pointer)
        self.rule_text += length
        return value


def read(value):
    """(written, bad, problems)"""
    reader = Reader()
    written, bad = {}, set()
    options = {
        "undaunted": reader.version, "preset": reader.one_of(*PRESETS),
        "attempts": reader.optional(reader.whole(1, MOST_ATTEMPTS)), "timeout": reader.optional(reader.duration()),
        "forever": reader.boolean, "on_timeout": reader.on_timeout, "attempt_timeout": reader.optional(reader.duration()),
        "backoff": reader.backoff, "initial": reader.duration(), "factor": reader.millionths(MILLION, 10 * MILLION),
        "max_delay": reader.duration(), "first": reader.one_of("delayed", "immediate"), "jitter": reader.jitter,
        "hint": reader.hint, "classes": reader.classes, "rules": reader.rules, "budget": reader.budget,
        "breaker": reader.breaker, "idempotent": idempotent(reader),
        "nested": reader.one_of("warn", "once", "allow", "share"),
    }
    if not isinstance(value, dict):
        return {}, set(), [("wrong_kind", "")]
    for key, item in value.items():
        if key not in options:
            reader.note("unknown_option", below("", key))
            continue
        try:
            written[key] = options[key](item, below("", key))
        except Refused:
            bad.add(key)
    return written, bad, reader.problems


def idempotent(reader):
    return lambda value, pointer: value if isinstance(value, bool) else reader.one_of("auto")(value, pointer)


def below(pointer, key):
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def is_number(value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def is_whole(value):
    return isinstance(value, int) or value.as_tuple().exponent >= 0 or value == value.to_integral_value()
