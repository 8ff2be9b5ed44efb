-- A budget that a fleet shares: the steps of core/src/budget.rs. Amounts of tokens are in millionths, instants in microseconds
-- of this server's clock.
--
-- KEYS: state, members
-- ARGV: mode, capacity, tokens a second, window, member, known, added, owed, take
-- Answers: granted, tokens, members
--
-- What was added comes first, then what is owed, then the retry that is asked for: no other order leaves less.

local BUCKET, FAILURES, WINDOW = 0, 1, 2
local TOKEN = 1000000
local SLOTS = 10
-- A process that has not been heard of for so long does not share it any more.
local ABSENT_AFTER = 60 * 1000000
local DAY = 24 * 60 * 60 * 1000

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function text(number)
  return string.format("%.0f", number)
end

local mode, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]) * TOKEN
local reserve, window = tonumber(ARGV[3]) * tonumber(ARGV[4]), tonumber(ARGV[4])
local member, known = ARGV[5], tonumber(ARGV[6])
local added, owed, take = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local instant = now()
local tokens
local keep = DAY

if mode == WINDOW then
  local names = { "latest" }
  for slot = 0, SLOTS - 1 do
    names[slot + 2] = tostring(slot)
  end
  local state = redis.call("HMGET", KEYS[1], unpack(names))
  local number = math.floor(instant / math.floor(window / SLOTS))
  local latest = math.max(tonumber(state[1]) or 0, number)
  local slots = {}
  tokens = reserve
  for slot = 0, SLOTS - 1 do
    -- The number of the newest part that has this place, and whether it was written.
    local newest = latest - (latest - slot) % SLOTS
    local is_kept = state[1] and newest <= tonumber(state[1])
    slots[slot] = is_kept and tonumber(state[slot + 2]) or 0
    tokens = tokens + slots[slot]
  end
  local place = latest % SLOTS
  if not state[1] and known then
    -- A server that has forgotten goes on with what it said last.
    slots[place] = known - reserve
    tokens = known
  end
  slots[place] = slots[place] + added - owed
  tokens = tokens + added - owed
  local granted = take and tokens >= take
  if granted then
    slots[place] = slots[place] - take
    tokens = tokens - take
  end
  take = granted
  local fields = { "latest", text(latest) }
  for slot = 0, SLOTS - 1 do
    fields[#fields + 1] = tostring(slot)
    fields[#fields + 1] = text(slots[slot])
  end
  redis.call("HSET", KEYS[1], unpack(fields))
  tokens = math.max(tokens, 0)
  keep = math.max(DAY, math.ceil(window / 1000))
else
  local kept = tonumber(redis.call("HGET", KEYS[1], "tokens") or nil)
  tokens = math.min(kept or known or capacity, capacity)
  tokens = math.max(math.min(tokens + added, capacity) - owed, 0)
  if mode == FAILURES then
    take = take and 2 * tokens > capacity
  elseif take then
    local price = take
    take = tokens >= price
    if take then
      tokens = tokens - price
    end
  end
  redis.call("HSET", KEYS[1], "tokens", text(tokens))
end

redis.call("PEXPIRE", KEYS[1], text(keep))
redis.call("ZADD", KEYS[2], text(instant), member)
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", text(instant - ABSENT_AFTER))
redis.call("PEXPIRE", KEYS[2], DAY)
return { take and 1 or 0, tokens, redis.call("ZCARD", KEYS[2]) }
