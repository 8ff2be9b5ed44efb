"""Budgets: an allowance of retries that calls share. Tokens are whole millionths.

Written from SEMANTICS 8: AWS Retry 2.1 (`bucket`), gRPC A6 (`failures`), Finagle's RetryBudget (`window`).
"""

from dataclasses import dataclass

from policy import MILLION

PARTS = 10  # of a window; Finagle's WindowedAdder


@dataclass
class Budget:
    options: object  # policy.BudgetOptions
    tokens: int = 0

    def __post_init__(self):
        if self.options.mode != "window":
            self.tokens = self.options.capacity * MILLION
        self.changes = []  # of a window: (number of the part, change)
        self.part = 0

    def balance(self, now):
        if self.options.mode != "window":
            return self.tokens
        self.pass_time(now)
        reserve = self.options.min_per_second * self.options.ttl
        return max(0, reserve + sum(change for _, change in self.changes))

    def call_begins(self, now):
        if self.options.mode == "window":
            self.change(self.options.ratio, now)

    def attempt_failed(self, cost):
        if self.options.mode == "failures":
            self.tokens = max(0, self.tokens - self.price(cost))

    def take(self, cost, now):
        """What was taken for a retry, or None if there is not enough."""
        if self.options.mode == "failures":
            return 0 if 2 * self.tokens > self.options.capacity * MILLION else None
        price = MILLION if self.options.mode == "window" else self.price(cost)
        if self.balance(now) < price:
            return None
        self.change(-price, now)
        return price

    def give_back(self, taken, now):
        self.change(taken, now)

    def call_succeeded(self, spent):
        """`spent` is what the last retry took, None without one."""
        if self.options.mode == "window":
            return
        refunds = self.options.mode == "bucket" and self.options.refund and spent is not None
        self.change(spent if refunds else self.options.reward, 0)

    def price(self, cost):
        return (self.options.cost if cost is None else cost) * MILLION

    def change(self, tokens, now):
        if self.options.mode == "window":
            self.pass_time(now)
            self.changes.append((self.part, tokens))
        else:
            self.tokens = min(self.tokens + tokens, self.options.capacity * MILLION)

    def pass_time(self, now):
        """Deposits and withdrawals expire with the part of the window they were made in."""
        self.part = max(self.part, now // (self.options.ttl // PARTS))
        self.changes = [(part, change) for part, change in self.changes if part > self.part - PARTS]
