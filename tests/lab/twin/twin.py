"""Both packages download over a lossy network, as often as is computed: the lab on a proxy, which needs neither Linux nor root.

A channel that is good or bad (Gilbert and Elliott) decides what gets through; policies retry what does not. How many downloads succeed, and
with how many requests, must be what the packages compute of the same policy and channel, within five standard deviations of the sample; and
must not be what they compute of another. Clients that meet the same losses one by one must do the same one by one.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from chain import Chain, Model, independent
from network import ANSWERS, HERE, OPEN_WAYS, SIZE, WAYS, Client, Proxy, serve
from sample import Sample, error, format_table

SEED = 7
ATTEMPTS = 3
ONCE = Chain(parts=1, attempts=ATTEMPTS, repeats=1)
SEGMENT = 1448
#: Of the packages' own simulations: their error is small beside that of the sample.
TRIALS = 100_000
BURSTY = Model(p=0.5, r=0.2, h=0.1, k=0.7)
#: A network without memory, since p and r are 1 together: each segment of an answer is lost with p.
SEGMENTS = Model(p=0.13, r=0.87, h=0, k=1)
LOST_ANSWERS = round(1 - (1 - SEGMENTS.lost) ** ceil(len(ANSWERS["/"]) / SEGMENT), 6)


@dataclass
class Case:
    name: str
    #: What the proxy is told.
    options: dict[str, Any]
    #: What becomes of an attempt.
    model: Model
    #: A wrong idea of it, whose success must be another: what a test that cannot fail would not notice.
    contrast: float
    ways: dict[str, str] = field(default_factory=lambda: WAYS)
    #: How often a document is asked for whose body is lost.
    attempts: int = ATTEMPTS
    policy: str = "policy.json"
    path: str = "/"
    downloads: int = 150
    #: Each download has a channel of its own that is good at first; else one goes on through all.
    anew: bool = True
    #: The failure rate, if it is one number: `analyse` knows such a network.
    failure_rate: float | None = None
    #: What each of its failures is.
    class_: str = "transient"
    #: Nothing in it is a matter of time, so that all clients do the same.
    is_exact: bool = True


CASES = [
    Case(
        "segments lost, no memory",
        {"down": str(SEGMENTS), "segment": SEGMENT, "faults": ["cut", "reset"]},
        independent(LOST_ANSWERS),
        contrast=1 - LOST_ANSWERS,
        anew=False,
        failure_rate=LOST_ANSWERS,
    ),
    Case(
        "bursts, nothing comes",
        {"down": str(BURSTY), "segment": 0, "after": 0, "faults": ["cut", "reset"]},
        BURSTY,
        contrast=ONCE.success(BURSTY.without_bursts),
    ),
    Case(
        "bursts, chunked bodies break off",
        {"down": str(BURSTY), "segment": 0, "after": 3000, "faults": ["cut", "reset"]},
        BURSTY,
        contrast=ONCE.success(BURSTY.without_bursts),
        path="/chunked",
    ),
    Case(
        "bodies stall",
        {"down": str(independent(0.6)), "segment": 0, "after": 3000, "faults": ["stall"]},
        independent(0.6),
        # Hardly more than one of so few: a client that takes a stall for a success, or waits for its end.
        contrast=1,
        policy="stalls.json",
        downloads=12,
        failure_rate=0.6,
        class_="timeout",
        is_exact=False,
    ),
    Case(
        "bodies break off, not covered",
        {"down": str(independent(0.5)), "segment": 0, "after": 3000, "faults": ["cut", "reset"]},
        independent(0.5),
        contrast=1 - 0.5**ATTEMPTS,
        ways=OPEN_WAYS,
        attempts=1,
    ),
]


@dataclass
class Found:
    case: Case
    way: str
    computed: float
    simulated: float
    expected_requests: float
    sample: Sample

    def row(self) -> list[str]:
        return [
            f"{self.case.name}: {self.way}",
            str(self.sample.number),
            f"{self.sample.success:.3f}",
            f"{self.computed:.4f}",
            f"{self.simulated:.4f}",
            f"± {error(self.computed, self.sample.number):.3f}",
            f"{self.case.contrast:.3f}",
            f"{self.sample.mean_requests:.3f}",
            f"{self.expected_requests:.3f}",
        ]

    def problems(self) -> list[str]:
        deviation = Chain(parts=1, attempts=self.case.attempts, repeats=1).deviation_of_requests(self.case.model)
        problems = self.sample.problems({"computed": self.computed, "simulated": self.simulated}, self.expected_requests, deviation)
        if self.sample.is_of(self.case.contrast):
            problems.append(f"{self.sample.success:.4f} succeed, which a wrong idea of the network computes, too: {self.case.contrast:.4f}")
        return [f"{self.case.name}: {self.way}: {problem}" for problem in problems]


def measure(way: str, port: int) -> list[Found]:
    with Proxy(port) as proxy:
        found = []
        with Client(way) as client:
            for case in CASES:
                if way in case.ways:
                    found.append(measure_case(case, way, proxy, client))
                    # One for each case may be kept alive; what has failed is closed.
                    proxy.settle(len(found))
        proxy.settle(0)
        return found


def measure_case(case: Case, way: str, proxy: Proxy, client: Client) -> Found:
    policy = str(HERE / case.policy)
    loss = {**vars(case.model), "calls": 1, "attempts": case.attempts, "trials": TRIALS}
    told: dict[str, Any] = {"policy": policy, "attempts": case.attempts, "loss": loss}
    if case.failure_rate is not None:
        told["failure_rate"] = case.failure_rate
    computed = client.tell({"compute": told})
    if case.failure_rate is not None and abs(computed["analysed"] - computed["formula"]) > 1e-5:
        sys.exit(f"{case.name}: {way}: analyse says {computed['analysed']} of the downloads succeed, the formula {computed['formula']}")
    sample, answers = Sample(), 0
    for number in range(case.downloads):
        if case.anew or number == 0:
            proxy.begin(SEED, number, **case.options)
            answers = 0
        done = client.tell({"url": proxy.url + case.path, "policy": policy, "parts": 1})
        before, answers = answers, proxy.count()["answers"]
        sample.requests.append(answers - before)
        sample.succeeded.append(is_success(f"{case.name}: {way}: download {number}", case, done))
    success, requests = computed.get("analysed", computed["formula"]), computed.get("attempts", computed["requests"])
    return Found(case, way, success, computed["simulated"], requests, sample)


def is_success(where: str, case: Case, done: dict[str, Any]) -> bool:
    if "sizes" in done:
        if done["sizes"] != [SIZE]:
            sys.exit(f"{where}: has a text of {done['sizes']} characters, the server sent {SIZE}")
        return True
    if case.ways is WAYS and (done["reason"], done["classes"]) != ("attempts", [case.class_] * case.attempts):
        sys.exit(f"{where}: should be given up after {case.attempts} attempts that are {case.class_}: {done}")
    return False


def main() -> None:
    port = serve()
    ways = [*WAYS, *OPEN_WAYS]
    with ThreadPoolExecutor(len(ways)) as pool:
        found = [one for measured in pool.map(lambda way: measure(way, port), ways) for one in measured]
    found.sort(key=lambda one: CASES.index(one.case))
    header = ["network: client", "downloads", "succeed", "computed", "simulated", "allowed", "contrast", "requests", "expected"]
    print(format_table(header, [one.row() for one in found]))
    problems = [problem for one in found for problem in one.problems()]
    for case in CASES:
        of_case = [one for one in found if one.case is case]
        outcomes = {str(one.sample): one.way for one in of_case}
        if case.is_exact and len(outcomes) > 1:
            problems.append(f"{case.name}: the same losses, but {' and '.join(outcomes.values())} do not do the same")
        figures = {(one.computed, one.simulated, one.expected_requests): one.way for one in of_case}
        if len(figures) > 1:
            problems.append(f"{case.name}: {' and '.join(figures.values())} do not compute the same")
    if problems:
        sys.exit("\n".join(problems))
    downloads = sum(one.sample.number for one in found)
    print(f"twin: {downloads} downloads of {len(ways)} clients over {len(CASES)} networks, as simulated and as computed")


if __name__ == "__main__":
    main()
