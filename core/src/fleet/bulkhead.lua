-- A bulkhead that a fleet shares: the counts of core/src/bulkhead.rs, without its queue. Who is in holds a lease, so that the
-- places of a process that died come back. Instants are in microseconds of this server's clock.
--
-- KEYS: who is in, by the end of the lease
-- ARGV: limit, lease, what (enter, leave, renew, look), ids
-- Answers: admitted, running, how long until the oldest lease ends, how many were renewed

local DAY = 24 * 60 * 60 * 1000

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function text(number)
  return string.format("%.0f", number)
end

local limit, lease, what = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local instant = now()
local ends_at = text(instant + lease)
local admitted, renewed = 0, 0
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", text(instant))
local running = redis.call("ZCARD", KEYS[1])

for at = 4, #ARGV do
  local id = ARGV[at]
  if what == "enter" then
    if running < limit then
      admitted = redis.call("ZADD", KEYS[1], ends_at, id)
      running = running + admitted
    end
  elseif what == "leave" then
    running = running - redis.call("ZREM", KEYS[1], id)
  elseif what == "renew" and redis.call("ZSCORE", KEYS[1], id) then
    redis.call("ZADD", KEYS[1], ends_at, id)
    renewed = renewed + 1
  end
end

local retry_in = 0
if running > 0 then
  redis.call("PEXPIRE", KEYS[1], text(math.max(DAY, math.ceil(lease / 1000))))
  local oldest = redis.call("ZRANGE", KEYS[1], 0, 0, "WITHSCORES")
  retry_in = tonumber(oldest[2]) - instant
end
return { admitted, running, retry_in, renewed }
