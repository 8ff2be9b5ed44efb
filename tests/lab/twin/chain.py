"""What the oracle of the tests, which was written without looking at the core, says of chains over a lossy network."""

import statistics
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "oracle")]

import draws
import sim

FOLLOWED = 1000


@dataclass(frozen=True)
class Model:
    """A channel: `h` and `k` are what gets through while it is bad and good."""

    p: float
    r: float
    h: float
    k: float

    def __str__(self) -> str:
        """As lossy-proxy takes it."""
        return f"{self.p},{self.r},{self.h},{self.k}"

    @property
    def lost(self) -> float:
        """The share of requests that are lost in the long run."""
        bad = self.p / (self.p + self.r)
        return round(bad * (1 - self.h) + (1 - bad) * (1 - self.k), 6)

    @property
    def without_bursts(self) -> "Model":
        """As many are lost, each independently of the others."""
        return independent(self.lost)

    def shares(self) -> tuple[dict[int, int], dict[int, int]]:
        of = {name: sim.of_2_32(Fraction(str(share))) for name, share in vars(self).items()}
        return {sim.GOOD: of["k"], sim.BAD: of["h"]}, {sim.GOOD: of["p"], sim.BAD: of["r"]}


def independent(lost: float) -> Model:
    """A channel whose state makes no difference."""
    through = round(1 - lost, 6)
    return Model(p=0, r=1, h=through, k=through)


@dataclass(frozen=True)
class Chain:
    """So many parts, each made up to `attempts` times, and all that up to `repeats` times."""

    parts: int
    attempts: int
    repeats: int

    @cache
    def success(self, model: Model) -> float:
        return sim.chance_of_a_chain(sim.Loss(calls=self.parts, repeats=self.repeats, attempts=self.attempts), *model.shares())

    @cache
    def deviation_of_requests(self, model: Model) -> float:
        """That of the number of requests, of some chains that are followed."""
        requests = []
        for number in range(FOLLOWED):
            channel = sim.Channel(draws.call_seed(1, number), *model.shares())
            any(all(any(channel.request() for _ in range(self.attempts)) for _ in range(self.parts)) for _ in range(self.repeats))
            requests.append(channel.requests)
        return statistics.stdev(requests)
