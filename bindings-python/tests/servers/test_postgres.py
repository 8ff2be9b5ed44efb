"""PostgreSQL through psycopg, asyncpg and SQLAlchemy."""

import signal
import threading

import asyncpg
import psycopg
import pytest
import sqlalchemy
from processes import until


def by_psycopg(server, steps, isolation):
    def transaction():
        with psycopg.connect(**server.where(), dbname="postgres") as connection:
            connection.isolation_level = isolation and psycopg.IsolationLevel[isolation.upper()]
            for step in steps():
                step() if callable(step) else connection.execute(step)
        return "done"

    return transaction


def by_asyncpg(server, steps, isolation):
    async def transaction():
        connection = await asyncpg.connect(**server.where(), database="postgres")
        try:
            async with connection.transaction(isolation=isolation):
                for step in steps():
                    step() if callable(step) else await connection.execute(step)
        finally:
            connection.terminate()
        return "done"

    return transaction


def by_sqlalchemy(server, steps, isolation):
    url = f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres"
    options = {"isolation_level": isolation.upper()} if isolation else {}
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, **options)

    def transaction():
        with engine.begin() as connection:
            for step in steps():
                step() if callable(step) else connection.exec_driver_sql(step)
        return "done"

    return transaction


@pytest.fixture(params=[by_psycopg, by_asyncpg, by_sqlalchemy])
def run(request, postgres, trial):
    """Runs the steps, SQL or functions, in one transaction with retries."""

    def run(*steps, isolation=None, **options):
        left = list(steps)

        def attempt():
            """A function is called in the first attempt only: what it does has happened then. A list has a step for each attempt."""
            for step in list(left):
                if callable(step):
                    left.remove(step)
                yield step.pop(0) if isinstance(step, list) else step

        return trial.call(request.param(postgres, attempt, isolation), **options)

    return run


@pytest.fixture
def table(postgres):
    postgres.execute("drop table if exists child, t; create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)")
    postgres.execute("create table child (t int references t)")
    return postgres


ERRORS = (psycopg.Error, asyncpg.PostgresError, sqlalchemy.exc.DBAPIError)


def is_waiting(server):
    return server.execute("select 1 from pg_locks where not granted")


def test_a_deadlock_is_retried_as_a_whole_transaction(table, trial, run):
    other = table.connect()
    other.execute("set deadlock_timeout = '1min'")
    other.execute("begin")
    other.execute("update t set n = 5 where id = 2")
    waiting = threading.Thread(target=lambda: other.execute("update t set n = 5 where id = 1; commit"))

    def lock():
        waiting.start()
        until(lambda: is_waiting(table))

    assert "done" == run("update t set n = n + 1 where id = 1", lock, "update t set n = n + 1 where id = 2")
    waiting.join()
    other.close()
    assert [("conflict", "rejected", "postgres 40P01", "retried")] == trial.seen
    assert [(1, 6), (2, 6)] == table.execute("select id, n from t order by id")


def test_a_serialization_failure_is_retried(table, trial, run):
    steps = ["select n from t", lambda: table.execute("update t set n = n + 1"), "update t set n = n * 10"]
    assert "done" == run(*steps, isolation="serializable")
    assert [("conflict", "rejected", "postgres 40001", "retried")] == trial.seen
    assert [(10,), (10,)] == table.execute("select n from t")


def test_a_unique_violation_is_not_retried(table, trial, run):
    run("insert into t values (1, 0)", on=ERRORS)
    assert [("permanent", "maybe", "postgres 23505", "permanent")] == trial.seen
    assert isinstance(trial.error, (psycopg.errors.UniqueViolation, asyncpg.UniqueViolationError, sqlalchemy.exc.IntegrityError))


def test_a_foreign_key_race_is_retried_when_a_rule_asks_for_it(table, trial, run):
    trial.between = [lambda: table.execute("insert into t values (3, 0)")]
    run("insert into child values (3)")
    assert [("permanent", "maybe", "postgres 23503", "permanent")] == trial.seen
    trial.seen.clear()
    assert "done" == run("insert into child values (3)", rules=[{"postgres": "23503", "class": "conflict", "sent": "rejected"}])
    assert [("conflict", "rejected", "postgres 23503", "retried")] == trial.seen


