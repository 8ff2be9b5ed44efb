"""Events as metrics of Prometheus."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, Counter, Histogram

from ._facts import code_of, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from .._events import Event


class PrometheusHook:
    """A hook that counts: `undaunted.on_event(PrometheusHook())`, or as a policy's `on_event`.

    `retries` names a counter of retries, with the labels `name` (whose call it is), `class` and `code` of the failure that causes one. `calls` names a
    histogram of how long calls took, in seconds with their waits, with the labels `name` and `outcome`: `success`, or the reason of giving
    up; its count is the number of calls. `buckets` are the histogram's. Hooks with the same names in one
    registry count together, in the buckets of the first.
    """

    __slots__ = ("_calls", "_given", "_retries")

    def __init__(
        self,
        *,
        retries: str = "undaunted_retries_total",
        calls: str = "undaunted_call_seconds",
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._given = (retries, calls, tuple(buckets), registry)
        into = REGISTRY if registry is None else registry
        with _lock:
            metrics = _made.get((into, retries, calls))
            if metrics is None:
                counter = Counter(retries, "Retries, by the failure that causes one.", ("name", "class", "code"), registry=into)
                told = "Time that calls took, waits included, by how they ended."
                histogram = Histogram(calls, told, ("name", "outcome"), registry=into, buckets=buckets)
                metrics = _made[into, retries, calls] = counter, histogram
        self._retries, self._calls = metrics

    def __call__(self, event: Event) -> None:
        if event.kind == "scheduled":
            self._retries.labels(name_of(event), event.class_, code_of(event)).inc()
        elif event.kind != "attempt":
            self._calls.labels(name_of(event), event.reason or "success").observe(event.elapsed)

    def __reduce__(self) -> Any:
        return _restored, self._given


def _restored(retries: str, calls: str, buckets: Sequence[float], registry: CollectorRegistry | None) -> PrometheusHook:
    return PrometheusHook(retries=retries, calls=calls, buckets=buckets, registry=registry)


_lock = Lock()
#: A name can be registered only once.
_made: dict[tuple[CollectorRegistry, str, str], tuple[Counter, Histogram]] = {}
