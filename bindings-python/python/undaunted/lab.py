"""What `analyse` and its relatives find: objects that print themselves as the same text in every language."""

from __future__ import annotations

import json

from . import _core
from ._convert import convert
from ._errors import PolicyError
from ._policy import Policy
from ._simulate import simulate_outage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._options import Duration

__all__ = [
    "Analysis", "Change", "Conversion", "Difference", "Distribution", "Estimate", "ExplainedFailure", "Explanation", "Finding", "Findings", "Herd",
    "Ladder", "Layers", "Loss", "Outage", "Peak", "PeakLoad", "Rung", "convert", "lint_hedge", "simulate_outage",
]  # fmt: skip


class Report:
    """A finding as text (`str`), as JSON (`json()`) and as plain values (`to_dict()`). Equal by value; pickles."""

    __slots__ = ("_json", "_text")

    def __init__(self, text: str, json_text: str) -> None:
        self._text = text
        self._json = json_text

    def json(self) -> str:
        """One line of JSON, the same in every language: times in whole microseconds."""
        return self._json

    def to_dict(self) -> Any:
        """The same as plain values."""
        return json.loads(self._json)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._json}>"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Report) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __reduce__(self) -> Any:
        return type(self), (self._text, self._json)


class Estimate(float):
    """A number with a bound of its error: the truth is within `error` of it; 0 is exact up to rounding."""

    __slots__ = ("error",)

    error: float

    def __new__(cls, value: float, error: float = 0.0) -> Estimate:
        number = super().__new__(cls, value)
        number.error = error
        return number

    @property
    def value(self) -> float:
        """The number alone."""
        return float(self)

    def __repr__(self) -> str:
        return f"Estimate({float(self)!r}, error={self.error!r})"

    def __getnewargs__(self) -> Any:
        return float(self), self.error


class Distribution:
    """How long calls take, over all of them, in seconds; None where calls do not end within 1000 attempts.

    `mean`, `p50`, `p90`, `p99` are Estimates; `worst` is what no call exceeds, or None without a limit. `quantiles` has what more shares
    of the calls do not exceed, from 0.1 to 0.9999, and is empty if they were not asked for.
    """

    __slots__ = ("mean", "p50", "p90", "p99", "quantiles", "worst")

    def __init__(self, times: dict[str, Any]) -> None:
        self.mean = _seconds(times["mean"])
        self.p50 = _seconds(times["p50"])
        self.p90 = _seconds(times["p90"])
        self.p99 = _seconds(times["p99"])
        self.worst = _or_none(times["worst"])
        self.quantiles = {float(share): _seconds(time) for share, time in times.get("quantiles", {}).items()}

    def __repr__(self) -> str:
        return f"Distribution(mean={self.mean!r}, p50={self.p50!r}, p90={self.p90!r}, p99={self.p99!r}, worst={self.worst!r})"


class Analysis(Report):
    """What `Policy.analyse` finds. Times are in seconds; shares and means are Estimates.

    `success` is the share of calls that succeed in the end; `gave_up` has the shares given up, by reason; `unfinished` is what is still
    retried after 1000 attempts. `attempts` a call makes on average, which is the `load` on the server, and `most_attempts`. `wait` is what
    a call waits in all, `added_latency` that and the attempts after the first, `worst_time` the longest call. `amplification` is what the
    stack of layers makes of one call, `worst_amplification` that in an outage. `chain` succeeds with retries, `chain_without` without.

    All that is without a budget; what one makes of it is in these. `outage_burst` is how many retries a full one allows, at most, while no
    attempt succeeds; a window's is its reserve, to which calls add. `sustained_load` is the attempts of a call that it sustains in the long
    run, where successes give what retries take, and `outage_load` that if every attempt fails. A budget of a few retries wavers about these.
    None is no limit.
    """

    __slots__ = (
        "added_latency",
        "amplification",
        "attempt_duration",
        "attempts",
        "calls",
        "calls_per_second",
        "chain",
        "chain_without",
        "class_",
        "failure_rate",
        "gave_up",
        "layers",
        "load",
        "most_attempts",
        "outage_burst",
        "outage_load",
        "repeats",
        "success",
        "sustained_load",
        "timeout",
        "unfinished",
        "wait",
        "worst_amplification",
        "worst_time",
    )

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.failure_rate: float = found["failure_rate"]
        self.attempt_duration: float = found["attempt_duration_us"] / 1e6
        self.layers: int = found["layers"]
        self.calls: int = found["calls"]
        self.repeats: int = found["repeats"]
        self.class_: str = found["class"]
        self.calls_per_second: float | None = found["calls_per_second"]
        self.timeout = _or_none(found["timeout_us"])
        self.success = Estimate(**found["success"])
        self.gave_up = {reason: Estimate(**share) for reason, share in found["gave_up"].items()}
        self.unfinished = Estimate(**found["unfinished"])
        self.attempts = Estimate(**found["attempts"])
        self.most_attempts: int | None = found["most_attempts"]
        self.load = Estimate(**found["load"])
        self.outage_burst: int | None = found["outage_burst"]
        self.sustained_load = Estimate(**found["sustained_load"])
        self.outage_load = _estimate(found["outage_load"])
        self.wait = Distribution(found["wait_us"])
        self.added_latency = Distribution(found["added_latency_us"])
        self.worst_time = _or_none(found["worst_time_us"])
        self.amplification = _estimate(found["amplification"])
        self.worst_amplification: int | None = found["worst_amplification"]
        self.chain = Estimate(**found["chain"])
        self.chain_without = Estimate(**found["chain_without"])


