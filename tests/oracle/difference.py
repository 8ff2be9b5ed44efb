"""What changes from one policy to another: options, figures, findings."""

import json

import dump
import lint

ORDER = """undaunted preset attempts timeout forever on_timeout attempt_timeout backoff initial factor max_delay first jitter hint classes rules budget
    breaker idempotent nested""".split()
FIGURES = {
    "success": ("success",), "gave_up_timeout": ("gave_up", "timeout"), "attempts": ("attempts",),
    **{f"wait_{name}_us": ("wait_us", name) for name in ("mean", "p50", "p90", "p99", "worst")},
    "worst_time_us": ("worst_time_us",),
}  # fmt: skip
SEEN = 0.01  # A figure that changes by less than this share is left out of the cases: a reader might not see it.


def options(before, after):
    """The options of the canonical JSON that are not the same, in its order."""
    one, other = (json.loads(dump.dump(policy)) for policy in (before, after))
    order = [name for name in ORDER if name in one or name in other]
    return [{"option": name, "before": one.get(name), "after": other.get(name)} for name in order if one.get(name) != other.get(name)]


def figures(before, after):
    """Of two analyses, what differs."""
    found = {}
    for name, path in FIGURES.items():
        values = [at(analysis, path) for analysis in (before, after)]
        (one, _), (other, _) = values
        share = abs(one - other) / max(abs(one), abs(other), 1e-300)
        if one != other:
            assert share > SEEN or name in ("success", "gave_up_timeout"), (name, values)
            found[name] = dict(zip(("before", "after"), values))
    return found


def at(analysis, path):
    for name in path:
        analysis = analysis[name]
    return analysis if isinstance(analysis, list) else [analysis, 0]


def findings(policy, other):
    """Codes of findings that only the first has."""
    return [finding[0] for finding in lint.lint(policy) if finding not in lint.lint(other)]
