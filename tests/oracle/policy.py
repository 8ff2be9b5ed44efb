"""What a policy is once it is right, and the presets."""

from dataclasses import dataclass, replace

MILLION = 1_000_000
CLASSES = ("transient", "throttle", "timeout", "connect", "conflict")  # those a policy may set apart
DOMAINS = ("http", "os", "dns", "tls", "undici", "grpc", "postgres", "mysql", "sqlite", "redis", "mongodb", "kafka", "aws", "user")
NAMED_DOMAINS = ("postgres", "redis", "aws")  # their codes are text
SENT = ("not_sent", "rejected", "maybe")


@dataclass(frozen=True)
class Rule:
    domain: str | None = None
    code: object = None  # whole number, text, or (low, high)
    body_contains: str | None = None
    class_: str | None = None
    sent: str | None = None


@dataclass(frozen=True)
class ClassSettings:
    attempts: int | None = None
    initial: int | None = None
    cost: int | None = None


@dataclass(frozen=True)
class BudgetOptions:
    """A budget of the policy's own; a name alone means one that was made elsewhere."""
    name: str
    mode: str | None = None  # bucket, failures, window
    capacity: int | None = None
    cost: int | None = None
    reward: int | None = None  # in millionths
    refund: bool | None = None
    ratio: int | None = None  # in millionths
    min_per_second: int | None = None
    ttl: int | None = None


@dataclass(frozen=True)
class BreakerOptions:
    """A breaker of the policy's own, its options as pairs of name and value; a name alone means one that was made elsewhere."""
    name: str
    options: tuple | None = None


@dataclass(frozen=True)
class Policy:
    attempts: int | None = 10
    timeout: int | None = 45_000_000
    min_attempt: int | None = None  # on_timeout: clip, if given
    attempt_timeout: int | None = None
    backoff: str = "exponential"  # linear, constant, list
    delays: tuple = ()
    initial: int = 1_000_000
    factor: int = 2 * MILLION  # in millionths
    max_delay: int = 10_000_000
    first_is_immediate: bool = False
    jitter: str = "full"  # none, equal, decorrelated, proportional, additive
    spread: int = 0  # proportional: millionths; additive: microseconds
    hint_mode: str = "floor"  # exact, window, ignore
    hint_max: int | None = 120_000_000
    hint_window: int | None = None
    hint_resets: bool = False
    classes: tuple = ()  # pairs of class and ClassSettings, in the order of CLASSES
    rules: tuple = ()
    budget: BudgetOptions | None = None
    breaker: BreakerOptions | None = None
    idempotent: object = "auto"  # True, False
    nested: str = "warn"  # once, allow, share

    def class_settings(self, class_):
        for name, settings in self.classes:
            if name == class_:
                return settings
        return ClassSettings()

    def initial_of(self, class_):
        own = self.class_settings(class_).initial
        return self.initial if own is None else own


STANDARD = Policy()
BUDGET_DEFAULTS = {
    "bucket": {"capacity": 500, "cost": 14, "reward": MILLION, "refund": True},
    "failures": {"capacity": 10, "cost": 1, "reward": 100_000},
    "window": {"ratio": 200_000, "min_per_second": 10, "ttl": 10_000_000},
}
PRESETS = {
    "standard": STANDARD,
    "interactive": replace(STANDARD, attempts=3, timeout=3_000_000, initial=200_000, max_delay=400_000),
    "stamina": replace(STANDARD, initial=100_000, max_delay=5_000_000, jitter="additive", spread=1_000_000),
    # AWS SDKs, Retry 2.1
    "aws": replace(STANDARD, attempts=3, timeout=None, initial=50_000, max_delay=20_000_000, hint_mode="window", hint_max=None,
                   hint_window=5_000_000, classes=(("throttle", ClassSettings(initial=1_000_000, cost=5)),),
                   budget=BudgetOptions("aws", "bucket", **BUDGET_DEFAULTS["bucket"])),
    # gRPC A6, its example
    "grpc": replace(STANDARD, attempts=4, timeout=None, initial=100_000, max_delay=1_000_000, jitter="proportional", spread=200_000,
                    hint_mode="exact", hint_resets=True, budget=BudgetOptions("grpc", "failures", **BUDGET_DEFAULTS["failures"])),
    # urllib3's Retry(10, backoff_factor=0.1): 0, 0.2, 0.4 s ... 120 s, with jitter
    "urllib3": replace(STANDARD, attempts=11, timeout=None, initial=200_000, max_delay=120_000_000, first_is_immediate=True,
                       hint_max=21_600_000_000),
    # google.api_core.retry
    "google": replace(STANDARD, attempts=None, timeout=120_000_000, initial=1_000_000, max_delay=60_000_000),
    "none": replace(STANDARD, attempts=1, timeout=None),
}
