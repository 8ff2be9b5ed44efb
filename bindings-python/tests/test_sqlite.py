"""sqlite3 between real connections to one file."""

import sqlite3

import pytest

import undaunted


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data"
    with sqlite3.connect(path) as database:
        database.execute("create table t (a integer primary key)")
    database.close()
    return path


def inserted(path, number=1, between=lambda: None, **options):
    """Inserts a row with retries; what happens while it waits."""
    seen = []

    def note(event):
        if event.kind in ("scheduled", "gave_up"):
            seen.append((event.class_, event.sent, event.code, event.reason or "retried"))
        if event.kind == "scheduled":
            between()

    @undaunted.retry(attempts=3, timeout=30, on_event=note, **options)
    def insert():
        database = sqlite3.connect(path, timeout=0)
        try:
            with database:
                database.execute("insert into t values (?)", (number,))
        finally:
            database.close()

    with undaunted.testing():
        insert()
    return seen


def test_a_lock_that_another_connection_holds_is_waited_for_by_retries(path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    assert [("conflict", "rejected", "sqlite 5", "retried")] == inserted(path, between=other.close, idempotent=False)


def test_a_snapshot_that_is_too_old_is_repeated_as_a_whole_transaction(path):
    first = sqlite3.connect(path, isolation_level=None, timeout=0)
    first.execute("pragma journal_mode = wal")
    calls = []

    @undaunted.retry(attempts=3)
    def transaction():
        calls.append(1)
        first.execute("begin")
        try:
            first.execute("select * from t").fetchall()
            if len(calls) == 1:
                inserted(path)
            first.execute("insert into t values (2)")
            first.execute("commit")
        except sqlite3.Error:
            first.execute("rollback")
            raise

    with undaunted.testing() as t:
        transaction()
    event = next(event for event in t.events if event.kind == "scheduled")
    assert (2, "conflict", "rejected", "sqlite 517") == (len(calls), event.class_, event.sent, event.code)
    assert [(1,), (2,)] == first.execute("select a from t").fetchall()
    first.close()


def test_a_unique_violation_is_not_retried(path):
    inserted(path)
    with pytest.raises(sqlite3.IntegrityError) as caught:
        inserted(path, on=sqlite3.Error)
    history = undaunted.history(caught.value)
    assert ("permanent", 1, "sqlite 1555") == (history.reason, len(history), history[0].code)
