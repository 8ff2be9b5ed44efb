"""What the workers said beside what the server has: how a fault shows, which errors may reach a caller, and what must not be."""

import re
from collections import Counter
from dataclasses import dataclass, field

#: How each fault shows in the attempts of both languages: class and code. It counts as met only by these.
MET = {
    "restart": r"connect .*",
    "crash": r"connect .*",
    # PyMySQL says of its own `read_timeout` that the connection was lost.
    "freeze": r"timeout .*|transient mysql 2013",
    "read_only": r"transient (postgres 25006|mysql 1290|redis READONLY)",
    # ioredis connects by itself, by a policy of its own; its commands see that there is no connection.
    "no_connections": r"throttle (postgres 53300|mysql 1040|redis ERR max number of clients reached)|connect os ECONNREFUSED",
}

#: The errors that may reach the caller of a write that must not be repeated, and why; each says that the write may have been carried out,
#: and was given up as not idempotent. Whoever writes what may be repeated gets none: no fault lasts as long as the policy's `timeout`.
ENDED = "the session was ended while the write was under way: nobody knows whether it was carried out"
LATE = "no answer within `attempt_timeout`, from a server that is frozen or a machine that has too much to do: it may be carried out later"
CUT = "ioredis connects anew after READONLY, and 2 s later cuts off what a machine that has too much to do has not read"
LOST = r"postgres (57P01|57P02|08006|08003)|mysql (1053|1927|2006|2013)|os (ECONNRESET|EPIPE|EOF)"
ALLOWED = [
    # faults, server and language, class and code, reason
    (("restart", "crash", "no_connections"), ".*", f"transient ({LOST})", ENDED),
    (tuple(MET), ".*", "timeout os ETIMEDOUT", LATE),
    (tuple(MET), "mariadb python", "transient mysql 2013", LATE),
    (("read_only",), "redis node", "transient os ECONNRESET", CUT),
]


@dataclass
class Line:
    """What became of the writes of one language under one fault."""

    calls: int = 0
    retries: int = 0
    #: Retries after what the fault brings about.
    met: int = 0
    #: Writes that were repeated and found that they had been carried out before.
    absorbed: int = 0
    #: Writes that must not be repeated and ended with an error that is allowed; how many were carried out, and what the errors went by.
    unknown: int = 0
    carried_out: int = 0
    codes: Counter = field(default_factory=Counter)
    #: What must not be.
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def guilt(self):
        """Sentences, with the first three writes of each."""
        for text, found in (("acknowledged and lost", self.lost), ("written twice", self.doubled), ("wrong", self.wrong)):
            if found:
                yield f"{len(found)} {text}: {'; '.join(found[:3])}"


def judge(server, language, said, kept, plain):
    """A line for each fault, from what the workers said and how often each key is there."""
    lines = {}
    for record in said:
        line = lines.setdefault(record["fault"], Line())
        if "ended" in record:
            _ended(line, record, (kept if record["kind"] == "kept" else plain)[record["key"]], f"{server} {language}")
        elif record["reason"] is None:
            line.retries += 1
            line.met += is_met(record)
            # The adapters of JavaScript know that nothing is sent while a connection is waited for.
            if language == "python" and record["kind"] == "plain" and record["sent"] == "maybe":
                line.wrong.append(f"{record['failed']} was repeated after {record['code']}, though it may have been carried out")
    return lines


def is_met(record):
    """Whether the failure of an attempt is what the fault brings about."""
    return bool(re.fullmatch(MET[record["fault"]], f"{record['class']} {record['code']}"))


def _ended(line, record, count, where):
    line.calls += 1
    line.absorbed += record["absorbed"]
    if count > 1:
        line.doubled.append(f"{record['key']} {count} times")
    if record["error"] is None:
        if count == 0:
            line.lost.append(record["key"])
    elif _is_allowed(record, where):
        line.unknown += 1
        line.carried_out += count
        line.codes[record["failure"]["code"]] += 1
    else:
        text = f"{record['error']} ({record['text']}), {record.get('failure')}"
        line.wrong.append(f"{record['kind']} {record['key']} ended with {text}")


def _is_allowed(record, where):
    failure = record.get("failure")
    if record["kind"] != "plain" or not failure or (failure["sent"], failure["reason"]) != ("maybe", "not_idempotent"):
        return False
    facts = f"{failure['class']} {failure['code']}"
    here = [errors for faults, places, errors, _ in ALLOWED if record["fault"] in faults and re.fullmatch(places, where)]
    return any(re.fullmatch(errors, facts) for errors in here)
