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

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- ring: these lines stand in each script that needs them. Ten slots of time as core/src/ring.rs has them, each with so many
-- counts; kept as text, "width newest count count ...". What was kept with another width counts as of now, so that callers
-- whose options differ, as while a deployment rolls, share one window all the same.
local SLOTS = 10

-- Of whole numbers: exact below 2^53, as all here are.
local function quotient(x, by)
  return (x - x % by) / by
end

local function ring(kept, counts, width, now)
  local slots = {counts = counts, width = width, newest = quotient(now, width)}
  for place = 1, SLOTS * counts do
    slots[place] = 0
  end
  local values = {}
  for value in (kept or ""):gmatch("%S+") do
    values[#values + 1] = tonumber(value)
  end
  if #values == 0 then
    return slots
  end
  local was, last = values[1], values[2]
  -- Time that goes back is no progress.
  local newest = math.max(last, quotient(now, was))
  if was == width then
    slots.newest = newest
  end
  for number = newest - SLOTS + 1, last do
    local to = (was == width and number or slots.newest) % SLOTS * counts
    for count = 1, counts do
      slots[to + count] = slots[to + count] + values[2 + number % SLOTS * counts + count]
    end
  end
  return slots
end

local function add(slots, count, amount)
  local place = slots.newest % SLOTS * slots.counts + count
  slots[place] = slots[place] + amount
end

local function sum(slots, count)
  local all = 0
  for place = count, #slots, slots.counts do
    all = all + slots[place]
  end
  return all
end

local function text(slots)
  local words = {string.format("%.0f %.0f", slots.width, slots.newest)}
  for place, value in ipairs(slots) do
    words[place + 1] = string.format("%.0f", value)
  end
  return table.concat(words, " ")
end
-- end of ring

local BUCKET, FAILURES = 0, 1
local TOKEN = 1000000
local DAY = 86400000
-- Who was not seen for so long is no member.
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
redis.call("PEXPIRE", KEYS[2], DAY)
return {is_granted and 1 or 0, balance, redis.call("ZCARD", KEYS[2])}
