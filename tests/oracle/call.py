"""One call: what is decided before an attempt and after a failure, in the order of DESIGN 3."""

from dataclasses import dataclass

from ceilings import Delays, ceiling
from draws import CLIP_LANE, DELAY_LANE, uniform, word
from tables import IDEMPOTENT_METHODS, row, same_code


@dataclass(frozen=True)
class Failure:
    domain: str = "user"
    code: object = None
    phase: str = "unknown"
    method: str | None = None
    idempotency_key: bool = False
    verdict: str = "tables"  # named, refused, forced
    wait: int | None = None
    hint: int | None = None
    should_retry: bool | None = None
    body: bytes = b""
    cancelled: bool = False
    nested: bool = False


@dataclass(frozen=True)
class Attempt:
    number: int
    limit: int | None
    remaining: int | None


@dataclass(frozen=True)
class Retry:
    delay: int
    class_: str
    sent: str
    last: bool
    nested_warning: bool


@dataclass(frozen=True)
class GiveUp:
    reason: str
    hint: int | None = None
    class_: str | None = None
    sent: str | None = None


@dataclass(frozen=True)
class Verdict:
    """A failure after the tables, the rules and the user's word."""
    class_: str
    sent: str
    condition: str
    permanent: bool


class Call:
    def __init__(self, policy, started_at, call_seed, outer_deadline=None, mode="normal", budget=None, breaker=None):
        self.policy = policy
        self.budget = budget
        self.breaker = breaker
        self.permit = None  # the breaker's, for the attempt that runs
        self.permitted_at = None
        self.begun = False  # as far as the budget knows
        self.taken = None  # for the retry that waits
        self.spent = None  # by the last retry that was made
        self.settled = False
        self.call_seed = call_seed
        self.inactive = mode == "inactive"
        self.now = started_at
        ends = [] if policy.timeout is None else [started_at + policy.timeout]
        ends += [] if outer_deadline is None else [outer_deadline]
        self.deadline = min(ends, default=None)
        self.failures = 0
        self.failures_by_class = {}
        self.delays = Delays(policy, call_seed)
        self.restarted_at = 0  # the retry whose hint restarted the exponent
        self.immediate_used = False
        self.once_used = False
        self.clipped = False

    def attempt(self, now):
        self.now = max(self.now, now)
        self.begins()
        if self.failures > 0 and self.deadline is not None and self.now >= self.deadline:
            self.hand_back()
            return GiveUp("timeout")
        retry_in = self.ask()
        if retry_in is not None:
            self.hand_back()
            return GiveUp("breaker_open", retry_in)
        if self.taken is not None:
            self.spent, self.taken = self.taken, None
        remaining = None if self.deadline is None else max(0, self.deadline - self.now)
        limit = self.policy.attempt_timeout
        if limit is not None and remaining is not None:
            limit = min(limit, remaining)
        return Attempt(self.failures + 1, limit, remaining)

    def failed(self, now, failure, verdict=None):
        self.now = max(self.now, now)
        verdict = verdict or judge(self.policy, failure)
        self.failures += 1
        self.failures_by_class[verdict.class_] = self.failures_by_class.get(verdict.class_, 0) + 1
        wait = None
        self.begins()
        self.settle("dropped" if failure.cancelled else says_of_the_server(failure.domain, verdict))
        self.spent = self.taken = None
        cost = self.policy.class_settings(verdict.class_).cost
        if self.budget is not None and self.drains(failure, verdict):
            self.budget.attempt_failed(cost)
        reason = self.refusal(failure, verdict)
        if reason is None:
            wait = self.wait(failure, verdict)
            reason = "timeout" if wait is None else None
        hint = failure.hint
        if reason is None and self.breaker is not None and self.open_for() > wait:
            reason = "breaker_open"
            hint = max(hint or 0, self.open_for())
        if reason is None and self.policy.budget is not None:
            self.taken = None if self.budget is None else self.budget.take(cost, self.now)
            reason = "budget" if self.taken is None else None
        if reason is not None:
            return GiveUp(reason, hint, verdict.class_, verdict.sent)
        self.once_used |= verdict.condition == "opt_in_once"
        self.immediate_used |= verdict.condition == "immediate"
        warns = failure.nested and self.policy.nested == "warn"
        return Retry(wait, verdict.class_, verdict.sent, self.clipped, warns)

    def succeeded(self, now):
        self.now = max(self.now, now)
        self.begins()
        self.settle("ok")
        if self.budget is not None and not self.settled:
            self.budget.call_succeeded(self.spent)
        self.settled = True

    def cancelled(self, now):
        self.now = max(self.now, now)
        self.hand_back()
        self.settled = True

    def begins(self):
        if self.budget is not None and not self.begun:
            self.budget.call_begins(self.now)
        self.begun = True

    def ask(self):
        """None if the attempt has the breaker's leave, or needs none; else how long it refuses."""
        if self.breaker is None or self.permit is not None or self.inactive:
            return None
        self.permit, retry_in = self.breaker.permit(self.now)
        self.permitted_at = self.now
        return retry_in

    def settle(self, outcome):
        if self.permit is not None:
            self.breaker.settle(self.permit, outcome, self.now - self.permitted_at, self.now)
        self.permit = None

    def open_for(self):
        found = self.breaker.look(self.now)
        return found["retry_in"] if found["state"] == "open" else 0

    def hand_back(self):
        self.settle("dropped")
        if self.taken is not None:
            self.budget.give_back(self.taken, self.now)
        self.taken = None

    def drains(self, failure, verdict):
        """Whether gRPC's bucket loses a token: the code is one that is retried, or the server says not to."""
        if failure.cancelled or self.inactive or (failure.nested and self.policy.nested == "once"):
            return False
        return failure.should_retry is False or not self.never(failure, verdict)

    def never(self, failure, verdict):
        once_more = verdict.condition == "opt_in_once" and self.once_used and not is_forced(failure)
        return verdict.permanent or once_more

    def refusal(self, failure, verdict):
        """The first check that refuses, up to hint_too_long."""
        policy = self.policy
        if failure.cancelled:
            return "cancelled"
        if self.inactive:
            return "inactive"
        if failure.nested and policy.nested == "once":
            return "nested"
        if self.never(failure, verdict):
            return "permanent"
        if verdict.sent == "maybe" and not may_repeat(policy, failure):
            return "not_idempotent"
        limit = policy.class_settings(verdict.class_).attempts
        if limit is not None and self.failures_by_class[verdict.class_] >= limit:
            return "class_attempts"
        if policy.attempts is not None and self.failures >= policy.attempts:
            return "attempts"
        if self.honours_hint(failure) and policy.hint_mode in ("floor", "exact"):
            if failure.hint > policy.hint_max:
                return "hint_too_long"
            if self.deadline is not None and self.now + failure.hint >= self.deadline:
                return "hint_too_long"
        return None

    def wait(self, failure, verdict):
        """The delay, or None if the timeout leaves no room for it."""
        if self.clipped:
            return None
        delay = self.own_delay(failure, verdict)
        if self.deadline is None:
            return delay
        if self.policy.min_attempt is None:
            return None if self.now + delay >= self.deadline else delay
        left = self.deadline - self.now - self.policy.min_attempt
        return delay if delay <= left else self.clip(failure, left)

    def own_delay(self, failure, verdict):
        policy, n = self.policy, self.failures
        zero = (policy.first_is_immediate and n == 1) or (verdict.condition == "immediate" and not self.immediate_used)
        index = n - self.restarted_at
        if policy.first_is_immediate and self.restarted_at == 0:
            index -= 1
        delay = 0 if zero else self.delays.next(verdict.class_, n, index)
        if failure.wait is not None:
            return failure.wait
        if not self.honours_hint(failure):
            return delay
        c = ceiling(policy, verdict.class_, n - self.restarted_at)
        if policy.hint_resets:
            self.restarted_at = n
        if policy.hint_mode == "exact":
            return failure.hint
        if policy.hint_mode == "window":
            return max(delay, min(failure.hint, delay + policy.hint_window))
        return self.above_hint(failure.hint, c)

    def above_hint(self, hint, c):
        """Mode floor: never below the hint, spread over what is left of the ceiling and the time."""
        room = c if self.deadline is None else self.deadline - 1 - self.now - hint
        if self.policy.jitter == "none":
            return max(hint, min(c, hint + room))
        return hint + uniform(word(self.call_seed, DELAY_LANE, self.failures), min(c, room))

    def clip(self, failure, left):
        """A new, shorter draw that leaves min_attempt; the attempt after it is the last."""
        floor = 0
        if failure.wait is not None:
            return None
        if self.honours_hint(failure):
            if self.policy.hint_mode == "exact":
                return None
            floor = failure.hint if self.policy.hint_mode == "floor" else 0
        if left < floor:
            return None
        self.clipped = True
        return floor + uniform(word(self.call_seed, CLIP_LANE, self.failures), left - floor)

    def honours_hint(self, failure):
        return failure.hint is not None and failure.wait is None and self.policy.hint_mode != "ignore"


