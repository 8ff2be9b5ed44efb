"""`Breaker`: refuses calls for a while once too many have failed or been slow."""

from __future__ import annotations

from . import _core
from ._guard import Counting, Guard, check_name, check_seed, checked, in_testing, now, outcome_of
from ._named import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Unpack

    from ._links import BreakerLink
    from ._options import BreakerOptions, BreakerSnapshot, Counted

    Outcome = Literal["ok", "failed", "ignored", "dropped"]


class BreakerOpen(Exception):
    """A breaker refused the call, on this side: nothing was sent. `retry_in` is how long it goes on refusing, in seconds."""

    def __init__(self, retry_in: float, name: str | None = None) -> None:
        super().__init__(retry_in, name)
        self.retry_in = retry_in
        self.name = name

    def __str__(self) -> str:
        which = "the breaker" if self.name is None else f"the breaker {self.name}"
        return f"{which} is open and refuses calls for another {self.retry_in:g} s; nothing was sent"


class Permit:
    """Leave for one call. `settle` it once, however the call ends; a second time is harmless."""

    __slots__ = ("_breaker", "_generation", "_link", "_number", "_started")

    def __init__(self, breaker: _core.Breaker, generation: int, number: int, started: int, link: BreakerLink | None = None) -> None:
        self._breaker: _core.Breaker | None = breaker
        self._link = link
        self._generation = generation
        self._number = number
        self._started = started

    def settle(self, outcome: Outcome) -> None:
        """How the call ended: `ok`; `failed`; `ignored`, which says nothing about what was called; `dropped`, if it was cancelled."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            ended = now()
            breaker.settle(self._generation, self._number, outcome, max(0, ended - self._started), ended)
            if self._link is not None:
                self._link.noted(is_urgent=outcome == "failed")


class Breaker(Guard):
    """One breaker for one thing that is called; share it among threads and tasks.

    Closed, it counts results in a window: the last `window_calls` (100), or those of the last `window_time`. With `min_calls` (20) in it and
    a share of failures of `failure_rate` (0.5), or of calls slower than `slow_after` of `slow_rate` (1), it opens: every call raises
    `BreakerOpen`. How long is `initial` (5 s), times `factor` (2) each time it opens again without having closed, up to `max_delay` (60 s),
    with `jitter` (`equal`; `full`, `none`). Then it is half-open: it lets `probes` (3) calls through, and closes or opens as soon as their
    outcome is certain. A probe that is not settled within `probe_timeout` (60 s) is taken back. What was started before a change of state
    does not count after it.

    `on` says which errors are failures: exception types or a function of the error; by default all. Others are ignored, and cancellation
    drops the call. `seed` makes its jitter repeatable. Raises PolicyError with every mistake at once.

    With a `name` there is one in a process, for as long as a policy or a program holds it: breakers and policies of the same name, and the
    same options, count together, each `on` for its own calls. `Policy(breaker=...)` takes one with a name; there the core says what counts.

    Its clock is `time.monotonic`, or that of `testing()`: one that has run by the first stands still in the second, so make one for each test.
    """

    __slots__ = ("__weakref__", "_on", "_state", "name")

    def __init__(
        self, *, on: Counted = Exception, name: str | None = None, seed: int | None = None, **options: Unpack[BreakerOptions]
    ) -> None:
        self._on = Counting(on)
        self.name = check_name(name)
        check_seed(seed)
        if name is None:
            self._state = State(checked(_core.Breaker.compile(options, "python", seed)), None)
            return
        from ._policy import compiled

        self._state = shared(compiled({"preset": "none", "breaker": {"name": name, **options}}, "python"), seed)

    @property
    def options(self) -> dict[str, Any] | None:
        """What it was made of, defaults included, as a policy takes it; None without a name."""
        import json

        return None if self._state.text is None else json.loads(self._state.text)["breaker"]

    @property
    def _core(self) -> _core.Breaker:
        testing = None if self._state.link is None else in_testing()
        if testing is None:
            return self._state.core
        # Of a fleet's, whose results go to no store there.
        return testing._breakers.setdefault(self.name or "", self._state.core.fresh())

    @property
    def _link(self) -> BreakerLink | None:
        """What ties it to a fleet, unless it is tested."""
        link = self._state.link
        return None if link is None or in_testing() is not None else link

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """What it does with a call that comes now."""
        return self._core.look(now())[0]

    def snapshot(self) -> BreakerSnapshot:
        """What it has counted: `state`; `calls`, `failures` and `slow` of the window or of the probes; `trips` since it was last closed;
        `probing`, the probes that are not settled; `retry_in`, the seconds for which it refuses."""
        state, calls, failures, slow, trips, probing, retry_in = self._core.look(now())
        return {
            "state": state,
            "calls": calls,
            "failures": failures,
            "slow": slow,
            "trips": trips,
            "probing": probing,
            "retry_in": retry_in / 1e6,
        }

    def permit(self) -> Permit:
        """Leave for one call, for what fits neither a function nor a block. Raises BreakerOpen."""
        link = self._link
        if link is not None:
            link.knock()
        return self._permit(link)

    def _permit(self, link: BreakerLink | None) -> Permit:
        asked = now()
        core = self._core
        retry_in, generation, number = core.permit(asked)
        if retry_in is not None:
            raise BreakerOpen(retry_in / 1e6, self.name)
        return Permit(core, generation, number, asked, link)

    def __repr__(self) -> str:
        return f"<Breaker {self.name or ''} {self.state}>".replace("  ", " ")

    def _before(self) -> Permit:
        return self.permit()

    async def _before_async(self) -> Permit:
        link = self._link
        if link is not None:
            await link.knock_async()
        return self._permit(link)

    def _after(self, token: Permit, error: BaseException | None) -> None:
        outcome: Any = "failed"
        try:
            outcome = outcome_of(error, self._on)
        finally:
            token.settle(outcome)


class State:
    """What breakers of one name have in common."""

    __slots__ = ("__weakref__", "core", "link", "text")

    def __init__(self, core: _core.Breaker, text: str | None) -> None:
        self.core = core
        #: What ties it to a fleet.
        self.link: BreakerLink | None = None
        #: A policy that describes it.
        self.text = text


def shared(policy: _core.Policy, seed: int | None = None) -> State:
    """What the breakers of a policy's name have in common, made if it is not there. Raises PolicyError if it cannot be that one."""

    def problems(there: State | None) -> list[tuple[str, str, str]]:
        return policy.breaker_problems(None if there is None else there.core)

    made = known.find_or_make(policy.breaker_name or "", problems, lambda: State(_core.Breaker(policy, seed), policy.dump()))
    if seed is not None:
        made.core.reseed(seed)
    return made


def of_policy(policy: _core.Policy) -> Breaker | None:
    """The breaker that a policy names."""
    name = policy.breaker_name
    if name is None:
        return None
    breaker = object.__new__(Breaker)
    breaker._on, breaker.name, breaker._state = Counting(Exception), name, shared(policy)
    return breaker


known = Names()
