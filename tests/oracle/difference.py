"""What changes from one policy to another: options, figures, findings."""

import json

import dump
import lint

ORDER = """undaunted preset attempts timeout forever on_timeout attempt_timeout backoff initial factor max_delay first jitter hint classes rules budget
    breaker idempotent nested""".split()
FIGURES = {
    "success": ("success",), "gave_up_timeout": ("gave_up", "timeout"), "attempts": ("attempts",),
    **{name: (name,) for name in ("outage_burst", "sustained_load", "outage_load")},
    **{f"wait_{name}_us": ("wait_us", name) for name in ("mean", "p50", "p90", "p99", "worst")},
    "worst_time_us": ("worst_time_us",),
}  # fmt: skip
SEEN = 0.01  # A figure that changes by less than this share is left out of the cases: a reader might not see it.


def options(before, after):
    """The options of the canonical JSON that are not the same, in its order."""
    one, other = (json.loads(dump.dump(policy)) for policy in (before, after))
    order = [name for name in ORDER if name in one or name in other]
    return [{"option": name, "before": one.get(name), "after": other.get(name)} for name in order if one.get(name) != other.get(name)]


def figures(policies, analyses):
    """Of two analyses, what differs; loads under a budget only if there is one."""
    found = {}
    budgets = [policy.budget for policy in policies]
    is_known = [budget is None or budget.mode is not None for budget in budgets]
    for name, path in FIGURES.items():
        values = [at(analysis, path) for analysis in analyses]
        if name in ("sustained_load", "outage_load") and budgets == [None, None]:
            continue
        if None in values:
            # No limit is not the same as what is not known.
            if values != [None, None] or (name == "outage_burst" and is_known[0] != is_known[1]):
                found[name] = dict(zip(("before", "after"), values))
            continue
        (one, _), (other, _) = values
        share = abs(one - other) / max(abs(one), abs(other), 1e-300)
        if one != other:
            assert share > SEEN or name in ("success", "gave_up_timeout"), (name, values)
            found[name] = dict(zip(("before", "after"), values))
    return found


def at(analysis, path):
    for name in path:
        analysis = analysis[name]
    return analysis if analysis is None or isinstance(analysis, list) else [analysis, 0]


def findings(policy, other):
    """Codes of findings that only the first has."""
    return [finding[0] for finding in lint.lint(policy) if finding not in lint.lint(other)]
