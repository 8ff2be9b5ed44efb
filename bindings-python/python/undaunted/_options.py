"""Types of options, for type checkers only: nothing imports this at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from os import PathLike
from threading import Event as Cancel
from typing import Any, Literal, ParamSpec, Protocol, Required, TypeAlias, TypedDict, TypeVar

from ._breaker import Breaker
from ._budget import Budget
from ._events import Event

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds, a timedelta, or text with a unit: "250ms".
Duration: TypeAlias = float | timedelta | str
#: No, yes, or yes after this wait.
Answer: TypeAlias = bool | float | timedelta
On: TypeAlias = (
    type[Exception] | Callable[[Exception], Answer] | tuple[type[Exception] | Callable[[Exception], Answer], ...]
)
Hook: TypeAlias = Callable[[Event], AbstractContextManager[Any] | None]
#: Whose codes a failure speaks in.
Domain: TypeAlias = Literal[
    "http", "os", "dns", "tls", "undici", "grpc", "postgres", "mysql", "sqlite", "redis", "mongodb", "kafka", "aws", "user"
]
ClassName: TypeAlias = Literal["transient", "throttle", "timeout", "connect", "conflict"]


class ClassOptions(TypedDict, total=False):
    """Settings of one class of failures."""

    attempts: int
    initial: Duration
    cost: int


class BudgetSettings(TypedDict, total=False):
    """The options of a budget beside its name."""

    mode: Literal["bucket", "failures", "window"]
    capacity: int
    cost: int
    reward: float
    refund: bool
    ratio: float
    min_per_second: int
    ttl: Duration


class BudgetOptions(BudgetSettings):
    """An allowance of retries that policies share by its name."""

    name: Required[str]


class BreakerOptions(TypedDict, total=False):
    """Options of a breaker."""

    window_calls: int
    window_time: Duration
    min_calls: int
    failure_rate: float
    slow_after: Duration
    slow_rate: float
    initial: Duration
    factor: float
    max_delay: Duration
    jitter: Literal["none", "full", "equal"]
    probes: int
    probe_timeout: Duration


class PolicyBreaker(BreakerOptions):
    """A breaker that policies share by its name."""

    name: Required[str]


class HintOptions(TypedDict, total=False):
    """What to do with a wait that the server asked for."""

    mode: Literal["floor", "exact", "window", "ignore"]
    max: Duration
    window: Duration
    resets: bool


class Proportional(TypedDict):
    """Jitter of the ceiling plus or minus this share of it, above 0 and up to 1."""

    proportional: float


class Additive(TypedDict):
    """Jitter of the ceiling plus up to this much."""

    additive: Duration


class MinAttempt(TypedDict):
    """What a clipped wait leaves for the last attempt at least."""

    min_attempt: Duration


class Clip(TypedDict):
    """Clips the last wait instead of giving up."""

    clip: MinAttempt


class Rule(TypedDict, total=False):
    """What a code, or a text in the body, means for this policy."""

    http: int | str
    os: int | str
    dns: int | str
    tls: int | str
    undici: int | str
    grpc: int | str
    postgres: str
    mysql: int | str
    sqlite: int | str
    redis: str
    mongodb: int | str
    kafka: int | str
    aws: str
    user: int | str
    body_contains: str
    sent: Literal["not_sent", "rejected", "maybe"]


# `class` is a keyword, so that it needs the other form of TypedDict.
RuleClass = TypedDict("RuleClass", {"class": Literal["transient", "throttle", "timeout", "connect", "conflict", "permanent"]}, total=False)


class FullRule(Rule, RuleClass, total=False):
    """A rule with its class."""


class Options(TypedDict, total=False):
    """Every option of a policy, then the settings of the process."""

    undaunted: Literal[1]
    preset: Literal["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"] | str
    attempts: int | None
    timeout: Duration | None
    forever: bool
    on_timeout: Literal["give_up"] | Clip
    attempt_timeout: Duration | None
    backoff: Literal["exponential", "linear", "constant"] | Sequence[Duration]
    initial: Duration
    factor: float
    max_delay: Duration
    first: Literal["delayed", "immediate"]
    jitter: Literal["none", "full", "equal", "decorrelated"] | Proportional | Additive
    hint: Literal["floor", "exact", "ignore"] | HintOptions
    classes: Mapping[ClassName, ClassOptions]
    rules: Sequence[FullRule]
    budget: Budget | BudgetOptions | str | None
    breaker: Breaker | PolicyBreaker | str | None
    idempotent: Literal["auto"] | bool
    nested: Literal["warn", "once", "allow", "share"]
    on: On | None
    retry_if_result: Callable[[Any], Answer] | None
    on_event: Hook | Sequence[Hook] | None
    name: str | None
    seed: int | None
    cancel: Cancel | None


#: What an attempt of a script meets: a status or words ("429 + hint 2s"), facts, an exception, or nothing.
ScriptItem: TypeAlias = int | str | Mapping[str, Any] | Exception | type[Exception] | None
#: The items, also under `fail` or in a file.
Script: TypeAlias = Iterable[ScriptItem] | Mapping[Literal["fail"], Sequence[ScriptItem]] | str | PathLike[str]


#: Exception types, or a function that says whether an error counts.
Counted: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


class BreakerSnapshot(TypedDict):
    """What a breaker has counted."""

    state: Literal["closed", "open", "half_open"]
    calls: int
    failures: int
    slow: int
    trips: int
    probing: int
    retry_in: float


class ThrottleOptions(TypedDict, total=False):
    """Options of a throttle."""

    k: float
    window: Duration


class ThrottleSnapshot(TypedDict):
    """What a throttle remembers."""

    requests: int
    accepts: int


class BulkheadSnapshot(TypedDict):
    """How full a bulkhead is."""

    running: int
    waiting: int


class Decorator(Protocol):
    """What `retry(...)` gives. The function keeps its exact type; that it has a `policy` now, type checkers are not told."""

    def __call__(self, fn: Callable[P, R], /) -> Callable[P, R]: ...
