-- A bulkhead, shared: at most so many calls at once, wherever they run. Each that is in has a lease, which it renews; one whose process died
-- is out when its lease ends.
--
-- KEYS: bulkhead, a sorted set: id of a call -> when its lease ends.
-- ARGV: limit, lease (us), op, ids...
--       enter (an id): goes in if there is room; one that is in, and asks again since no answer came, stays in.
--       leave (ids), renew (ids: only those still in), look.
-- Reply: {admitted 0 or 1, running, retry_in (us until the oldest lease ends if there is no room, else 0), renewed}.

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local DAY = 86400000
-- Of arguments in one command: Lua's stack holds 8000.
local MOST = 2000

local limit, lease, op = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local at = now()
local ends_at = string.format("%.0f", at + lease)

redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%.0f", at))

local admitted, renewed = 0, 0
if op == "enter" then
  if redis.call("ZCARD", KEYS[1]) < limit or redis.call("ZSCORE", KEYS[1], ARGV[4]) then
    redis.call("ZADD", KEYS[1], ends_at, ARGV[4])
    admitted = 1
  end
elseif op == "leave" then
  for first = 4, #ARGV, MOST do
    redis.call("ZREM", KEYS[1], unpack(ARGV, first, math.min(first + MOST - 1, #ARGV)))
  end
elseif op == "renew" then
  for place = 4, #ARGV do
    if redis.call("ZSCORE", KEYS[1], ARGV[place]) then
      redis.call("ZADD", KEYS[1], ends_at, ARGV[place])
      renewed = renewed + 1
    end
  end
end
if admitted + renewed > 0 then
  redis.call("PEXPIRE", KEYS[1], DAY + math.ceil(lease / 1000))
end

local running, retry_in = redis.call("ZCARD", KEYS[1]), 0
if running >= limit then
  retry_in = tonumber(redis.call("ZRANGE", KEYS[1], 0, 0, "WITHSCORES")[2]) - at
end
return {admitted, running, retry_in, renewed}
