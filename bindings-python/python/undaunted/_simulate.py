"""Simulations: many calls followed one by one, the same for a seed in every language."""

from __future__ import annotations

from . import _core
from ._errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._options import Duration
    from ._policy import Policy
    from .lab import Herd, Layers, Loss, Outage

    Progress = Callable[[int, int], object]


def simulate_herd(
    policy: Policy,
    *,
    clients: int = 10_000,
    window: Duration = 0.1,
    windows: int = 1_200,
    outage: Duration | None = None,
    capacity: int | None = None,
    processes: int = 1,
    status: int = 503,
    hint: Duration | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Herd:
    """What becomes of `clients` (1 to 1000000) that fail together at one instant, and come back as the policy says.

    The server fails for `outage`, by default for ever, with HTTP `status` and the wait that `hint` asks for; then it answers `capacity`
    requests in each window well, by default all. The clients are spread over `processes` (1 to 1000), each with a full budget of its own,
    if the policy has one. Retries are counted in `windows` (1 to 6000) of the width `window`; the herd is followed no longer. Attempts take
    no time. One million clients with ten attempts take about a second.

    `progress(done, clients)` is called between slices, during which other threads run; what it raises, or Ctrl-C, ends the simulation.
    `str(herd)` is a text for a reader, the same in every language. Raises PolicyError with every mistake in the conditions at once.
    """
    from .lab import Herd

    conditions = {
        "clients": clients,
        "window": window,
        "windows": windows,
        "outage": outage,
        "capacity": capacity,
        "processes": processes,
        "status": status,
        "hint": hint,
    }
    return Herd(*_run(_core.simulate_herd(policy._core, _budget(policy), _word(seed), conditions, "python"), progress))


def simulate_loss(
    *,
    p: float = 0.01,
    r: float = 0.1,
    h: float = 0.5,
    k: float = 1.0,
    calls: int = 10,
    repeats: int = 1,
    attempts: int = 3,
    trials: int = 10_000,
    seed: int = 1,
    progress: Progress | None = None,
) -> Loss:
    """What becomes of chains of requests over a lossy network: a channel that is good at first (Gilbert and Elliott).

    With each request a good channel becomes bad with probability `p`, a bad one good with `r`; a request gets through with probability `k`
    while it is good, `h` while it is bad (0 to 1, six decimals). A chain is `calls` (1 to 10000) that must all get through, each made up to
    `attempts` (1 to 100) times; it is tried from its first call up to `repeats` (1 to 1000) times. `trials` (1 to 1000000) chains are
    followed, and set beside the formula.

    `progress(done, trials)`, `str(loss)` and errors as of `simulate_herd`.
    """
    from .lab import Loss

    conditions = {"p": p, "r": r, "h": h, "k": k, "calls": calls, "repeats": repeats, "attempts": attempts, "trials": trials}
    return Loss(*_run(_core.simulate_loss(_word(seed), conditions, "python"), progress))


def simulate_layers(
    policy: Policy,
    *,
    layers: int = 3,
    calls: int = 1_000,
    failure_rate: float = 1.0,
    status: int = 503,
    hint: Duration | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Layers:
    """What layers of services that retry each other under one policy make of `calls` (1 to 1000000).

    Each of `layers` (1 to 10) calls the next, the last makes requests at the bottom; of these `failure_rate` (0 to 1, six decimals) fail,
    with HTTP `status` and the wait that `hint` asks for, and so does a layer that gives up. Each layer has a full budget of its own, if the
    policy has one. The calls are made one after the other on a clock that only waits move; without limits they may be very many.

    `progress(done, calls)`, `str(layers)` and errors as of `simulate_herd`.
    """
    from .lab import Layers

    conditions = {"layers": layers, "calls": calls, "failure_rate": failure_rate, "status": status, "hint": hint}
    return Layers(*_run(_core.simulate_layers(policy._core, _budget(policy), _word(seed), conditions, "python"), progress))


def simulate_outage(
    policy: Policy,
    *,
    calls_per_second: float = 100,
    duration: Duration = 60,
    outage_at: Duration = 10,
    outage: Duration = 20,
    capacity: int | None = None,
    window: Duration = 0.25,
    processes: int = 1,
    status: int = 503,
    hint: Duration | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Outage:
    """What becomes of steady traffic over an outage and after it, with the policy's budget and breaker.

    Calls begin evenly spaced, `calls_per_second` (0.000001 to 1000000) of them, at most 1000000 in all; they begin, and are followed, for
    `duration` (1 us to 60000 s). The server fails for `outage` from `outage_at` on, with HTTP `status` and the wait that `hint` asks for; at
    other times it answers `capacity` requests in each window well, by default all, and more fail as in the outage. The calls are spread
    over `processes` (1 to 1000), each with a full budget and a closed breaker of its own, if the policy has them. Requests are counted in
    windows of the width `window` (1 us to 10 s), at most 6000. Attempts take no time; of those at the same instant calls that begin come
    first.

    `progress(done, calls)`, `str(outage)` and errors as of `simulate_herd`.
    """
    from .lab import Outage

    conditions = {
        "calls_per_second": calls_per_second,
        "duration": duration,
        "outage_at": outage_at,
        "outage": outage,
        "capacity": capacity,
        "window": window,
        "processes": processes,
        "status": status,
        "hint": hint,
    }
    breaker = None if policy.breaker is None else policy.breaker._core
    return Outage(*_run(_core.simulate_outage(policy._core, _budget(policy), breaker, _word(seed), conditions, "python"), progress))


def _run(begun: tuple[_core.Simulation | None, list[tuple[str, str, str]]], progress: Progress | None) -> tuple[str, str]:
    simulation, problems = begun
    if simulation is None:
        raise PolicyError(problems)
    ends = False
    while not ends:
        ends = simulation.step(SLICE)
        if progress is not None:
            progress(*simulation.progress())
    return simulation.report()


def _budget(policy: Policy) -> _core.Budget | None:
    return None if policy.budget is None else policy.budget._core


def _word(seed: Any) -> int:
    from ._settings import seed_of

    found = seed_of(seed)
    if found is None:
        raise ValueError("seed is None, allowed a whole number from 0 to 2^64 - 1; pass one, or leave seed out")
    return found.value


#: Attempts in a slice: some hundredths of a second.
SLICE = 200_000
