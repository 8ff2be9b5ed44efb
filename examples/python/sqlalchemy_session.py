"""SQLAlchemy: `python sqlalchemy_session.py` works on an SQLite file that another connection has locked.

Look at `add_user`: the whole `with Session` block is inside the function that is retried. After an error a session's transaction is over, so
repeating a statement in it would not help. SQLAlchemy's error has the driver's inside, whose code is read.
"""

import sqlite3
import tempfile
from pathlib import Path

import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import undaunted


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    name: Mapped[str] = mapped_column(primary_key=True)


@undaunted.retry(attempts=5, timeout="10s", initial="20ms")
def add_user(engine: sqlalchemy.Engine, name: str) -> None:
    with Session(engine) as session, session.begin():
        session.add(User(name=name))


def main(path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    Base.metadata.create_all(engine)

    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")

    def let_go(event: undaunted.Event) -> None:
        if event.kind == "scheduled":
            print(event.code, event.class_)
            other.execute("rollback")

    with undaunted.on_event(let_go):
        add_user(engine, "Ada")
    # prints: sqlite 5 conflict

    try:
        add_user(engine, "Ada")
    except sqlalchemy.exc.IntegrityError as error:
        print(undaunted.history(error).reason, len(undaunted.history(error)))  # permanent 1

    other.close()
    engine.dispose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder) / "data")
