"""A stand-in for the commands of Redis that the scripts of core/src/fleet use, on a virtual clock; the scripts run in Lua 5.1, as there."""

from pathlib import Path

from lupa import lua51

SCRIPTS = Path(__file__).resolve().parents[2] / "core" / "src" / "fleet"


class Keys:
    """Hashes and sorted sets in memory. A script may use the keys that it is given, and no others, as in a cluster."""

    def __init__(self, scripts):
        self.scripts = scripts
        self.now = 0
        self.held = {}
        self.declared = ()

    def run(self, script, keys, *arguments):
        """What the script answers at `now`, as a client gets it: whole numbers."""
        self.declared = keys
        words = [word if isinstance(word, str) else str(word) for word in arguments]
        return self.scripts.run(script, self.call, keys, words)

    def call(self, command, *words):
        words = [plain(word) for word in words]
        if command == "TIME":
            seconds, micros = divmod(self.now, 1_000_000)
            return [str(seconds), str(micros)]
        key, *rest = words
        if key not in self.declared:
            raise AssertionError(f"{command} of {key}, which is not declared")
        return getattr(self, command.lower())(key, *rest)

    def hget(self, key, field):
        return self.held.get(key, {}).get(field, False)

    def hmget(self, key, *fields):
        return [self.hget(key, field) for field in fields]

    def hset(self, key, *pairs):
        self.held.setdefault(key, {}).update(zip(pairs[::2], pairs[1::2], strict=True))

    def pexpire(self, key, milliseconds):
        if not 0 < int(milliseconds) < 1 << 53:
            raise AssertionError(f"{key} expires after {milliseconds}")

    def zadd(self, key, score, member):
        scores = self.held.setdefault(key, {})
        is_new = member not in scores
        scores[member] = int(score)
        return int(is_new)

    def zcard(self, key):
        return len(self.held.get(key, {}))

    def zrem(self, key, member):
        return int(self.held.get(key, {}).pop(member, None) is not None)

    def zscore(self, key, member):
        found = self.held.get(key, {}).get(member)
        return False if found is None else str(found)

    def zremrangebyscore(self, key, low, high):
        assert low == "-inf"
        scores = self.held.get(key, {})
        for member in [member for member, score in scores.items() if score <= int(high)]:
            del scores[member]

    def zrange(self, key, first, last, scores):
        assert (first, last, scores) == ("0", "0", "WITHSCORES")
        member, score = min(self.held[key].items(), key=lambda item: (item[1], item[0]))
        return [member, str(score)]


class Scripts:
    """The scripts, compiled once."""

    def __init__(self):
        self.lua = lua51.LuaRuntime(unpack_returned_tuples=True)
        self.functions = {}
        for path in SCRIPTS.glob("*.lua"):
            # Globals of a script are refused, as Redis does.
            text = f"return function(redis, KEYS, ARGV) {path.read_text()} end"
            self.functions[path.stem] = self.lua.execute(text)
        refuse = self.lua.eval("function(_, name) error('the global ' .. name) end")
        self.lua.globals().setmetatable(self.lua.globals(), self.lua.table_from({"__newindex": refuse, "__index": refuse}))

    def run(self, script, call, keys, words):
        def answer(command, *rest):
            found = call(command, *rest)
            return self.lua.table_from(found) if isinstance(found, list) else found

        redis = self.lua.table_from({"call": answer})
        reply = self.functions[script](redis, self.lua.table_from(keys), self.lua.table_from(words))
        # A client gets whole numbers: what follows the point is cut off, so there must be nothing.
        numbers = list(reply.values())
        assert all(number == int(number) and abs(number) < 1 << 53 for number in numbers), numbers
        return [int(number) for number in numbers]


def plain(word):
    """A number or a text as Redis makes a word of it."""
    if isinstance(word, float):
        word = format(word, ".17g")
    return str(word)
