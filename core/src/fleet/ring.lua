-- The beginning of the scripts of budgets, breakers and throttles: the server's time in microseconds, and counts of the recent past.
--
-- Ten slots of time as core/src/ring.rs has them, each with so many counts; kept as text, "width newest count count ...". What was kept
-- with another width counts as of now, so that callers whose options differ, as while a deployment rolls, share one window all the same.
-- So does what is ahead of the clock by more than the whole window: a server took over whose clock is behind.

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

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
  -- Time that goes back a little is no progress.
  local newest = math.max(last, quotient(now, was))
  local is_kept = was == width and newest - quotient(now, was) <= SLOTS
  if is_kept then
    slots.newest = newest
  end
  for number = newest - SLOTS + 1, last do
    local to = (is_kept and number or slots.newest) % SLOTS * counts
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

