"""What the scripts need of a server, in memory and under a clock that the test sets: Lua 5.1 and a dozen commands."""

from lupa.lua51 import LuaRuntime

from scripts import TEXTS, keys

# What Redis's Lua has, as far as the scripts may use it; no global may be written.
SANDBOX = """
local text, name = ...
local chunk = assert(loadstring("local KEYS, ARGV, redis = ...\\n" .. text, name))
local sandbox = {
  assert = assert, error = error, ipairs = ipairs, math = math, pairs = pairs, select = select, string = string, table = table,
  tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
}
local function refuse(_, global) error("global " .. tostring(global)) end
return setfenv(chunk, setmetatable({}, {__index = function(_, key) return sandbox[key] or refuse(_, key) end, __newindex = refuse}))
"""


class Store:
    def __init__(self, forgets=True):
        """One that never forgets keeps keys whose time is over."""
        self.forgets = forgets
        self.lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False)
        load = self.lua.execute(f"return function(...) {SANDBOX} end")
        self.chunks = {name: load(text, name) for name, text in TEXTS.items()}
        self.redis = self.lua.table_from({"call": self.call})
        self.now = 0
        self.clear()

    def clear(self):
        self.values, self.ends, self.declared, self.commands = {}, {}, (), 0

    def run(self, guard, arguments, name="n"):
        self.declared = keys(guard, name)
        for key in [key for key, end in self.ends.items() if self.forgets and end <= self.now]:
            del self.values[key], self.ends[key]
        answer = self.chunks[guard](self.lua.table_from(self.declared), self.lua.table_from(arguments), self.redis)
        reply = list(answer.values())
        assert all(value == int(value) and abs(value) < 2**53 for value in reply), reply
        assert set(self.values) == set(self.ends), "a key without an expiry"
        return [int(value) for value in reply]

    def call(self, command, *words):
        self.commands += 1
        words = [word_of(word) for word in words]
        if command == "TIME":
            return self.lua.table_from([str(self.now // 1_000_000), str(self.now % 1_000_000)])
        key, *rest = words
        assert key in self.declared, f"{command} {key}: not among the keys of the call"
        answer = getattr(self, command.lower())(key, *rest)
        if key in self.values and not self.values[key]:
            del self.values[key]
            self.ends.pop(key, None)
        return self.lua.table_from(answer) if isinstance(answer, list) else answer

    def pexpire(self, key, milliseconds):
        if key in self.values:
            self.ends[key] = self.now + int(milliseconds) * 1_000
        return int(key in self.values)

    def hget(self, key, field):
        # A Lua script is told of a nil as false.
        return self.values.get(key, {}).get(field, False)

    def hmget(self, key, *fields):
        return [self.hget(key, field) for field in fields]

    def hset(self, key, *pairs):
        self.values.setdefault(key, {}).update(zip(pairs[::2], pairs[1::2], strict=True))
        return 0

    def zadd(self, key, score, member):
        self.values.setdefault(key, {})[member] = int(score)
        return 0

    def zrem(self, key, *members):
        return sum(self.values.get(key, {}).pop(member, None) is not None for member in members)

    def zscore(self, key, member):
        score = self.values.get(key, {}).get(member)
        return False if score is None else str(score)

    def zcard(self, key):
        return len(self.values.get(key, {}))

    def zrange(self, key, first, last, scores):
        assert (first, last, scores) == ("0", "0", "WITHSCORES")
        score, member = min((score, member) for member, score in self.values[key].items())
        return [member, str(score)]

    def zremrangebyscore(self, key, least, most):
        assert least == "-inf" or (least[0], most) == ("(", "+inf")
        is_one = (lambda score: score <= int(most)) if least == "-inf" else (lambda score: score > int(least[1:]))
        return self.zrem(key, *[member for member, score in self.values.get(key, {}).items() if is_one(score)])


def word_of(value):
    """An argument of a command as a server writes it: Lua's numbers with 17 digits."""
    if isinstance(value, str):
        return value
    assert isinstance(value, int | float), f"{value} is no argument of a command"
    text = f"{value:.17g}"
    assert text.lstrip("-").isdigit(), f"{text} is no whole number"
    return text