def judge(policy, failure):
    found = row(failure.domain, failure.code, failure.phase, failure.hint is not None)
    class_, sent, known, opted_in, ruled = found.class_, found.sent, found.known, False, False
    for rule in policy.rules:
        if matches(rule, failure):
            if rule.class_ is not None:
                class_, known, ruled = rule.class_, True, True
                opted_in = class_ != "permanent"
            sent = rule.sent or sent
            break
    if failure.verdict == "named" and not known:
        class_ = "transient"
    if is_forced(failure) and class_ == "permanent":
        class_ = "transient"
    if failure.should_retry:
        sent = "rejected"
    willing = {
        "always": True,
        "immediate": True,
        "transaction": True,
        "hint_only": failure.hint is not None or ruled or is_forced(failure),
        "opt_in": opted_in or failure.verdict == "named" or is_forced(failure),
    }
    willing["opt_in_once"] = willing["opt_in"]
    refused = failure.verdict == "refused" or failure.should_retry is False
    return Verdict(class_, sent, found.condition, refused or class_ == "permanent" or not willing[found.condition])


def says_of_the_server(domain, verdict):
    """A breaker counts what the server did not answer, or answered for lack of strength. A conflict, or a failure for good, by a code
    of the server's comes from one that is well; by a code of the host's own, or of no table's, it says nothing of the server."""
    if verdict.class_ in ("transient", "throttle", "timeout", "connect"):
        return "failed"
    return "ignored" if domain in ("os", "dns", "tls", "undici", "user") else "ok"


def matches(rule, failure):
    if rule.domain is not None:
        if rule.domain != failure.domain or failure.code is None:
            return False
        if isinstance(rule.code, tuple):
            if not isinstance(failure.code, int) or not rule.code[0] <= failure.code <= rule.code[1]:
                return False
        elif not same_code(rule.domain, rule.code, failure.code):
            return False
    return rule.body_contains is None or rule.body_contains.encode() in failure.body


def is_forced(failure):
    return failure.verdict == "forced" or failure.should_retry is True


def may_repeat(policy, failure):
    """A failure that may have been processed is repeated only if that does no harm."""
    if policy.idempotent != "auto":
        return policy.idempotent
    return failure.method is None or failure.method.upper() in IDEMPOTENT_METHODS or failure.idempotency_key
