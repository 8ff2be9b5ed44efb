-- A throttle's history, shared: how many requests there were lately and how many of them were accepted. The chance by which a request
-- is refused is worked out by who asks, as core/src/throttle.rs does.
--
-- KEYS: throttle, a hash: window (a ring of requests and accepts).
-- ARGV: window (us), requests, accepts: how many to add.
-- Reply: {requests, accepts} in the window.

local DAY = 86400000

local window = tonumber(ARGV[1])
local history = ring(redis.call("HGET", KEYS[1], "window"), 2, quotient(window, SLOTS), now())
add(history, 1, tonumber(ARGV[2]))
add(history, 2, tonumber(ARGV[3]))
redis.call("HSET", KEYS[1], "window", text(history))
redis.call("PEXPIRE", KEYS[1], DAY + quotient(window, 1000))
return {sum(history, 1), sum(history, 2)}
