"""What was counted of many downloads or chains, how far it may be from what is computed, and tables of it."""

import statistics
from dataclasses import dataclass, field
from math import sqrt

DEVIATIONS = 5


def error(success: float, number: int) -> float:
    """How far a sample of that number may be from the probability; half of one beside, since a sample counts whole ones."""
    return DEVIATIONS * sqrt(success * (1 - success) / number) + 0.5 / number


@dataclass
class Sample:
    """Whether each succeeded, and its requests."""

    succeeded: list[bool] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)

    @property
    def number(self) -> int:
        return len(self.succeeded)

    @property
    def success(self) -> float:
        return statistics.fmean(self.succeeded)

    @property
    def mean_requests(self) -> float:
        return statistics.fmean(self.requests)

    def is_of(self, success: float) -> bool:
        return abs(self.success - success) <= error(success, self.number)

    def problems(self, success: dict[str, float], requests: float, deviation: float) -> list[str]:
        """What it differs in from the probabilities to succeed, by where they come from, and from the requests of one, on average."""
        problems = [
            f"{self.success:.4f} succeed, {name} {chance:.4f} ± {error(chance, self.number):.4f}"
            for name, chance in success.items()
            if not self.is_of(chance)
        ]
        allowed = DEVIATIONS * deviation / sqrt(self.number) + 0.5 / self.number
        if abs(self.mean_requests - requests) > allowed:
            problems.append(f"{self.mean_requests:.3f} requests each, computed {requests:.3f} ± {allowed:.3f}")
        return problems


def format_table(header: list[str], rows: list[list[str]], markdown: bool = False) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def padded(row: list[str]) -> list[str]:
        return [cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))]

    if not markdown:
        return "\n".join("  ".join(padded(row)).rstrip() for row in (header, *rows))
    rule = [f"{'-' * (width - 1)}:" if column else "-" * width for column, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (padded(header), rule, *map(padded, rows)))
