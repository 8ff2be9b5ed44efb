-- A throttle that a fleet shares: the window of core/src/ring.rs. Instants are in microseconds of this server's clock.
--
-- KEYS: state
-- ARGV: window, requests, accepts: what to add
-- Answers: requests and accepts in the window

local SLOTS = 10
local DAY = 24 * 60 * 60 * 1000

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local window, requests, accepts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local width = math.max(math.floor(window / SLOTS), 1)
local kept = redis.call("HMGET", KEYS[1], "newest", "requests", "accepts")
local newest = math.max(tonumber(kept[1]) or 0, math.floor(now() / width))

-- The slots of a list, those that time has gone past empty, with more in the newest; and their sum.
local function turned(list, more)
  local slots, sum, slot = {}, more, 0
  for count in string.gmatch(list or string.rep("0 ", SLOTS), "%d+") do
    local number = newest - (newest - slot) % SLOTS
    slots[slot + 1] = kept[1] and number <= tonumber(kept[1]) and tonumber(count) or 0
    sum = sum + slots[slot + 1]
    slot = slot + 1
  end
  local place = newest % SLOTS + 1
  slots[place] = slots[place] + more
  return table.concat(slots, " "), sum
end

local request_slots, all_requests = turned(kept[2], requests)
local accept_slots, all_accepts = turned(kept[3], accepts)
redis.call("HSET", KEYS[1], "newest", string.format("%.0f", newest), "requests", request_slots, "accepts", accept_slots)
redis.call("PEXPIRE", KEYS[1], string.format("%.0f", math.max(DAY, math.ceil(window / 1000))))
return { all_requests, all_accepts }
