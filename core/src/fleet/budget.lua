-- A budget, shared: an allowance of retries for all who call one upstream. The steps of core/src/budget.rs.
--
-- KEYS: budget, a hash: tokens (without a window), window (a ring of what was added and taken);
--       members, a sorted set: member -> when it was last seen.
-- ARGV: mode (0 bucket, 1 failures, 2 window), capacity (whole tokens), per_second (whole tokens), ttl (us), member,
--       known (the balance that the caller was told last, "" if none), added, owed, take (what each retry takes), asks (for
--       how many retries: those of one process that ask at the same time ask together). Amounts are in millionths of a token.
-- Reply: {granted (how many retries), balance, members}.
--
-- A call brings all that its sender noted since the last: first `added`, then `owed`, then `take`. In no other order of these notes would
-- less be left. A bucket that owes more than it has is in debt, of its capacity at most: what processes took alone is paid back, however
-- much others took meanwhile.

local BUCKET, FAILURES = 0, 1
local TOKEN = 1000000
local DAY = 86400000
-- Who was not seen for so long is no member; nor is who was seen so long after now, by a server whose clock was ahead.
local ABSENCE = 60000000

local mode, capacity, per_second, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]) * TOKEN, tonumber(ARGV[3]), tonumber(ARGV[4])
local known, added, owed = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local take, asks = tonumber(ARGV[9]), tonumber(ARGV[10])
local at = now()

-- How many retries there are in so much.
local function granted_of(balance)
  return take > 0 and math.min(asks, quotient(math.max(balance, 0), take)) or asks
end

local balance, granted
if mode == BUCKET or mode == FAILURES then
  -- A store that lost its state hands out no fresh budget.
  local tokens = tonumber(redis.call("HGET", KEYS[1], "tokens")) or known or capacity
  balance = math.max(math.min(tokens + added, capacity) - owed, mode == BUCKET and -capacity or 0)
  if mode == FAILURES then
    granted = 2 * balance > capacity and asks or 0
  else
    granted = granted_of(balance)
    balance = balance - granted * take
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
  balance = reserve + sum(window, 1)
  granted = granted_of(balance)
  add(window, 1, -granted * take)
  balance = balance - granted * take
  redis.call("HSET", KEYS[1], "window", text(window))
end
redis.call("PEXPIRE", KEYS[1], DAY)

redis.call("ZADD", KEYS[2], string.format("%.0f", at), ARGV[5])
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", string.format("%.0f", at - ABSENCE))
redis.call("ZREMRANGEBYSCORE", KEYS[2], string.format("(%.0f", at + ABSENCE), "+inf")
redis.call("PEXPIRE", KEYS[2], DAY)
return {granted, math.max(balance, 0), redis.call("ZCARD", KEYS[2])}
