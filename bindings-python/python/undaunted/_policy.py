"""`Policy`: what to retry, how long to wait and when to stop, as one immutable value."""

from __future__ import annotations

from . import _core
from ._block import RetryContext
from ._errors import PolicyError, leave, warn_nested
from ._plain import refuse_awaitable
from ._readers import BARE, read
from ._settings import NAMES, Settings, seed_of, seeds
from ._wrap import ASYNC, SYNC, decorate, kind_of, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import timedelta
    from os import PathLike
    from typing import Any, ParamSpec, Self, TypeVar, Unpack

    from ._breaker import Breaker
    from ._budget import Budget
    from ._core import Plan
    from ._core import Policy as CorePolicy
    from ._options import Duration, Options
    from ._resume import Resumed
    from ._testing import Testing
    from .lab import Analysis, Difference, Explanation, Findings, Ladder

    P = ParamSpec("P")
    R = TypeVar("R")


class Policy:
    """One retry policy: immutable, hashable, equal by value; any number of threads and tasks may share it.

    Options are those of a policy file, with durations as seconds, timedelta or text with a unit: `attempts` (total calls, the first
    included; 1 to 4294967295, None for no limit), `timeout` (of the whole call, None for none), `attempt_timeout`, `backoff`, `initial`,
    `factor`, `max_delay`, `first`, `jitter`, `hint`, `classes`, `rules`, `budget` (a `Budget`, its options, or its name), `breaker` (a
    `Breaker` with a name, its options, or its name), `idempotent`, `nested`, `on_timeout`, `forever`, `preset`. What is not given comes from
    the preset, by default `standard`: 10 attempts in 45 s, 1 s doubling to 10 s, full jitter.

    Six settings belong to the process and are in no file: `on` (exception types, hooks `error -> bool | seconds | timedelta`, or a tuple of
    these; without it the built-in tables decide, and what they do not know is not retried), `retry_if_result`, `on_event`, `name`, `seed`
    (a whole number below 2^64; the n-th call that fails gets the waits of `schedule(seed=..., call=n)`) and `cancel` (a
    `threading.Event` that ends synchronous waits).

    Raises PolicyError with every mistake at once; TypeError or ValueError for the settings.
    """

    __slots__ = ("__weakref__", "_breaker", "_budget", "_core", "_is_watched", "_plans", "_settings", "_text", "_version")

    _core: CorePolicy
    _breaker: Breaker | None
    _budget: Budget | None
    #: Whether the engine, or what is shared, hears of every attempt and not of failures alone.
    _is_watched: bool
    _settings: Settings
    _text: str
    _version: int | str | None
    _plans: dict[str | None, Plan]

    def __init__(self, **options: Unpack[Options]) -> None:
        given: dict[str, Any] = dict(options)
        settings = Settings({name: given.pop(name) for name in NAMES & given.keys()})
        _fill(self, compiled(given, "python"), settings)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """The policy in a JSON file. Raises OSError, or PolicyError with every mistake in the file."""
        with open(path, "rb") as file:
            text = file.read()
        try:
            return cls.parse(text)
        except PolicyError as error:
            error.add_note(f"in {path}")
            raise

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The policy in a JSON text. Durations are text with a unit there; bare numbers are refused. Raises PolicyError."""
        return cls._of_json(json_value(text))

    @classmethod
    def _of_json(cls, value: object) -> Self:
        """From what a JSON parser made of a text."""
        policy = cls.__new__(cls)
        _fill(policy, compiled(value, "json"), Settings({}))
        return policy

    def current(self) -> Self:
        """Itself: a policy is a source that never changes."""
        return self

    @classmethod
    def preset(cls, preset_name: str, /, **overrides: Unpack[Options]) -> Self:
        """The policy of a preset: `standard`, `interactive`, `aws`, `grpc`, `stamina`, `urllib3`, `google` or `none`. Raises PolicyError."""
        overrides["preset"] = preset_name
        return cls(**overrides)

    def dump(self) -> str:
        """Canonical JSON, one line: `Policy.parse` gives an equal policy. Settings of the process are left out."""
        return self._text

    def replace(self, **options: Unpack[Options]) -> Self:
        """A copy with these options and settings. Raises as the constructor does."""
        given: dict[str, Any] = dict(options)
        changed = {name: given.pop(name) for name in NAMES & given.keys()}
        settings = Settings({**self._settings.given(), **changed}) if changed else self._settings
        policy = self.__class__.__new__(self.__class__)
        _fill(policy, compiled(given, "python", self._core) if given else self._core, settings)
        return policy

    def _of_version(self, version: int | str | None) -> Self:
        """The same, as a source's policy of this version."""
        if version == self.version:
            return self
        policy = self.replace()
        object.__setattr__(policy, "_version", version)
        return policy

    def __call__(self, fn: Callable[P, R], /) -> Callable[P, R]:
        """Decorates a function or method, synchronous or asynchronous. Raises TypeError for generator functions: see `retry`."""
        return decorate(fn, self)  # type: ignore[no-any-return]

    def call(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function with retries."""
        kind = kind_of(fn)
        name = name_of(fn, self)
        if kind != SYNC:
            raise TypeError(f"{name} is an {kind} function, allowed a synchronous one; use call_async for coroutine functions")
        for attempt in RetryContext(self, name):
            with attempt:
                attempt.result = refuse_awaitable(fn(*args, **kwargs), name)
        return attempt.result  # type: ignore[no-any-return]

    async def call_async(self, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Awaits a call with retries, under asyncio or trio. The function may be any callable that returns an awaitable."""
        kind = kind_of(fn)
        name = name_of(fn, self)
        if kind not in (ASYNC, SYNC):
            raise TypeError(f"{name} is a {kind} function, allowed one that returns an awaitable; retry the code that consumes it")
        async for attempt in RetryContext(self, name):
            with attempt:
                pending = fn(*args, **kwargs)
                attempt.result = await pending
        return attempt.result  # type: ignore[no-any-return]

    def resume(self, token: str | None = None, *, key: str | bytes | None = None) -> Resumed:
        """Goes on with the call of a token of `resume_token`, which this policy decides from now on, in whatever process it was given up.

        Attempts, waits and classes are counted on: the wait before attempt n + 1 is the n-th of the same seed. `timeout` counts from the
        first attempt, and the time between the processes counts by the world's clock. What was given up as permanent stays so. What may
        have been acted on is repeated if the policy says `idempotent`, or if the call's own policy had let it be.

        `token` None begins a call of its own; its first attempt is due. A `key` (text counts as its UTF-8) is that of the token's signature:
        with a key, tokens that are not signed are refused, and without one those that are. A budget that a fleet shares is asked.

        Raises PolicyError with every mistake in the token, or for its signature; TypeError or ValueError for what is no token or key.
        """
        from ._resume import resume

        return resume(self, token, key)

    async def resume_async(self, token: str | None = None, *, key: str | bytes | None = None) -> Resumed:
        """As `resume`, where a budget that a fleet shares is awaited; go on with `failed_async`."""
        from ._resume import resume_async

        return await resume_async(self, token, key)

    def schedule(
        self,
        *,
        seed: int | None = None,
        call: int = 1,
        call_seed: int | None = None,
        attempts: int | None = None,
    ) -> list[float]:
        """The waits in seconds, each a whole number of microseconds, if every attempt failed at once, class transient, without a hint.

        `attempts` (1 to 100000) is how far to look, by default the policy's own; `timeout` ends nothing here. `seed` and `call` give the
        waits of the call-th call of that seed, by default the policy's own, `call_seed` those of an event; without any of these they are
        drawn anew. Raises ValueError.
        """
        if seed is not None and call_seed is not None:
            raise ValueError("seed and call_seed are both given, allowed one of them; call_seed already stands for seed and call")
        limit = self._core.attempts if attempts is None else attempts
        if limit is None or not 1 <= limit <= 100_000:
            raise ValueError(f"attempts is {limit}, allowed 1 to 100000; say how many attempts to show")
        if not 1 <= call < 1 << 64:
            raise ValueError(f"call is {call}, allowed 1 to 2^64 - 1; calls are counted from 1")
        given = seed_of(call_seed) or seed_of(seed) or self._settings.seed
        if call != 1 and (given is None or call_seed is not None):
            raise ValueError(f"call is {call}, allowed only with a seed whose calls it counts; pass seed too")
        word = given.value if given is not None else None
        if word is not None and call_seed is None:
            word = _core.call_seed(word, call)
        return [delay / 1e6 for delay in self._core.schedule(limit - 1, word)]

    def ladder(
        self,
        *,
        attempts: int | None = None,
        seed: int | None = None,
        call: int = 1,
        call_seed: int | None = None,
    ) -> Ladder:
        """The waits before each retry of a call whose attempts fail at once, class transient, without a hint: least, median, p99, most.

        `attempts` (1 to 1000) is how far to look, by default the policy's own, 10 where it has no limit; `timeout` ends nothing here, but it
        is told which retries it would. The waits of one call are drawn as by `schedule`, by default for call 1 of the policy's own seed,
        else of 1.

        `str(ladder)` is a table with a chart, the same in every language. Raises PolicyError with every mistake at once.
        """
        from .lab import Ladder

        options = seeds(self._settings.seed, seed, call, call_seed)
        report, problems = _core.ladder(self._core, options if attempts is None else {"attempts": attempts, **options}, "python")
        if report is None:
            raise PolicyError(problems)
        return Ladder(*report)

    def analyse(
        self,
        *,
        failure_rate: float = 0.1,
        attempt_duration: Duration = 0.0,
        layers: int = 3,
        calls: int = 1,
        repeats: int = 1,
        class_: str = "transient",
        calls_per_second: float | None = None,
        quantiles: bool = False,
    ) -> Analysis:
        """What becomes of calls whose attempts fail now and then: computed, with a bound of the error of each figure.

        Attempts fail independently with `failure_rate` (0 to 1, six decimals) and each last `attempt_duration`, without which `timeout`
        looks harmless; failures are of `class_` (transient, throttle, timeout, connect, conflict) and bring no hint. `layers` (1 to 10) of
        services that retry each other with this policy; a chain of `calls` (1 to 1000000) that must all succeed, tried up to `repeats`
        times. `calls_per_second` (0.000001 to 1000000) share the budget: without it, a window's `min_per_second` counts for nothing beside
        them. With `quantiles` the times have more shares of the calls than three. Takes some milliseconds.

        `str(analysis)` is a text for a reader, the same in every language. Raises PolicyError with every mistake at once.
        """
        from .lab import Analysis

        conditions = {
            "failure_rate": failure_rate,
            "attempt_duration": attempt_duration,
            "layers": layers,
            "calls": calls,
            "repeats": repeats,
            "class": class_,
            "calls_per_second": calls_per_second,
            "quantiles": quantiles,
        }
        report, problems = _core.analyse(self._written_out(), conditions, "python")
        if report is None:
            raise PolicyError(problems)
        return Analysis(*report)

    def _written_out(self) -> CorePolicy:
        """With what its budget and its breaker are made of written out, where it only names them."""
        shared = {"budget": self._budget, "breaker": self._breaker}
        options = {name: found.options for name, found in shared.items() if found is not None}
        if not options:
            return self._core
        import json

        return compiled({**json.loads(self._text), **options}, "json")

    def diff(self, other: Policy, *, failure_rate: float = 0.1, attempt_duration: Duration = 0.0) -> Difference:
        """What changes from this policy to another: options, what becomes of calls under the same conditions, findings that come and go.

        Conditions as in `analyse`. `str(difference)` is a text for a reader, the same in every language. Raises PolicyError.
        """
        from .lab import Difference

        if not isinstance(other, Policy):
            raise TypeError(f"the other policy is {other!r}, allowed a Policy; use Policy.load, Policy.parse or Policy(...)")
        conditions = {"failure_rate": failure_rate, "attempt_duration": attempt_duration}
        report, problems = _core.diff(self._written_out(), other._written_out(), conditions, "python")
        if report is None:
            raise PolicyError(problems)
        return Difference(*report)

    def explain(
        self,
        failures: BaseException | Iterable[BaseException | Mapping[str, Any]],
        *,
        attempt_duration: Duration = 0.0,
        seed: int | None = None,
        call: int = 1,
        call_seed: int | None = None,
        active: bool = True,
    ) -> Explanation:
        """Why one call whose attempts fail so is retried or given up: every decision with every term that counted.

        A failure is an exception, read and judged by `on` as in a call, or a mapping: its code under its domain (`{"http": 503}`,
        `{"os": "ECONNRESET"}`; without one it is an error of the user's), and `method`, `idempotency_key`, `phase`, `hint`, `should_retry`,
        `body`, `duration` (of the attempt, by default `attempt_duration`), `verdict` (`named`, `refused`, `forced`: what `on` says), `wait`
        (which it asks for), `cancelled`, `nested`; beside an exception under `error` they come before what the exception says. Up to 100;
        the attempt after the last succeeds. Waits are drawn as by `schedule`, by default for call 1 of the policy's own seed, else of 1.
        The budget is full at first, the breaker closed.

        In place of failures, an exception that a call of this policy has given up explains that call by its `history`, seed and all.

        `str(explanation)` is a text for a reader, the same in every language. Raises PolicyError with every mistake at once; ValueError for
        an exception whose history does not hold all that counted.
        """
        from ._explain import explain

        conditions = {"attempt_duration": attempt_duration, "active": active}
        return explain(self, failures, conditions, seed, call, call_seed)

    def lint(self) -> Findings:
        """What a reviewer would say of this policy: findings with code, level, JSON pointer and a sentence. Presets have none above info.

        `str(findings)` is a text for a reader, the same in every language.
        """
        from .lab import Findings

        return Findings(*_core.lint(self._core))

    @property
    def attempts(self) -> int | None:
        """Total calls allowed, the first included; None is no limit."""
        return self._core.attempts

    @property
    def timeout(self) -> float | None:
        """Limit of the whole call in seconds; None is no limit."""
        return self._core.timeout

    @property
    def attempt_timeout(self) -> float | None:
        """Limit of one attempt in seconds; None lets it run."""
        return self._core.attempt_timeout

    @property
    def budget(self) -> Budget | None:
        """The allowance of retries that its calls share with others."""
        return self._budget

    @property
    def breaker(self) -> Breaker | None:
        """What refuses its calls' attempts for a while once too many have failed or been slow."""
        return self._breaker

    @property
    def _shares(self) -> bool:
        """Whether a budget or a breaker must hear how its calls end."""
        return self._budget is not None or self._breaker is not None

    def _is_of_fleet(self) -> bool:
        """Whether other processes share them."""
        return (self._budget is not None and self._budget._link is not None) or (
            self._breaker is not None and self._breaker._state.link is not None
        )

    @property
    def name(self) -> str | None:
        """What events and warnings call it; None for the function's own name."""
        return self._settings.name

    @property
    def version(self) -> int | str | None:
        """Which version it is of what its source has; None if it comes from none that counts versions. No part of what makes policies equal."""
        return self._version

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a policy never changes; policy.replace({name}=...) gives another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a policy never changes; policy.replace(...) gives another")

    def __repr__(self) -> str:
        given = self._settings.given()
        more = f".replace({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else ""
        return f"Policy.parse({self._text!r}){more}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Policy):
            return NotImplemented
        return self._text == other._text and self._settings.given() == other._settings.given()

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        return _restore, (self.__class__, self._text, self._settings.given(), self._version)

    def _plan(self, name: str | None, testing: Testing | None = None) -> Plan:
        if testing is not None:
            return testing._plan(self, name)
        plan = self._plans.get(name)
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            budget = None if self._budget is None else self._budget._core
            breaker = None if self._breaker is None else self._breaker._core
            plan = self._plans[name] = make_plan(self, name, self._core, self._settings.seed, budget, breaker)
        return plan


def make_plan(
    policy: Policy,
    name: str | None,
    core: _core.Policy,
    seed: _core.Seed | None,
    budget: _core.Budget | None,
    breaker: _core.Breaker | None,
) -> _core.Plan:
    settings = policy._settings
    return _core.Plan(
        core,
        read=read,
        bare=BARE,
        leave=leave,
        warn_nested=warn_nested,
        types=settings.types,
        hooks=settings.hooks,
        seed=seed,
        budget=budget,
        breaker=breaker,
        name=name,
    )


def warn_of_attempt_timeout(policy: Policy) -> None:
    """Once for each line of the user's that asks for what cannot be."""
    import sys

    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "undaunted":
        frame = frame.f_back
    place = (frame.f_code.co_filename, frame.f_lineno)
    if place in _warned_places:
        return
    _warned_places.add(place)
    from ._warn import warn

    warn(
        f"attempt_timeout is {policy.attempt_timeout:g} s, but a synchronous function cannot be interrupted; pass attempt.remaining or a "
        "timeout of its own to the client, or use an async function",
        RuntimeWarning,
    )


def seconds(duration: float | timedelta | str) -> float:
    """A duration as a user writes it, in seconds; below zero and not-a-number count as 0. Raises TypeError or PolicyError."""
    value: float
    if isinstance(duration, str):
        value = _read_duration(duration)
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        try:
            value = float(duration)
        except OverflowError:
            value = float("inf")
    elif not isinstance(duration, bool) and hasattr(duration, "total_seconds"):
        value = duration.total_seconds()
    else:
        kind = type(duration).__name__
        raise TypeError(f"a duration is a {kind}, allowed seconds, a timedelta or text with a unit; return or pass one of these")
    return value if value > 0 else 0.0


def _read_duration(text: str) -> float:
    try:
        # An element of a list of delays is the one duration that may be 0.
        return compiled({"backoff": [text], "jitter": "none"}, "python").schedule(1)[0] / 1e6
    except PolicyError as error:
        named = [(code, "", given.replace("backoff.0", "the duration", 1)) for code, _, given in error.problems]
    raise PolicyError(named)


def compiled(options: object, notation: str, base: _core.Policy | None = None) -> _core.Policy:
    if isinstance(options, dict):
        made = {name: options[name] for name, mark in (("budget", "tokens"), ("breaker", "permit")) if hasattr(options.get(name), mark)}
        options = {**options, **{name: thing.options or {} for name, thing in made.items()}} if made else options
    policy, problems = _core.compile(options, notation, base)
    if policy is None:
        raise PolicyError(problems)
    return policy


def json_value(text: str | bytes, what: str = "the policy is") -> object:
    """JSON with its numbers as they are written and every member of an object, repeated ones too."""
    import json

    try:
        return json.loads(
            text, parse_float=_core.Digits, parse_int=_core.Digits, parse_constant=_core.Digits, object_pairs_hook=_core.Pairs
        )
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno} column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise PolicyError([("not_json", "", f"{what} no JSON, {place}; correct the text")]) from None


def _fill(policy: Policy, core: _core.Policy, settings: Settings) -> None:
    breaker = budget = None
    if core.budget_name is not None:
        from ._budget import shared

        budget = shared(core)
    if core.breaker_name is not None:
        from ._breaker import of_policy

        breaker = of_policy(core)
    fields = {
        "_core": core,
        "_settings": settings,
        "_text": core.dump(),
        "_version": None,
        "_plans": {},
        "_budget": budget,
        "_breaker": breaker,
        "_is_watched": core.is_watched or core.attempt_timeout is not None,
    }
    for name, value in fields.items():
        object.__setattr__(policy, name, value)


def _restore(kind: type[Policy], text: str, settings: dict[str, Any], version: int | str | None = None) -> Policy:
    policy = kind.parse(text)
    return (policy.replace(**settings) if settings else policy)._of_version(version)


PLANS = 100
_warned_places: set[tuple[str, int]] = set()