class Finding:
    """One finding: a stable `code`, the `level` (info, warning, error), a JSON `pointer` to the option, a sentence as `text`."""

    __slots__ = ("code", "level", "pointer", "text")

    def __init__(self, code: str, level: str, pointer: str, text: str) -> None:
        self.code = code
        self.level = level
        self.pointer = pointer
        self.text = text

    def __str__(self) -> str:
        return f"{self.level}: {self.text} [{self.code}]"

    def __repr__(self) -> str:
        return f"Finding({self.code!r}, {self.level!r}, {self.pointer!r}, {self.text!r})"


class Findings(Report):
    """What `Policy.lint` finds: a sequence of `Finding`, in the order of the options; empty if there is nothing to say."""

    __slots__ = ("_findings",)

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        self._findings = [Finding(**finding) for finding in json.loads(json_text)]

    def __len__(self) -> int:
        return len(self._findings)

    def __getitem__(self, index: int) -> Finding:
        return self._findings[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)


def lint_hedge(
    delay: Duration,
    *,
    attempts: int = 2,
    jitter: Duration = 0,
    p50: Duration | None = None,
    idempotent: bool | None = None,
) -> Findings:
    """What a reviewer would say of a hedge: its `delay`, `attempts` and `jitter`, beside what is known of the calls that it is for.

    Half of the attempts take no longer than `p50`; `idempotent` says whether the calls may be repeated. None is not known. Raises PolicyError
    with every mistake at once.
    """
    options = {"delay": delay, "attempts": attempts, "jitter": jitter, "p50": p50, "idempotent": idempotent}
    report, problems = _core.lint_hedge(options, "python")
    if report is None:
        raise PolicyError(problems)
    return Findings(*report)


class Conversion(Report):
    """What `convert` finds: the `policy`, whose settings they were as `source`, and the `findings` on the original, with pointers into it."""

    __slots__ = ("findings", "policy", "source")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.source: str = found["source"]
        self.policy = Policy._of_json(found["policy"])
        self.findings = [Finding(**finding) for finding in found["findings"]]


class Change:
    """One change: its name, and the values `before` and `after`.

    Of options, values as JSON has them. Of figures, Estimates (times in seconds), or None where there is no limit.
    """

    __slots__ = ("after", "before", "name")

    def __init__(self, name: str, before: Any, after: Any) -> None:
        self.name = name
        self.before = before
        self.after = after

    def __repr__(self) -> str:
        return f"Change({self.name!r}, {self.before!r}, {self.after!r})"


class Difference(Report):
    """What `Policy.diff` finds: `options` and `figures` that changed, findings that are `new` or `gone`. False if nothing did."""

    __slots__ = ("attempt_duration", "failure_rate", "figures", "gone", "new", "options")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.options = [Change(change["option"], change["before"], change["after"]) for change in found["options"]]
        self.failure_rate: float = found["failure_rate"]
        self.attempt_duration: float = found["attempt_duration_us"] / 1e6
        self.figures = [_figure(change) for change in found["figures"]]
        self.new = [Finding(**finding) for finding in found["new"]]
        self.gone = [Finding(**finding) for finding in found["gone"]]

    def __bool__(self) -> bool:
        return bool(self.options)


def _figure(change: dict[str, Any]) -> Change:
    name = change["figure"].removesuffix("_us")
    values = [change["before"], change["after"]]
    if name == change["figure"]:
        return Change(name, *(_estimate(value) for value in values))
    return Change(name, *(_seconds(value) for value in values))


