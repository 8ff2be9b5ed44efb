"""asyncio and PostgreSQL: `python asyncio_postgres.py postgresql://user@host:port/database` moves money between accounts, many times at once.

Look at `transfer`: the decorator stands on the function that begins the transaction and takes a connection from the pool, since a
serialization failure (40001) or a deadlock asks for the whole transaction, and a lost connection for another one. Look at the sum at the
end: nothing was lost, and nothing was moved twice.
"""

import asyncio
import sys
from collections import Counter

import asyncpg

import undaunted

seen: Counter[str] = Counter()


def count(event: undaunted.Event) -> None:
    if event.kind in ("scheduled", "gave_up"):
        seen[f"{event.code}: {event.reason or 'retried'}"] += 1


# Without `on` the tables decide: what was surely not done is repeated. `idempotent=False`: a commit whose answer is lost is not.
POLICY = undaunted.Policy(attempts=20, timeout="30s", initial="10ms", idempotent=False, on_event=count, name="transfer")


@POLICY
async def transfer(pool: asyncpg.Pool, number: int, source: int, target: int, amount: int) -> None:
    async with pool.acquire() as connection, connection.transaction(isolation="serializable"):
        left = await connection.fetchval("select balance from account where id = $1", source)
        await connection.execute("insert into transfer values ($1)", number)
        await connection.execute("update account set balance = $2 where id = $1", source, left - amount)
        await connection.execute("update account set balance = balance + $2 where id = $1", target, amount)


async def main(where: str) -> None:
    async with asyncpg.create_pool(where, min_size=4, max_size=4) as pool:
        await pool.execute("drop table if exists account, transfer")
        await pool.execute("create table account (id int primary key, balance int not null)")
        await pool.execute("create table transfer (id int primary key)")
        await pool.execute("insert into account values (1, 1000), (2, 1000)")

        await asyncio.gather(*(transfer(pool, number, 1 + number % 2, 2 - number % 2, 10) for number in range(20)))
        print(await pool.fetchval("select sum(balance) from account"))  # 2000
        print(await pool.fetchval("select count(*) from transfer"))  # 20
        print(seen["postgres 40001: retried"] > 0)  # True

        try:
            await transfer(pool, 7, 1, 2, 10)  # number 7 was done: a unique violation is no case for a retry
        except asyncpg.UniqueViolationError as error:
            print(undaunted.history(error).reason, len(undaunted.history(error)))  # permanent 1


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