@pytest.mark.parametrize("wait", ["set local lock_timeout = '1ms'; select * from t for update", "select * from t for update nowait"])
def test_a_lock_that_another_holds_is_waited_for_by_retries(table, trial, run, wait):
    other = table.connect()
    other.execute("begin; select * from t for update")
    trial.between = [other.close]
    assert "done" == run(wait)
    assert [("conflict", "rejected", "postgres 55P03", "retried")] == trial.seen


def test_a_statement_that_takes_too_long_is_not_retried_unless_a_rule_says_so(postgres, trial, run):
    slow = "set local statement_timeout = '1ms'; select pg_sleep(10)"
    run(slow)
    run(slow, rules=[{"postgres": "57014", "class": "timeout", "sent": "rejected"}], attempts=2)
    assert [("timeout", "rejected", "postgres 57014", reason) for reason in ("permanent", "retried", "attempts")] == trial.seen


def test_too_many_connections_are_throttled(postgres, trial, run):
    held = []
    with pytest.raises(psycopg.OperationalError):
        while True:
            held.append(postgres.connect())

    def let_go():
        while held:
            held.pop().close()
        until(postgres.answers)

    trial.between = [let_go]
    assert "done" == run("select 1")
    assert [("throttle", "rejected", "postgres 53300", "retried")] == trial.seen


def sleeping(server):
    return server.execute("select pid from pg_stat_activity where query ~ '^select pg_sleep' and state = 'active'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["shutdown", "crash"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_restart_in_mid_query_is_repeated_if_that_is_harmless(postgres, trial, run, number, idempotent):
    def interrupt():
        until(lambda: sleeping(postgres))
        postgres.stop(number)

    thread = threading.Thread(target=interrupt)
    thread.start()

    def restart():
        thread.join()
        postgres.start()

    trial.between = [restart]
    result = run(["select pg_sleep(60)", "select 1"], idempotent=idempotent)
    if not idempotent:
        restart()
    [(class_, sent, code, outcome)] = trial.seen
    assert ("transient", "maybe") == (class_, sent)
    assert code in {"postgres 57P01", "postgres 57P02", "postgres 08006", "postgres 08003"}
    assert (("retried", "done") if idempotent else ("not_idempotent", None)) == (outcome, result)


def test_a_session_that_was_ended_while_idle_is_told_at_the_next_query(postgres, trial, run):
    def end():
        postgres.execute("select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'")
        until(lambda: not postgres.execute("select 1 from pg_stat_activity where state = 'idle in transaction'"))

    assert "done" == run("select 1", end, "select 2")
    [(class_, sent, code, outcome)] = trial.seen
    assert ("transient", "maybe", "retried") == (class_, sent, outcome)
    assert code in {"postgres 57P01", "postgres 08006", "postgres 08003"}


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_server_that_is_down_and_then_up_is_tried_again_whatever_was_to_be_sent(postgres, trial, run, idempotent):
    postgres.stop()
    trial.between = [lambda: None, postgres.start]
    assert "done" == run("select 1", idempotent=idempotent)
    assert [("connect", "not_sent", "retried")] * 2 == [(class_, sent, outcome) for class_, sent, _, outcome in trial.seen]


def test_a_server_that_shuts_down_refuses_sessions(postgres, trial, run):
    """It goes on until the last session is over."""
    held = postgres.connect()
    postgres.send(signal.SIGTERM)
    until(lambda: refuses(postgres))

    def restart():
        held.close()
        postgres.wait()
        postgres.start()

    trial.between = [restart]
    assert "done" == run("select 1", idempotent=False)
    assert [("connect", "rejected", "postgres 57P03", "retried")] == trial.seen


def refuses(server):
    try:
        server.connect().close()
    except psycopg.OperationalError as error:
        return "shutting down" in str(error)
    return False
