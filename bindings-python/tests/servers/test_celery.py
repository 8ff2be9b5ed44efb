"""A real Celery worker on a real Redis: what it is asked to wait are the waits of the token's seed, on whatever worker the next attempt starts."""

import importlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from processes import Process, Redis, until

import undaunted

HERE = Path(__file__).resolve().parent


class Worker(Process):
    """`celery worker` in one process, so that SIGKILL leaves nothing of it."""

    NAME = "python"

    def __init__(self, port):
        super().__init__()
        self.redis = port

    def words(self):
        options = ["--pool", "solo", "--loglevel", "info", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return ["env", f"UNDAUNTED_REDIS={self.redis}", f"PYTHONPATH={HERE}", sys.executable, "-m", "celery", "-A", "tasks", "worker", *options]

    def answers(self):
        return "ready." in (self.folder / "log").read_text()


@pytest.fixture(scope="module")
def redis_server():
    """One of its own, since Celery keeps connections for as long as the process runs."""
    with Redis() as server:
        yield server


@pytest.fixture(scope="module")
def tasks(redis_server):
    os.environ["UNDAUNTED_REDIS"] = str(redis_server.port)
    sys.path.insert(0, str(HERE))
    try:
        yield importlib.import_module("tasks")
    finally:
        sys.path.remove(str(HERE))
        del os.environ["UNDAUNTED_REDIS"]


@pytest.fixture
def worker(redis_server):
    with redis_server.client() as admin:
        admin.flushall()
    with Worker(redis_server.port) as worker:
        yield worker


def given_up(tasks):
    """The error of a call that a web service gives up after two attempts, and the waits of its seed by the task's policy."""
    service = undaunted.Policy(attempts=2, initial="1ms", max_delay="1ms")

    @service
    def pay():
        raise ConnectionResetError

    with undaunted.testing(), pytest.raises(ConnectionResetError) as raised:
        pay()
    return raised.value, tasks.POLICY.schedule(call_seed=undaunted.history(raised.value).call_seed)


def resets(*numbers):
    """The connection is reset in these attempts."""
    return {str(number): "reset" for number in numbers}


def attempts(tasks, sent):
    return [json.loads(text) for text in tasks.notes.lrange(f"attempts {sent.id}", 0, -1)]


def asked(tasks, sent):
    return [json.loads(text) for text in tasks.notes.lrange(f"asked {sent.id}", 0, -1)]


def end_of(tasks, sent):
    return until(lambda: tasks.notes.lrange(f"ended {sent.id}", 0, -1))


def test_a_call_that_a_service_gave_up_goes_on_with_its_schedule(tasks, worker):
    error, waits = given_up(tasks)
    countdowns = []
    sending = tasks.charge.apply_async
    tasks.charge.apply_async = lambda *args, **options: countdowns.append(options["countdown"]) or sending(*args, **options)
    try:
        sent = tasks.charge.hand_over(error, [resets(3, 4)])
    finally:
        del tasks.charge.apply_async
    assert end_of(tasks, sent) == ["SUCCESS"]
    assert [number for number, _ in attempts(tasks, sent)] == [3, 4, 5]
    assert countdowns == [waits[1]]
    assert asked(tasks, sent) == [[3, waits[2]], [4, waits[3]]]


def test_and_ends_where_the_policy_of_the_task_gives_up(tasks, worker):
    error, waits = given_up(tasks)
    sent = tasks.charge.hand_over(error, [resets(3, 4, 5, 6, 7)])
    assert end_of(tasks, sent) == ["FAILURE"]
    assert [number for number, _ in attempts(tasks, sent)] == [3, 4, 5, 6]
    assert asked(tasks, sent) == [[3, waits[2]], [4, waits[3]], [5, waits[4]]]


def test_what_nobody_gave_up_has_a_schedule_of_its_own(tasks, worker):
    sent = tasks.charge.delay(resets(1, 2) | {"3": "bug"})
    assert end_of(tasks, sent) == ["FAILURE"]  # a bug is not retried
    assert [number for number, _ in attempts(tasks, sent)] == [1, 2, 3]
    assert [number for number, _ in asked(tasks, sent)] == [1, 2]


def test_a_token_of_somebody_else_s_runs_nothing(tasks, worker):
    error, _ = given_up(tasks)
    token = undaunted.resume_token(error, key="another key")
    sent = tasks.charge.apply_async([resets(1)], headers={tasks.HEADER: token})
    assert end_of(tasks, sent) == ["FAILURE"]
    assert attempts(tasks, sent) == []


def test_the_schedule_goes_on_when_a_worker_is_killed_between_two_attempts(tasks, worker):
    error, waits = given_up(tasks)
    sent = tasks.charge.hand_over(error, [resets(3, 4, 5), 6])
    until(lambda: asked(tasks, sent))
    worker.stop(signal.SIGKILL)
    worker.start()
    tasks.notes.rpush("go", *range(9))
    assert "SUCCESS" in end_of(tasks, sent)
    made = attempts(tasks, sent)
    # A message that was not acknowledged is delivered again, so an attempt may be made twice: then it asks for the same wait.
    assert {number for number, _ in made} == {3, 4, 5, 6}
    assert {(number, wait) for number, wait in asked(tasks, sent)} == {(number, waits[number - 1]) for number in (3, 4, 5)}
    assert len({process for _, process in made}) == 2
