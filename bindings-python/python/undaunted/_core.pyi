"""The engine: compiled policies, calls, facts. Instants and lengths are floats in seconds where a call runs, whole microseconds elsewhere."""

from collections.abc import Callable
from typing import Any, Final, final

__all__ = [
    "Budget",
    "Call",
    "Digits",
    "Failure",
    "HINT_HEADERS",
    "Pairs",
    "Plan",
    "Policy",
    "Seed",
    "Session",
    "__version__",
    "analyse",
    "call_seed",
    "classify",
    "compile",
    "lint",
    "read_hint",
    "redraw_entropy",
    "uniform",
    "word",
]

__version__: Final[str]
#: Headers that hints are read from, in lower case.
HINT_HEADERS: Final[list[str]]

@final
class Digits:
    def __new__(cls, text: str) -> Digits: ...

@final
class Pairs:
    def __new__(cls, pairs: list[tuple[str, Any]]) -> Pairs: ...

@final
class Policy:
    @staticmethod
    def preset(name: str) -> Policy | None: ...
    def dump(self) -> str: ...
    def schedule(self, count: int, call_seed: int | None = None) -> list[int]: ...
    @property
    def attempts(self) -> int | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def attempt_timeout(self) -> float | None: ...
    @property
    def nested(self) -> str: ...
    @property
    def shares(self) -> bool: ...
    @property
    def needs_body(self) -> bool: ...
    @property
    def budget_name(self) -> str | None: ...
    @property
    def is_watched(self) -> bool: ...
    def budget_problems(self, there: Budget | None = None) -> list[tuple[str, str, str]]: ...

@final
class Budget:
    def __new__(cls, policy: Policy) -> Budget: ...
    def fresh(self) -> Budget: ...
    def tokens(self, now: int) -> int: ...

def compile(
    options: Any, notation: str, base: Policy | None = None
) -> tuple[Policy | None, list[tuple[str, str, str]]]: ...
def analyse(
    policy: Policy, options: Any, notation: str
) -> tuple[tuple[str, str] | None, list[tuple[str, str, str]]]: ...
def lint(policy: Policy) -> tuple[str, str]: ...
@final
class Failure:
    def __new__(
        cls,
        domain: str,
        code: int | str | None = None,
        phase: str = "unknown",
        hint: int | None = None,
        should_retry: bool | None = None,
        body: bytes | None = None,
    ) -> Failure: ...
    @property
    def domain(self) -> str: ...
    @property
    def code(self) -> int | str | None: ...
    @property
    def phase(self) -> str: ...
    @property
    def hint(self) -> int | None: ...
    @property
    def should_retry(self) -> bool | None: ...

@final
class Seed:
    def __new__(cls, value: int) -> Seed: ...
    @property
    def value(self) -> int: ...

@final
class Plan:
    def __new__(
        cls,
        policy: Policy,
        *,
        read: Callable[[BaseException, bool], Failure],
        bare: dict[type[BaseException], Failure],
        leave: Callable[..., None],
        warn_nested: Callable[[Any, str | None], None],
        types: tuple[type[Exception], ...] | None = None,
        hooks: list[Callable[[Exception], Any]] = ...,
        seed: Seed | None = None,
        budget: Budget | None = None,
        name: str | None = None,
    ) -> Plan: ...
    def begin(self, started: float) -> Call: ...
    def begin_in(
        self,
        started: float,
        *,
        outer_deadline: float | None = None,
        inactive: bool = False,
        method: str | None = None,
        idempotency_key: bool = False,
    ) -> Call: ...
    @property
    def name(self) -> str | None: ...

@final
class Call:
    def attempt(self, now: float) -> bool: ...
    def failed(
        self, error: Exception | None, now: float, facts: Failure | None = None, cancelled: bool = False
    ) -> float | None: ...
    def unsatisfied(self, result: object, now: float, wait: float | None = None, cancelled: bool = False) -> float | None: ...
    def cancelled(self) -> None: ...
    def succeeded(self, now: float) -> None: ...
    def abandoned(self, now: float) -> None: ...
    def next_delay(self, now: float) -> float | None: ...
    def records(self) -> list[tuple[Any, ...]]: ...
    def clear(self) -> None: ...
    @property
    def number(self) -> int: ...
    @property
    def limit(self) -> float | None: ...
    @property
    def remaining(self) -> float | None: ...
    @property
    def deadline(self) -> float | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def hint(self) -> float | None: ...
    @property
    def call_seed(self) -> int | None: ...

@final
class Session:
    def __new__(
        cls,
        policy: Policy,
        started_at: int,
        call_seed: int,
        outer_deadline: int | None = None,
        mode: str = "normal",
        budget: Budget | None = None,
    ) -> Session: ...
    def attempt(self, now: int) -> tuple[str | None, int | None, int | None, int | None]: ...
    def failed(
        self,
        now: int,
        failure: Failure,
        *,
        verdict: str = "tables",
        wait: int | None = None,
        method: str | None = None,
        idempotency_key: bool = False,
        cancelled: bool = False,
        nested: bool = False,
    ) -> tuple[str | None, int | None, str, str, bool, bool]: ...
    def succeeded(self, now: int) -> None: ...
    def cancelled(self, now: int) -> None: ...

def classify(failure: Failure, method: str | None = None) -> tuple[str, str, str, bool, bool]: ...
def read_hint(
    headers: list[tuple[str, str]], now: int | None = None
) -> tuple[int | None, bool | None, bool]: ...
def call_seed(seed: int, call: int) -> int: ...
def word(call_seed: int, lane: str, n: int) -> int: ...
def uniform(word: int, x: int) -> int: ...
def redraw_entropy() -> None: ...