class ExplainedFailure:
    """One failed attempt of a call, and what was decided. Times are in seconds.

    `attempt` counts from 1; it failed `at` so long after the call's start. `domain` and `code` are what was looked up, `class_` and `sent`
    what it was taken for, by `class_from` and `sent_from` (`table`, `rules.0`, `on`, `server`, `unknown`). `decision` is `retry`, after
    `delay`, or `give_up`, for `reason`. `terms` are all the terms as plain values: times in whole microseconds, words as decimal text.
    `text` is the line for a reader.
    """

    __slots__ = ("at", "attempt", "class_", "class_from", "code", "decision", "delay", "domain", "reason", "sent", "sent_from", "terms", "text")

    def __init__(self, text: str, terms: dict[str, Any]) -> None:
        self.text = text
        self.terms = terms
        self.attempt: int = terms["attempt"]
        self.at: float = terms["at_us"] / 1e6
        self.domain: str = terms["domain"]
        self.code: int | str | None = terms.get("code")
        self.class_: str = terms["class"]
        self.class_from: str = terms["class_from"]
        self.sent: str = terms["sent"]
        self.sent_from: str = terms["sent_from"]
        self.decision: str = terms["decision"]
        self.delay = _or_none(terms.get("delay_us"))
        self.reason: str | None = terms.get("reason")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<ExplainedFailure {self.terms}>"


class Explanation(Report):
    """What `Policy.explain` finds: a sequence of `ExplainedFailure`, one for each decision.

    `call_seed` is what the waits were drawn from; `attempts` were made within `elapsed` seconds; the call was given up for the reason
    `gave_up`, None if it succeeded.
    """

    __slots__ = ("_failures", "attempts", "call_seed", "elapsed", "gave_up")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.call_seed = int(found["call_seed"])
        self.attempts: int = found["attempts"]
        self.elapsed: float = found["elapsed_us"] / 1e6
        self.gave_up: str | None = found["gave_up"]
        # The head of the text, and a blank line.
        self._failures = [ExplainedFailure(*pair) for pair in zip(text.split("\n")[2:], found["decisions"], strict=False)]

    def __len__(self) -> int:
        return len(self._failures)

    def __getitem__(self, index: int) -> ExplainedFailure:
        return self._failures[index]

    def __iter__(self) -> Iterator[ExplainedFailure]:
        return iter(self._failures)


class Rung:
    """The wait before one retry, in seconds: `least`, `p50` and `p99` (Estimates), `most`; `drawn` for one call.

    `at` is what this call has waited with it, `in_time` whether that is below the policy's `timeout`.
    """

    __slots__ = ("at", "drawn", "in_time", "least", "most", "p50", "p99", "retry")

    def __init__(self, found: dict[str, Any]) -> None:
        self.retry: int = found["retry"]
        self.least: float = found["least_us"] / 1e6
        self.p50 = _seconds(found["p50_us"])
        self.p99 = _seconds(found["p99_us"])
        self.most: float = found["most_us"] / 1e6
        self.drawn: float = found["drawn_us"] / 1e6
        self.at: float = found["at_us"] / 1e6
        self.in_time: bool = found["in_time"]

    def __repr__(self) -> str:
        return f"Rung(retry={self.retry}, least={self.least!r}, p50={self.p50!r}, p99={self.p99!r}, most={self.most!r}, drawn={self.drawn!r})"


class Ladder(Report):
    """What `Policy.ladder` finds: a sequence of `Rung`, one for each retry. `call_seed` is what `drawn` was drawn from."""

    __slots__ = ("_rungs", "call_seed", "timeout")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.call_seed = int(found["call_seed"])
        self.timeout = _or_none(found["timeout_us"])
        self._rungs = [Rung(rung) for rung in found["retries"]]

    def __len__(self) -> int:
        return len(self._rungs)

    def __getitem__(self, index: int) -> Rung:
        return self._rungs[index]

    def __iter__(self) -> Iterator[Rung]:
        return iter(self._rungs)


class Peak:
    """The fullest window: `arrivals` retries in it; it begins `at` seconds after the herd failed. `retry` is which, None for all."""

    __slots__ = ("arrivals", "at", "retry")

    def __init__(self, at_us: int, arrivals: int, retry: int | None = None) -> None:
        self.at = at_us / 1e6
        self.arrivals = arrivals
        self.retry = retry

    def __repr__(self) -> str:
        return f"Peak(at={self.at!r}, arrivals={self.arrivals!r}, retry={self.retry!r})"


class Herd(Report):
    """What `simulate_herd` finds. Times are in seconds.

    `arrivals` is the histogram: retries in each window, up to the last that is not empty. `peak` is its fullest window, `peaks` those of
    the first, the second, ... retry; the sixteenth has the later ones as well. All clients are in one of `succeeded`, `gave_up` (by reason)
    and `unfinished`. `attempts` of all clients, the first included; `last_at` is when the last was made.
    """

    __slots__ = ("arrivals", "attempts", "clients", "gave_up", "last_at", "peak", "peaks", "seed", "succeeded", "unfinished", "window")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.clients: int = found["clients"]
        self.seed = int(found["seed"])
        self.window: float = found["window_us"] / 1e6
        self.arrivals: list[int] = found["arrivals"]
        self.peak = Peak(**found["peak"])
        self.peaks = [Peak(**peak) for peak in found["peaks"]]
        self.attempts: int = found["attempts"]
        self.succeeded: int = found["succeeded"]
        self.gave_up: dict[str, int] = found["gave_up"]
        self.unfinished: int = found["unfinished"]
        self.last_at: float = found["last_at_us"] / 1e6


