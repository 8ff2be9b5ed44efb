"""What the Celery worker of the tests runs: a task that fails as it is told, and keeps what it asks for. On the Redis of `UNDAUNTED_REDIS`."""

import json
import os

import celery
import redis
from celery import signals

import undaunted
from undaunted.adapters.celery import HEADER, RetryingTask

PORT = int(os.environ["UNDAUNTED_REDIS"])
KEY = "a key of the tests"
POLICY = undaunted.Policy(attempts=6, timeout="1h", initial="20ms", max_delay="100ms")

app = celery.Celery("tests", broker=f"redis://127.0.0.1:{PORT}/0")
app.conf.update(
    broker_connection_retry_on_startup=True,
    # What a worker that was killed had taken is delivered again when the next one starts.
    broker_transport_options={"visibility_timeout": 0.1},
    worker_hijack_root_logger=False,
)
notes = redis.Redis(port=PORT, db=1, decode_responses=True)


class Noting(RetryingTask):
    """Notes every wait that Celery is asked for, with the number of the attempt that failed."""

    def retry(self, **options):
        try:
            return super().retry(**options)
        finally:
            notes.rpush(f"asked {self.request.id}", json.dumps([number_of(self.request), options["countdown"]]))


def number_of(request):
    """The number of the attempt that runs, by the token of its message."""
    token = (request.headers or {}).get(HEADER)
    return 1 if token is None else json.loads(token.rpartition(".")[0])["attempts"] + 1


@app.task(base=Noting, policy=POLICY, key=KEY, acks_late=True)
def charge(errors, waits_in=None):
    """Meets an error in those attempts that have one; in one of them it waits until somebody says `go`."""
    request = charge.request
    number = number_of(request)
    notes.rpush(f"attempts {request.id}", json.dumps([number, os.getpid()]))
    if number == waits_in:
        notes.blpop(["go"], timeout=30)
    if str(number) in errors:
        raise ERRORS[errors[str(number)]]
    return "charged"


ERRORS = {"reset": ConnectionResetError(), "bug": KeyError("amount")}


@signals.task_postrun.connect
def ended(task_id=None, state=None, **_):
    if state in ("SUCCESS", "FAILURE"):
        notes.rpush(f"ended {task_id}", state)
