"""Events as metrics of OpenTelemetry, and on the span that is current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

from ._facts import code_of, facts_of, name_of

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .._events import Event


class OpenTelemetryHook:
    """A hook that counts retries and times calls: `undaunted.on_event(OpenTelemetryHook())`, or as a policy's `on_event`.

    A counter `undaunted.retries` has the attributes `undaunted.name` (whose call it is), `undaunted.class` and `undaunted.code` of the failure that causes
    one; a histogram `undaunted.call.duration`, in seconds with the waits, `undaunted.name` and `undaunted.outcome`: `success`, or the reason of
    giving up.

    The current span gets an event `undaunted.scheduled` for a retry and `undaunted.gave_up`, with what is known of name, attempt, elapsed, delay, reason,
    class, code, error (its `repr`), policy_version and call_seed; after an HTTP status also `http.request.resend_count`, which is the number of the retry.
    Arguments and results of the call are no part of it.

    `prefix` begins all names but that one. `meter_provider` is by default the global one.
    """

    __slots__ = ("_calls", "_given", "_prefix", "_retries")

    def __init__(self, *, prefix: str = "undaunted.", meter_provider: MeterProvider | None = None) -> None:
        from .. import __version__

        self._given = (prefix, meter_provider)
        self._prefix = prefix
        meter = metrics.get_meter("undaunted", __version__, meter_provider)
        self._retries = meter.create_counter(f"{prefix}retries", "{retry}", "Retries, by the failure that causes one.")
        told = "Time that calls took, waits included, by how they ended."
        self._calls = meter.create_histogram(f"{prefix}call.duration", "s", told)

    def __call__(self, event: Event) -> None:
        if event.kind == "attempt":
            return
        if event.kind == "scheduled":
            self._retries.add(1, self._named({"name": name_of(event), "class": event.class_ or "", "code": code_of(event)}))
        else:
            self._calls.record(event.elapsed, self._named({"name": name_of(event), "outcome": event.reason or "success"}))
        span = trace.get_current_span()
        if event.kind != "success" and span.is_recording():
            attributes = self._named(facts_of(event))
            if event.kind == "scheduled" and (event.code or "").startswith("http "):
                attributes["http.request.resend_count"] = event.attempt
            span.add_event(f"{self._prefix}{event.kind}", attributes)

    def __reduce__(self) -> Any:
        return _restored, self._given

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        return {f"{self._prefix}{name}": value for name, value in values.items()}


def _restored(prefix: str, meter_provider: MeterProvider | None) -> OpenTelemetryHook:
    return OpenTelemetryHook(prefix=prefix, meter_provider=meter_provider)
