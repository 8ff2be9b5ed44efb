"""What `analyse` and its relatives find: objects that print themselves as the same text in every language."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Analysis", "Distribution", "Estimate", "Finding", "Findings"]


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

    `mean`, `p50`, `p90`, `p99` are Estimates; `worst` is what no call exceeds, or None without a limit.
    """

    __slots__ = ("mean", "p50", "p90", "p99", "worst")

    def __init__(self, times: dict[str, Any]) -> None:
        self.mean = _seconds(times["mean"])
        self.p50 = _seconds(times["p50"])
        self.p90 = _seconds(times["p90"])
        self.p99 = _seconds(times["p99"])
        self.worst = _or_none(times["worst"])

    def __repr__(self) -> str:
        return f"Distribution(mean={self.mean!r}, p50={self.p50!r}, p90={self.p90!r}, p99={self.p99!r}, worst={self.worst!r})"


class Analysis(Report):
    """What `Policy.analyse` finds. Times are in seconds; shares and means are Estimates.

    `success` is the share of calls that succeed in the end; `gave_up` has the shares given up, by reason; `unfinished` is what is still
    retried after 1000 attempts. `attempts` a call makes on average, which is the `load` on the server, and `most_attempts`. `wait` is what
    a call waits in all, `added_latency` that and the attempts after the first, `worst_time` the longest call. `amplification` is what the
    stack of layers makes of one call, `worst_amplification` that in an outage. `chain` succeeds with retries, `chain_without` without.
    """

    __slots__ = (
        "added_latency",
        "amplification",
        "attempt_duration",
        "attempts",
        "calls",
        "chain",
        "chain_without",
        "failure_rate",
        "gave_up",
        "layers",
        "load",
        "most_attempts",
        "repeats",
        "success",
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
        self.timeout = _or_none(found["timeout_us"])
        self.success = Estimate(**found["success"])
        self.gave_up = {reason: Estimate(**share) for reason, share in found["gave_up"].items()}
        self.unfinished = Estimate(**found["unfinished"])
        self.attempts = Estimate(**found["attempts"])
        self.most_attempts: int | None = found["most_attempts"]
        self.load = Estimate(**found["load"])
        self.wait = Distribution(found["wait_us"])
        self.added_latency = Distribution(found["added_latency_us"])
        self.worst_time = _or_none(found["worst_time_us"])
        self.amplification = None if found["amplification"] is None else Estimate(**found["amplification"])
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


def _or_none(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6


def _seconds(estimate: dict[str, int] | None) -> Estimate | None:
    return None if estimate is None else Estimate(estimate["value"] / 1e6, estimate["error"] / 1e6)
