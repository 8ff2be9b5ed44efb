-- A budget, shared: an allowance of retries for all who call one upstream. The steps of core/src/budget.rs.
--
-- KEYS: budget, a hash: tokens (without a window), window (a ring of what was added and taken);
--       members, a sorted set: member -> when it was last seen.
-- ARGV: mode (0 bucket, 1 failures, 2 window), capacity (whole tokens), per_second (whole tokens), ttl (us), member,
--       known (the balance that the caller was told last, "" if none), added, owed, take ("" to take nothing).
--       Amounts are in millionths of a token.
-- Reply: {granted 0 or 1, balance, members}.
--
-- A call brings all that its sender noted since the last: first `added`, then `owed`, then `take`. In no other order of these notes would
-- less be left.

local BUCKET, FAILURES = 0, 1
local TOKEN = 1000000
local DAY = 86400000
-- Who was not seen for so long is no member; nor is who was seen so long after now, by a server whose clock was ahead.
local ABSENCE = 60000000

local mode, capacity, per_second, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]) * TOKEN, tonumber(ARGV[3]), tonumber(ARGV[4])
local known, added, owed, take = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local at = now()

local balance, is_granted
if mode == BUCKET or mode == FAILURES then
  -- A store that lost its state hands out no fresh budget.
  local tokens = tonumber(redis.call("HGET", KEYS[1], "tokens")) or known or capacity
  balance = math.max(math.min(tokens + added, capacity) - owed, 0)
  if mode == FAILURES then
    is_granted = take and 2 * balance > capacity
  elseif take and balance >= take then
    is_granted = true
    balance = balance - take
  end
  redis.call("HSET", KEYS[1], "tokens", string.format("%.0f", balance))
else
  local kept = redis.call("HGET", KEYS[1], "window")
  local window = ring(kept, 1, quotient(ttl, SLOTS), at)
  local reserve = per_second * ttl
  if not kept and known then
    add(window, 1, known - reserve)
  end
  add(window, 1, added - owed)
  balance = math.max(reserve + sum(window, 1), 0)
  if take and balance >= take then
    is_granted = true
    add(window, 1, -take)
    balance = balance - take
  end
  redis.call("HSET", KEYS[1], "window", text(window))
end
redis.call("PEXPIRE", KEYS[1], DAY)

redis.call("ZADD", KEYS[2], string.format("%.0f", at), ARGV[5])
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", string.format("%.0f", at - ABSENCE))
redis.call("ZREMRANGEBYSCORE", KEYS[2], string.format("(%.0f", at + ABSENCE), "+inf")
redis.call("PEXPIRE", KEYS[2], DAY)
return {is_granted and 1 or 0, balance, redis.call("ZCARD", KEYS[2])}
