"""The scripts that share guards over Redis or Valkey, and how their arguments are written."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "core" / "src" / "fleet"
NAMES = ("budget", "breaker", "bulkhead", "throttle")
# Those that begin with another file, which has what they count by.
RINGS = ("budget", "breaker", "throttle")
TEXTS = {
    name: "".join((FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in (["ring"] if name in RINGS else []) + [name])
    for name in NAMES
}
MODES = ("bucket", "failures", "window")
JITTERS = ("none", "full", "equal")
OUTCOMES = ("ok", "failed", "ignored", "dropped")
STATES = ("closed", "open", "half_open")
# Where the operation stands among a breaker's arguments.
OP = 12
# Who shares it, of a guard that counts them.
MEMBERS = {"budget": "members", "bulkhead": "bulkhead-members"}


def keys(guard: str, name: str) -> list[str]:
    parts = [guard, MEMBERS[guard]] if guard in MEMBERS else [guard]
    return [f"undaunted:{{{name}}}:{part}" for part in parts]


def budget(options, member="a", known=None, added=0, owed=0, take=None, asks=1) -> list[str]:
    per_second, ttl = options.min_per_second or 0, options.ttl or 0
    return texts(MODES.index(options.mode), options.capacity or 0, per_second, ttl, member, known, added, owed, take or 0, 0 if take is None else asks)


def breaker(options, op, generation=0, word=0, rest=()) -> list[str]:
    names = ("window_calls", "window_time", "min_calls", "failure_rate", "slow_rate", "initial", "factor", "max_delay")
    has_slow = int(options["slow_after"] is not None)
    values = [options[name] for name in names]
    values += [JITTERS.index(options["jitter"]), options["probes"], options["probe_timeout"], has_slow]
    return texts(*values, op, generation, word >> 32, word & 0xFFFF_FFFF, *rest)


def bulkhead(limit, lease, op, *ids, member="a", held=0) -> list[str]:
    return texts(limit, lease, member, held, op, *ids)


def texts(*values) -> list[str]:
    return ["" if value is None else str(value) for value in values]
