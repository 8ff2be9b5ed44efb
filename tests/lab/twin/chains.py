"""Chains of requests over a lossy network: how often they succeed, measured, simulated and computed, side by side.

Each chain has a channel of its own that is good at first (Gilbert and Elliott). Its parts are downloads by a policy of so many attempts;
the whole of it is repeated by a policy, too. Both packages do it behind lossy-proxy, one step of the channel per request, and simulate and
compute it; the oracle of the tests, which was written without looking at the core, computes it once more.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from chain import Chain, Model
from network import HERE, SIZE, Client, Proxy, serve
from sample import Sample, error, format_table

SEED = 17
MODEL = Model(p=0.03, r=0.1, h=0.1, k=0.98)
CHAINS = [Chain(*numbers) for numbers in product((1, 3, 10), (1, 3), (1, 2, 3))]
SIMULATED = 20_000
WAYS = {"Python": "aiohttp", "JavaScript": "fetch"}
TEXT = """A chain of requests succeeds only if all of its parts do, so a long one fails often on a network that loses little. Retrying each part
(attempts) repeats only what was lost; retrying the whole chain (repeats) also repeats what had succeeded, but comes back when a burst is over.

`Python` and `JavaScript` are the shares of chains that succeeded there, `allowed` how far they may be from what was computed. The core
simulated and computed the next two; the oracle of the tests computed the same by code of its own. `no bursts` would be the share if as many
requests were lost, each independently of the others. `requests` is how many a chain needed, and `expected` how many by the simulation.
"""


@dataclass
class Found:
    formula: float
    simulated: float
    expected_requests: float
    sample: Sample


def measure(way: str, port: int, number: int) -> list[Found]:
    with Proxy(port) as proxy:
        with Client(way) as client:
            found = [measure_chain(chain, proxy, client, number) for chain in CHAINS]
        proxy.settle(0)
        return found


def measure_chain(chain: Chain, proxy: Proxy, client: Client, number: int) -> Found:
    policy = str(HERE / "policy.json")
    loss = {**vars(MODEL), "calls": chain.parts, "repeats": chain.repeats, "attempts": chain.attempts, "trials": SIMULATED}
    computed = client.tell({"compute": {"policy": policy, "loss": loss}})
    told = {"url": f"{proxy.url}/", "policy": policy, "attempts": chain.attempts, "parts": chain.parts, "repeats": chain.repeats}
    sample = Sample()
    for place in range(number):
        proxy.begin(SEED, place, down=str(MODEL), segment=0, after=3000, faults=["cut", "reset"])
        done = client.tell(told)
        if done.get("sizes", [SIZE] * chain.parts) != [SIZE] * chain.parts:
            sys.exit(f"{chain}: number {place} has texts of {done['sizes']} characters, the server sent {SIZE}")
        sample.succeeded.append("sizes" in done)
        sample.requests.append(proxy.count()["answers"])
    return Found(computed["formula"], computed["simulated"], computed["requests"], sample)


def problems_of(chain: Chain, by_language: dict[str, Found]) -> list[str]:
    problems = []
    computed, without_bursts = chain.success(MODEL), chain.success(MODEL.without_bursts)
    for language, found in by_language.items():
        if abs(found.formula - computed) > 2e-9:
            problems.append(f"{language}: {found.formula} by formula, the oracle says {computed}")
        if abs(found.simulated - computed) > error(computed, SIMULATED):
            problems.append(f"{language}: {found.simulated} simulated, {computed} ± {error(computed, SIMULATED):.4f} computed")
        differences = found.sample.problems({"computed": computed}, found.expected_requests, chain.deviation_of_requests(MODEL))
        problems += [f"{language}: {difference}" for difference in differences]
        if tells_bursts(chain, found.sample.number) and found.sample.is_of(without_bursts):
            problems.append(f"{language}: {found.sample.success:.4f} succeed, as if there were no bursts: {without_bursts}")
    if len({str(found.sample) for found in by_language.values()}) > 1:
        problems.append(f"the same losses, but {' and '.join(by_language)} do not do the same")
    return [f"{chain}: {problem}" for problem in problems]


def tells_bursts(chain: Chain, number: int) -> bool:
    """Whether so many can be only one of both, over the channel or without its bursts."""
    computed, without_bursts = chain.success(MODEL), chain.success(MODEL.without_bursts)
    return abs(computed - without_bursts) > error(computed, number) + error(without_bursts, number)


def row(chain: Chain, by_language: dict[str, Found]) -> list[str]:
    one = by_language["Python"]
    computed = chain.success(MODEL)
    return [
        *(str(number) for number in (chain.parts, chain.attempts, chain.repeats)),
        *(f"{found.sample.success:.3f}" for found in by_language.values()),
        f"± {error(computed, one.sample.number):.3f}",
        *(f"{share:.4f}" for share in (one.simulated, one.formula, computed, chain.success(MODEL.without_bursts))),
        f"{one.sample.mean_requests:.2f}",
        f"{one.expected_requests:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, default=80, help="how many of each kind are measured (80)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    arguments = parser.parse_args()
    port = serve()
    with ThreadPoolExecutor() as pool:
        columns = list(pool.map(lambda way: measure(way, port, arguments.chains), WAYS.values()))
    found = [(chain, dict(zip(WAYS, measured, strict=True))) for chain, *measured in zip(CHAINS, *columns, strict=True)]
    header = ["parts", "attempts", "repeats", *WAYS, "allowed", "simulated", "computed", "oracle", "no bursts", "requests", "expected"]
    rows = [row(chain, by_language) for chain, by_language in found]
    print(format_table(header, rows))
    if arguments.markdown:
        model = ", ".join(f"{name} = {share}" for name, share in vars(MODEL).items())
        measured = f"Measured are {arguments.chains} chains of each kind, each over a channel of its own with {model}."
        table = format_table(header, rows, markdown=True)
        arguments.markdown.write_text(f"{TEXT}\n{measured}\n\n{table}\n", encoding="utf-8")
    problems = [problem for chain, by_language in found for problem in problems_of(chain, by_language)]
    if not any(tells_bursts(chain, arguments.chains) for chain in CHAINS):
        problems.append(f"{arguments.chains} chains of each kind are too few to tell anything")
    if problems:
        sys.exit("\n".join(problems))
    print(f"chains: {len(CHAINS)} kinds, {arguments.chains} of each by {' and '.join(WAYS)}, as simulated and as computed")


if __name__ == "__main__":
    main()
