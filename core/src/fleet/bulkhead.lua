-- A bulkhead, shared: at most so many calls at once, wherever they run. Each that is in has a lease, which it renews; one whose process
-- died is out when its lease ends.
--
-- KEYS: bulkhead, a sorted set: id of a call -> when its lease ends;
--       bulkhead-members, a sorted set: member -> when it was last seen.
-- ARGV: limit, lease (us), member, held (how many places it has, as far as it knows), op, ids...
--       enter (an id): goes in if there is room; one that is in, and asks again since no answer came, stays in.
--       leave (ids), look.
--       renew (ids: those still in; of a member that is not known, all), bring (ids: all, known or not; where some of them were let in
--       without the store, or run on after their lease).
-- Reply: {admitted 0 or 1, running, retry_in (us until the oldest lease ends if there is no room, else 0), renewed, members,
--        lost (1 if the caller is to renew what it has, as nothing is known of it), places among the ids of those that were not renewed...}.
--
-- A member that has places and is not known is one whose places the store lost: those calls run, so they come in again, above the limit too.
-- It is known from then on, not before, so no other call of it keeps them out. Of a known one `renew` leaves out what is not in, so that
-- nobody is in again whose `leave` has overtaken it.

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local DAY = 86400000
-- Who was not seen for so long is no member.
local ABSENCE = 60000000
-- Of arguments in one command: Lua's stack holds 8000.
local MOST = 2000

local limit, lease, member, held, op = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local FIRST = 6
local at = now()
local ends_at = string.format("%.0f", at + lease)

redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%.0f", at))
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", string.format("%.0f", at - ABSENCE))

local is_known = redis.call("ZSCORE", KEYS[2], member)
local lost = not is_known and held > 0 and op ~= "renew" and op ~= "bring"
if not lost then
  redis.call("ZADD", KEYS[2], string.format("%.0f", at), member)
  redis.call("PEXPIRE", KEYS[2], DAY)
end

local admitted, renewed, gone = 0, 0, {}
if op == "enter" then
  if redis.call("ZCARD", KEYS[1]) < limit or redis.call("ZSCORE", KEYS[1], ARGV[FIRST]) then
    redis.call("ZADD", KEYS[1], ends_at, ARGV[FIRST])
    admitted = 1
  end
elseif op == "leave" then
  for first = FIRST, #ARGV, MOST do
    redis.call("ZREM", KEYS[1], unpack(ARGV, first, math.min(first + MOST - 1, #ARGV)))
  end
elseif op == "renew" or op == "bring" then
  for place = FIRST, #ARGV do
    if op == "bring" or not is_known or redis.call("ZSCORE", KEYS[1], ARGV[place]) then
      redis.call("ZADD", KEYS[1], ends_at, ARGV[place])
      renewed = renewed + 1
    else
      gone[#gone + 1] = place - FIRST + 1
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
local reply = {admitted, running, retry_in, renewed, redis.call("ZCARD", KEYS[2]), lost and 1 or 0}
for place = 1, #gone do
  reply[#reply + 1] = gone[place]
end
return reply
