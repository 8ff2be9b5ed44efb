"""MariaDB through PyMySQL, mysql-connector and SQLAlchemy."""

import contextlib
import threading

import mysql.connector
import pymysql
import pytest
import sqlalchemy
from processes import until

CANNOT_HAVE_PARENT = 1452


@pytest.fixture
def table(mariadb):
    for sql in (
        "create table if not exists test.t (id int primary key, n int) engine = innodb",
        "create table if not exists test.child (t int, foreign key (t) references t (id)) engine = innodb",
        "delete from test.child",
        "delete from test.t",
        "insert into test.t values (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)",
    ):
        mariadb.execute(sql)
    return mariadb


def by_pymysql(server):
    return server.connect(database="test")


def by_connector(server):
    # MariaDB has not the collation that is mysql-connector's default.
    return mysql.connector.connect(**server.where(), database="test", collation="utf8mb4_general_ci", buffered=True)


@contextlib.contextmanager
def by_sqlalchemy(server):
    engine = sqlalchemy.create_engine(f"mysql+pymysql://root@127.0.0.1:{server.port}/test", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        yield Through(connection)


class Through:
    """A connection of SQLAlchemy's, as the drivers' are."""

    def __init__(self, connection):
        self.commit = connection.commit
        self.execute = connection.exec_driver_sql

    @contextlib.contextmanager
    def cursor(self):
        yield self


@pytest.fixture(params=[by_pymysql, by_connector, by_sqlalchemy])
def run(request, mariadb, trial):
    """Runs the steps, SQL or functions, in one transaction with retries. A list has a step for each attempt."""

    def run(*steps, **options):
        left = list(steps)

        def transaction():
            with request.param(mariadb) as connection, connection.cursor() as cursor:
                for step in list(left):
                    if callable(step):
                        left.remove(step)  # what it does has happened then
                        step()
                    else:
                        cursor.execute(step.pop(0) if isinstance(step, list) else step)
                connection.commit()
            return "done"

        return trial.call(transaction, **options)

    return run


def begun(server, sql):
    """A transaction of somebody else's."""
    connection = server.connect(database="test")
    execute(connection, sql)
    return connection


def execute(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_deadlock_is_retried_as_a_whole_transaction(table, trial, run):
    # InnoDB ends the transaction that has changed least.
    other = begun(table, "update t set n = 5 where id > 1")

    def end():
        execute(other, "update t set n = 5 where id = 1")
        other.commit()

    waiting = threading.Thread(target=end)

    def lock():
        waiting.start()
        until(lambda: table.execute("select 1 from information_schema.innodb_lock_waits"))

    assert "done" == run("update t set n = n + 1 where id = 1", lock, "update t set n = n + 1 where id = 2")
    waiting.join()
    other.close()
    assert [("conflict", "rejected", "mysql 1213", "retried")] == trial.seen
    assert ((6,), (6,), (5,)) == table.execute("select n from test.t order by id limit 3")


@pytest.mark.parametrize(
    "wait", [("set innodb_lock_wait_timeout = 0", "update t set n = 1 where id = 1"), ("select * from t for update nowait",)]
)
def test_a_lock_that_another_holds_is_waited_for_by_retries(table, trial, run, wait):
    other = begun(table, "select * from t for update")
    trial.between = [other.close]
    assert "done" == run(*wait)
    assert [("conflict", "rejected", "mysql 1205", "retried")] == trial.seen


def test_a_row_that_has_changed_since_the_snapshot_is_retried(table, trial, run):
    def change():
        table.execute("update test.t set n = n + 1")

    assert "done" == run("set innodb_snapshot_isolation = on", "select * from t", change, "update t set n = n * 10")
    assert [("conflict", "rejected", "mysql 1020", "retried")] == trial.seen
    assert ((10,),) == table.execute("select distinct n from test.t")


def test_a_unique_violation_is_not_retried(table, trial, run):
    run("insert into t values (1, 0)", on=Exception)
    assert [("permanent", "maybe", "mysql 1062", "permanent")] == trial.seen
    assert "IntegrityError" == type(trial.error).__name__


def test_a_foreign_key_race_is_retried_when_a_rule_asks_for_it(table, trial, run):
    trial.between = [lambda: table.execute("insert into test.t values (9, 0)")]
    run("insert into child values (9)")
    assert [("permanent", "maybe", "mysql 1452", "permanent")] == trial.seen
    trial.seen.clear()
    assert "done" == run("insert into child values (9)", rules=[{"mysql": CANNOT_HAVE_PARENT, "class": "conflict", "sent": "rejected"}])
    assert [("conflict", "rejected", "mysql 1452", "retried")] == trial.seen


def test_too_many_connections_are_throttled(mariadb, trial, run):
    held = []
    with pytest.raises(pymysql.err.OperationalError):
        while True:
            held.append(mariadb.connect())

    def let_go():
        while held:
            held.pop().close()
        until(mariadb.answers)

    trial.between = [let_go]
    assert "done" == run("select 1")
    assert [("throttle", "rejected", "mysql 1040", "retried")] == trial.seen


def sleeping(server):
    return server.execute("select id from information_schema.processlist where info like 'select sleep%' and command = 'Query'")


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("end", ["shutdown", "kill"])
def test_a_query_whose_connection_is_ended_is_repeated_if_that_is_harmless(mariadb, trial, run, end, idempotent):
    def interrupt():
        [(number,)] = until(lambda: sleeping(mariadb))
        if end == "shutdown":
            mariadb.stop()
        else:
            mariadb.execute(f"kill {number}")

    thread = threading.Thread(target=interrupt)
    thread.start()

    def mend():
        thread.join()
        if end == "shutdown":
            mariadb.start()

    trial.between = [mend]
    result = run(["select sleep(60)", "select 1"], idempotent=idempotent)
    if not idempotent:
        mend()
    [(class_, sent, code, outcome)] = trial.seen
    assert ("transient", "maybe") == (class_, sent)
    assert code in {"mysql 1053", "mysql 1927", "mysql 2013"}
    assert (("retried", "done") if idempotent else ("not_idempotent", None)) == (outcome, result)


def test_a_connection_that_was_ended_while_idle_is_told_at_the_next_query(mariadb, trial, run):
    def end():
        for (number,) in mariadb.execute("select id from information_schema.processlist where db = 'test'"):
            mariadb.execute(f"kill {number}")
        until(lambda: not mariadb.execute("select id from information_schema.processlist where db = 'test'"))

    assert "done" == run("select 1", end, "select 2")
    [(class_, sent, code, outcome)] = trial.seen
    assert ("transient", "maybe", "retried") == (class_, sent, outcome)
    assert code in {"mysql 1927", "mysql 2006", "mysql 2013"}


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_server_that_is_down_and_then_up_is_tried_again_whatever_was_to_be_sent(mariadb, trial, run, idempotent):
    mariadb.stop()
    trial.between = [lambda: None, mariadb.start]
    assert "done" == run("select 1", idempotent=idempotent)
    assert [("connect", "not_sent", "mysql 2003", "retried")] * 2 == trial.seen
