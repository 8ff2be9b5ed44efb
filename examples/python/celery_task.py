"""Celery tasks: `python celery_task.py` runs them at once, without a broker.

Two places can retry. Short waits belong into the task, as in `charge`: the worker waits. Long ones belong to Celery, as in `report`: the task
goes back to the broker, and the worker is free. In both the same tables say what is worth it, and a policy how long to wait.
"""

import undaunted
from celery import Celery

app = Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = True  # for this program only: tasks run where they are called, and countdowns are not waited for

SHORT = undaunted.Policy(attempts=4, timeout="5s", initial="20ms", name="bank")
LONG = undaunted.Policy(attempts=5, timeout=None, initial="1m", max_delay="1h", name="report")


@app.task
def charge(order: int) -> str:
    return SHORT.call(bank.charge, order)


@app.task(bind=True, max_retries=LONG.attempts - 1)
def report(self, day: str) -> str:
    try:
        return store.write(day)
    except Exception as error:
        if not undaunted.classify(error).retried:
            raise
        waits = LONG.schedule(call_seed=seed_of(self.request.root_id))
        if self.request.retries == len(waits):
            raise
        raise self.retry(exc=error, countdown=waits[self.request.retries]) from error


def seed_of(task: str) -> int:
    """Tasks that fail together must not come back together: each draws its waits from its own id."""
    return int(task.replace("-", "")[:16], 16)


class Flaky:
    """What the tasks call: fails as told, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    def charge(self, order: int) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return f"order {order} is paid"

    def write(self, day: str) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return f"the report of {day}"


bank = Flaky(ConnectionResetError(), undaunted.HttpError(503))
store = Flaky(TimeoutError(), ConnectionRefusedError())

if __name__ == "__main__":
    print(charge.delay(7).get())  # order 7 is paid
    print(report.delay("Monday").get())  # the report of Monday

    store.failures = [PermissionError("read-only")]
    print(report.delay("Tuesday").state)  # FAILURE