class PeakLoad:
    """The fullest window: so many `attempts` reached the server in it; it begins `at` seconds after the first call."""

    __slots__ = ("at", "attempts")

    def __init__(self, at_us: int, attempts: int) -> None:
        self.at = at_us / 1e6
        self.attempts = attempts

    def __repr__(self) -> str:
        return f"PeakLoad(at={self.at!r}, attempts={self.attempts!r})"


class Outage(Report):
    """What `simulate_outage` finds. Times are in seconds.

    Of each window, `first` has the first attempts that reached the server, `retries` the later ones, `served` the requests that it answered
    well. `peak` is the fullest window: `peak.at` when it begins, `peak.attempts` how many reached the server in it. All `calls` are in one of
    `succeeded`, `gave_up` (by reason) and `unfinished`. `attempts` reached the server in all, `total_retries` of them not the first of their
    call; `load_in_outage` is how many reached it during the outage for each call that began then, None if none did. `recovered_at` is when
    the first window begins, not before the end of the outage, from which on every request is answered well, None if never.
    """

    __slots__ = (
        "attempts",
        "calls",
        "first",
        "gave_up",
        "load_in_outage",
        "peak",
        "recovered_at",
        "retries",
        "seed",
        "served",
        "succeeded",
        "total_retries",
        "unfinished",
        "window",
    )

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.calls: int = found["calls"]
        self.seed = int(found["seed"])
        self.window: float = found["window_us"] / 1e6
        self.first: list[int] = found["first"]
        self.retries: list[int] = found["retries"]
        self.served: list[int] = found["served"]
        self.attempts: int = found["attempts"]
        self.total_retries: int = found["total_retries"]
        self.succeeded: int = found["succeeded"]
        self.gave_up: dict[str, int] = found["gave_up"]
        self.unfinished: int = found["unfinished"]
        self.peak = PeakLoad(**found["peak"])
        self.load_in_outage: float | None = found["load_in_outage"]
        recovered_at = found["recovered_at_us"]
        self.recovered_at: float | None = None if recovered_at is None else recovered_at / 1e6


class Loss(Report):
    """What `simulate_loss` finds: of `trials` chains, `succeeded`; `by_formula` is the probability that a chain does.

    `requests` were made in all, and `lost` of them.
    """

    __slots__ = ("by_formula", "lost", "requests", "seed", "succeeded", "trials")

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.trials: int = found["trials"]
        self.seed = int(found["seed"])
        self.succeeded: int = found["succeeded"]
        self.by_formula: float = found["by_formula"]
        self.requests: int = found["requests"]
        self.lost: int = found["lost"]


class Layers(Report):
    """What `simulate_layers` finds. Times are in seconds.

    `attempts` of each layer, the last of which are the requests `at_bottom`; `amplification` is these for each call on average,
    `most_at_bottom` for the worst. All calls are in one of `succeeded`, `gave_up` (by reason, of the first layer) and `unfinished`.
    `elapsed` is how long the calls took, one after the other.
    """

    __slots__ = (
        "amplification",
        "at_bottom",
        "attempts",
        "calls",
        "elapsed",
        "gave_up",
        "most_at_bottom",
        "seed",
        "succeeded",
        "unfinished",
    )

    def __init__(self, text: str, json_text: str) -> None:
        super().__init__(text, json_text)
        found = json.loads(json_text)
        self.calls: int = found["calls"]
        self.seed = int(found["seed"])
        self.attempts: list[int] = found["attempts"]
        self.at_bottom: int = found["at_bottom"]
        self.most_at_bottom: int = found["most_at_bottom"]
        self.amplification: float = found["amplification"]
        self.succeeded: int = found["succeeded"]
        self.gave_up: dict[str, int] = found["gave_up"]
        self.unfinished: int = found["unfinished"]
        self.elapsed: float = found["elapsed_us"] / 1e6


def _or_none(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6


def _estimate(estimate: dict[str, float] | None) -> Estimate | None:
    return None if estimate is None else Estimate(**estimate)


def _seconds(estimate: dict[str, int] | None) -> Estimate | None:
    return None if estimate is None else Estimate(estimate["value"] / 1e6, estimate["error"] / 1e6)
