"""Ready-made hooks, read back where their libraries keep what they were told."""

import logging
import pickle
import subprocess
import sys

import pytest
import structlog
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

import undaunted
from undaunted import HttpError, Policy
from undaunted.instrumentation.logging import LoggingHook
from undaunted.instrumentation.opentelemetry import OpenTelemetryHook
from undaunted.instrumentation.prometheus import PrometheusHook
from undaunted.instrumentation.structlog import StructlogHook

SECRET = "hunter2"


def story(hook):
    """One call that succeeds at attempt 2, one that gives up at 2, one result that is never accepted, one block."""
    with undaunted.testing() as t:
        answers = iter([HttpError(503, method="GET"), None])

        def fetch(password):
            t.advance(0.5)
            if error := next(answers):
                raise error
            return SECRET

        def lost(password):
            raise ConnectionResetError("no")

        policy = Policy(attempts=2, jitter="none", initial=1, on_event=hook)
        policy.replace(name="fetch").call(fetch, SECRET)
        with pytest.raises(ConnectionResetError):
            policy.replace(name="lost").call(lost, password=SECRET)
        with pytest.raises(undaunted.GaveUp):
            policy.replace(name="empty", retry_if_result=lambda result: True).call(lambda password: SECRET, SECRET)
        for attempt in undaunted.retry_context(policy):
            with attempt:
                pass


def test_the_version_of_a_policy_is_told_where_it_has_one(caplog):
    def lost():
        raise ConnectionResetError("no")

    for version in (None, 7):
        with pytest.raises(ConnectionResetError):
            Policy(attempts=1, on_event=LoggingHook())._of_version(version).call(lost)
    assert [record.__dict__.get("undaunted.policy_version") for record in caplog.records] == [None, 7]


def test_logging_has_a_record_for_each_failure(caplog):
    story(LoggingHook())
    assert [
        ("undaunted", logging.WARNING, "fetch: attempt 1 failed by http 503 (transient), the next comes in 1 s"),
        ("undaunted", logging.WARNING, "lost: attempt 1 failed by os ECONNRESET (transient), the next comes in 1 s"),
        ("undaunted", logging.ERROR, "lost: gave up at attempt 2 by os ECONNRESET (transient) after 1 s: attempts"),
        ("undaunted", logging.WARNING, "empty: attempt 1 failed by result (transient), the next comes in 1 s"),
        ("undaunted", logging.ERROR, "empty: gave up at attempt 2 by result (transient) after 1 s: attempts"),
    ] == caplog.record_tuples
    fields = {name: value for name, value in vars(caplog.records[0]).items() if name.startswith("undaunted.")}
    seed = fields.pop("undaunted.call_seed")
    assert int(seed) >= 0
    assert {
        "undaunted.name": "fetch",
        "undaunted.attempt": 1,
        "undaunted.elapsed": 0.5,
        "undaunted.delay": 1.0,
        "undaunted.class": "transient",
        "undaunted.code": "http 503",
        "undaunted.error": "HttpError(503, 'GET')",
    } == fields
    assert "attempts" == getattr(caplog.records[2], "undaunted.reason")
    assert SECRET not in repr([vars(record) for record in caplog.records])


def test_logging_takes_names_and_levels(caplog):
    caplog.set_level(logging.DEBUG)
    levels = {"attempt": logging.DEBUG, "success": logging.INFO}
    story(LoggingHook("app.retries", levels=levels, prefix="retry_"))
    assert [
        ("app.retries", logging.DEBUG, "fetch: attempt 1 starts"),
        ("app.retries", logging.DEBUG, "fetch: attempt 2 starts"),
        ("app.retries", logging.INFO, "fetch: attempt 2 succeeded after 2 s"),
    ] == caplog.record_tuples[:3]
    assert ("app.retries", logging.INFO, "<block>: attempt 1 succeeded after 0 s") == caplog.record_tuples[-1]
    assert 2 == caplog.records[1].retry_attempt and "fetch" == caplog.records[1].retry_name
    for hook in (LoggingHook, StructlogHook):
        with pytest.raises(ValueError, match="levels names 'gaveup', allowed attempt, scheduled, success or gave_up"):
            hook(levels={"gaveup": "error"})


def test_logging_makes_nothing_of_what_is_switched_off(caplog):
    caplog.set_level(logging.CRITICAL, "undaunted")

    class Refusing(Exception):
        def __repr__(self):
            raise AssertionError("the record was made")

    def fails():
        raise Refusing

    with undaunted.testing(), pytest.raises(Refusing):
        Policy(on=Refusing, attempts=2, on_event=LoggingHook()).call(fails)
    assert [] == caplog.records


def test_structlog_has_an_entry_for_each_failure():
    with structlog.testing.capture_logs() as entries:
        story(StructlogHook())
    seeds = [entry.pop("call_seed") for entry in entries]
    assert seeds[1] == seeds[2] != seeds[0]
    error = "ConnectionResetError('no')"
    os_failure = {"name": "lost", "class": "transient", "code": "os ECONNRESET", "error": error}
    assert [
        {
            "event": "undaunted.scheduled", "log_level": "warning", "name": "fetch", "attempt": 1, "elapsed": 0.5, "delay": 1.0,
            "class": "transient", "code": "http 503", "error": "HttpError(503, 'GET')",
        },
        {"event": "undaunted.scheduled", "log_level": "warning", "attempt": 1, "elapsed": 0.0, "delay": 1.0, **os_failure},
        {"event": "undaunted.gave_up", "log_level": "error", "attempt": 2, "elapsed": 1.0, "reason": "attempts", **os_failure},
    ] == entries[:3]  # fmt: skip
    assert 5 == len(entries) and SECRET not in repr(entries)
    with structlog.testing.capture_logs() as entries:
        story(StructlogHook(levels={"success": "info"}, prefix="app."))
    assert [("app.success", "info", "fetch"), ("app.success", "info", "<block>")] == [
        (entry["event"], entry["log_level"], entry["name"]) for entry in entries
    ]


def test_prometheus_counts_retries_and_times_calls():
    registry = CollectorRegistry()
    story(PrometheusHook(registry=registry))
    story(PrometheusHook(registry=registry))
    sample = registry.get_sample_value
    for name, code in (("fetch", "http 503"), ("lost", "os ECONNRESET"), ("empty", "result")):
        assert 2 == sample("undaunted_retries_total", {"name": name, "class": "transient", "code": code})
    for name, outcome, seconds in (("fetch", "success", 2.0), ("lost", "attempts", 1.0), ("empty", "attempts", 1.0), ("<block>", "success", 0)):
        labels = {"name": name, "outcome": outcome}
        assert (2, 2 * seconds) == (sample("undaunted_call_seconds_count", labels), sample("undaunted_call_seconds_sum", labels))
    assert 0 == sample("undaunted_call_seconds_bucket", {"name": "fetch", "outcome": "success", "le": "1.0"})
    named = PrometheusHook(retries="app_retries", calls="app_calls", buckets=(1, 3), registry=registry)
    story(named)
    assert 1 == sample("app_retries_total", {"name": "fetch", "class": "transient", "code": "http 503"})
    assert 1 == sample("app_calls_bucket", {"name": "fetch", "outcome": "success", "le": "3.0"})


def test_opentelemetry_counts_times_and_marks_the_span():
    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    hook = OpenTelemetryHook(meter_provider=MeterProvider([reader]))
    with tracers.get_tracer("test").start_as_current_span("request"):
        story(hook)
    story(hook)  # without a span

    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    assert ("undaunted", undaunted.__version__) == (scope.scope.name, scope.scope.version)
    retries, calls = scope.metrics
    assert ("undaunted.retries", "{retry}", "undaunted.call.duration", "s") == (retries.name, retries.unit, calls.name, calls.unit)
    counted = {point.attributes["undaunted.name"]: (dict(point.attributes), point.value) for point in retries.data.data_points}
    assert ({"undaunted.name": "fetch", "undaunted.class": "transient", "undaunted.code": "http 503"}, 2) == counted["fetch"]
    assert {"fetch", "lost", "empty"} == counted.keys()
    timed = {(point.attributes["undaunted.name"], point.attributes["undaunted.outcome"]): point for point in calls.data.data_points}
    assert {("fetch", "success"), ("lost", "attempts"), ("empty", "attempts"), ("<block>", "success")} == timed.keys()
    assert (2, 4.0) == (timed["fetch", "success"].count, timed["fetch", "success"].sum)

    (span,) = exporter.get_finished_spans()
    names = [event.name for event in span.events]
    assert ["undaunted.scheduled", *2 * ["undaunted.scheduled", "undaunted.gave_up"]] == names
    first, second = dict(span.events[0].attributes), dict(span.events[1].attributes)
    assert (1, "fetch", 1.0, 0.5) == tuple(first[name] for name in ("http.request.resend_count", "undaunted.name", "undaunted.delay", "undaunted.elapsed"))
    assert "os ECONNRESET" == second["undaunted.code"] and "http.request.resend_count" not in second
    assert SECRET not in span.to_json()


def test_opentelemetry_takes_a_prefix():
    reader = InMemoryMetricReader()
    story(OpenTelemetryHook(prefix="app.", meter_provider=MeterProvider([reader])))
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    assert ["app.retries", "app.call.duration"] == [metric.name for metric in scope.metrics]
    assert {"app.name", "app.class", "app.code"} == scope.metrics[0].data.data_points[0].attributes.keys()


@pytest.mark.parametrize(
    "hook",
    [
        LoggingHook("app", levels={"success": logging.INFO}),
        StructlogHook("app", levels={"success": "info"}),
        PrometheusHook(retries="pickled_retries", calls="pickled_calls"),
        OpenTelemetryHook(prefix="app."),
    ],
    ids=lambda hook: type(hook).__name__,
)
def test_policies_with_these_hooks_pickle(hook):
    (again,) = pickle.loads(pickle.dumps(Policy(on_event=hook)))._settings.on_event
    assert type(hook) is type(again) and hook.__reduce__()[1] == again.__reduce__()[1]


def test_libraries_are_imported_only_by_their_own_module():
    code = (
        "import sys, undaunted, undaunted.instrumentation\n"
        "libraries = {'logging', 'structlog', 'prometheus_client', 'opentelemetry'}\n"
        "print(sorted(libraries & set(sys.modules)))\n"
        "import undaunted.instrumentation.logging\n"
        "print(sorted(libraries & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n['logging']" == done.stdout.strip()
