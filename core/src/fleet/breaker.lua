-- A breaker that a fleet shares: the steps of core/src/breaker.rs. Instants are in microseconds of this server's clock.
--
-- KEYS: state
-- ARGV: window_calls, window_time, min_calls, failure_rate, slow_rate, initial, factor, max_delay, jitter, probes, probe_timeout,
--   whether calls can be slow, what (permit, report, look), generation, the upper and the lower half of the word that jitters the
--   next opening; to a report the results of a closed breaker (neither failed nor slow, slow, failed, failed and slow), and for each
--   probe its number, how it ended (0 ok, 1 failed, else it counts for nothing) and whether it was slow
-- Answers: state, generation, a probe's number or 0, how long it refuses, calls, failures, slow, trips, probing, opened

local CLOSED, OPEN, HALF_OPEN = 0, 1, 2
local NONE, FULL = 0, 1
local MILLION = 1000000
local SLOTS = 10
local MOST_PROBES = 16
local RUNGS = 64
local DAY = 24 * 60 * 60 * 1000

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function text(number)
  return string.format("%.0f", number)
end

local window_calls, window_time = tonumber(ARGV[1]), tonumber(ARGV[2])
local min_calls, failure_rate, slow_rate = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local initial, factor, max_delay, jitter = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local probes, probe_timeout, can_be_slow = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == "1"
local what, generation = ARGV[13], tonumber(ARGV[14])

local kept = redis.call("HMGET", KEYS[1], "state", "generation", "trips", "opened", "now", "until", "window", "results", "counts", "last", "out")
local self = {
  state = tonumber(kept[1]) or CLOSED,
  generation = tonumber(kept[2]) or 0,
  trips = tonumber(kept[3]) or 0,
  opened = tonumber(kept[4]) or 0,
  now = math.max(tonumber(kept[5]) or 0, now()),
  open_until = tonumber(kept[6]) or 0,
  results = "",
  calls = 0,
  failures = 0,
  slow = 0,
  -- Of a half-open breaker: the number of the last probe, and of those not settled number and instant.
  last = tonumber(kept[10]) or 0,
  out = {},
}
local width = window_time and math.max(math.floor(window_time / SLOTS), 1)
local window = window_calls and text(window_calls) .. " calls" or text(window_time) .. " us"

local function forget()
  self.results, self.calls, self.failures, self.slow, self.last, self.out = "", 0, 0, 0, 0, {}
end

-- What was done before counts for nothing from now on.
local function turn_to(state)
  self.state, self.generation = state, (self.generation + 1) % 4294967296
  forget()
end

-- floor(list * by / over); a list has limbs of 24 bits, the lowest first.
local function scaled(list, by, over)
  local carry = 0
  for at = 1, #list do
    local product = list[at] * by + carry
    list[at] = product % 16777216
    carry = math.floor(product / 16777216)
  end
  local rest = carry
  for at = #list, 1, -1 do
    local dividend = rest * 16777216 + list[at]
    list[at] = math.floor(dividend / over)
    rest = dividend % over
  end
end

-- The ceiling of this trip: initial * factor^(trip - 1), with 32 bits of fraction.
local function ceiling(trip)
  local limbs = { 0, initial % 65536 * 256, math.floor(initial / 65536) % 16777216, math.floor(initial / 1099511627776), 0 }
  local whole = initial
  for _ = 2, math.min(trip, RUNGS) do
    if whole >= max_delay then
      break
    end
    scaled(limbs, factor, MILLION)
    whole = math.floor(limbs[2] / 256) + limbs[3] * 65536 + limbs[4] * 1099511627776 + limbs[5] * 18446744073709551616
  end
  return math.min(whole, max_delay)
end

-- floor(word * (most + 1) / 2^64).
local function uniform(most)
  local high, low = tonumber(ARGV[15]), tonumber(ARGV[16])
  local word = { low % 65536, math.floor(low / 65536), high % 65536, math.floor(high / 65536) }
  local range, by = most + 1, {}
  for at = 1, 4 do
    by[at] = range % 65536
    range = math.floor(range / 65536)
  end
  local product = { 0, 0, 0, 0, 0, 0, 0, 0 }
  for a = 1, 4 do
    for b = 1, 4 do
      product[a + b - 1] = product[a + b - 1] + word[a] * by[b]
    end
  end
  for at = 1, 7 do
    product[at + 1] = product[at + 1] + math.floor(product[at] / 65536)
    product[at] = product[at] % 65536
  end
  return product[5] + product[6] * 65536 + product[7] * 4294967296 + product[8] * 281474976710656
end

local function open()
  self.trips, self.opened = self.trips + 1, self.opened + 1
  local most = ceiling(self.trips)
  local delay
  if jitter == NONE then
    delay = most
  elseif jitter == FULL then
    delay = uniform(most)
  else
    delay = most - uniform(math.floor(most / 2))
  end
  turn_to(OPEN)
  self.open_until = self.now + delay
end

local function is_too_much(failures, slow, all)
  return failures * MILLION >= failure_rate * all or (slow_rate ~= nil and slow * MILLION >= slow_rate * all)
end

-- Results of a window of calls are a digit each: 0 neither, 1 slow, 2 failed, 3 both; the oldest first.
-- Those of a window of time are the number of the newest slot and three counts for each.
local function read_window(results, counts)
  if window_calls then
    self.results = results
    self.calls, self.failures, self.slow = unpack(counts)
    return
  end
  local numbers = {}
  for number in string.gmatch(results, "%d+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  local before = numbers[1]
  self.newest = math.max(before or 0, math.floor(self.now / width))
  self.slots = {}
  for slot = 0, SLOTS - 1 do
    local is_kept = before and self.newest - (self.newest - slot) % SLOTS <= before
    for thing = 1, 3 do
      self.slots[slot * 3 + thing] = is_kept and numbers[1 + slot * 3 + thing] or 0
    end
    self.calls = self.calls + self.slots[slot * 3 + 1]
    self.failures = self.failures + self.slots[slot * 3 + 2]
    self.slow = self.slow + self.slots[slot * 3 + 3]
  end
end

local function kept_counts()
  local calls, failures, slow = string.match(kept[9], "(%d+) (%d+) (%d+)")
  return { tonumber(calls), tonumber(failures), tonumber(slow) }
end

local function write_window()
  if self.state == CLOSED and window_time then
    self.results = text(self.newest) .. " " .. table.concat(self.slots, " ")
  end
end

local function count(failed, slow)
  self.calls, self.failures, self.slow = self.calls + 1, self.failures + failed, self.slow + slow
  if self.state ~= CLOSED then
    return
  end
  if window_calls then
    self.results = self.results .. (failed * 2 + slow)
    if self.calls > window_calls then
      local oldest = tonumber(string.sub(self.results, 1, 1))
      self.results = string.sub(self.results, 2)
      self.calls = window_calls
      self.failures, self.slow = self.failures - math.floor(oldest / 2), self.slow - oldest % 2
    end
  else
    local place = self.newest % SLOTS * 3
    for thing, more in ipairs({ 1, failed, slow }) do
      self.slots[place + thing] = self.slots[place + thing] + more
    end
  end
end

local function judge_probes()
  local others = probes - self.calls
  if is_too_much(self.failures, self.slow, probes) then
    open()
  elseif not is_too_much(self.failures + others, self.slow + (can_be_slow and others or 0), probes) then
    self.trips = 0
    turn_to(CLOSED)
    read_window("", { 0, 0, 0 })
  end
end

-- What time alone changes.
local function pass()
  if self.state == OPEN and self.open_until <= self.now then
    turn_to(HALF_OPEN)
  end
end

if self.state == OPEN then
  pass()
elseif self.state == HALF_OPEN then
  self.calls, self.failures, self.slow = unpack(kept_counts())
  for number, issued_at in string.gmatch(kept[11], "(%d+):(%d+)") do
    if tonumber(issued_at) + probe_timeout > self.now then
      self.out[#self.out + 1] = { tonumber(number), tonumber(issued_at) }
    end
  end
elseif self.state == CLOSED and kept[7] == window then
  read_window(kept[8], kept_counts())
elseif self.state == CLOSED then
  read_window("", { 0, 0, 0 })
end

local number = 0
if what == "permit" and self.state == HALF_OPEN and #self.out + self.calls < probes and #self.out < MOST_PROBES then
  self.last = self.last + 1
  number = self.last
  self.out[#self.out + 1] = { number, self.now }
elseif what == "report" and generation == self.generation then
  for kind = 0, 3 do
    for _ = 1, tonumber(ARGV[17 + kind]) do
      if self.state == CLOSED and generation == self.generation then
        count(kind >= 2 and 1 or 0, kind % 2)
        if self.calls >= min_calls and is_too_much(self.failures, self.slow, self.calls) then
          open()
        end
      end
    end
  end
  for at = 21, #ARGV, 3 do
    local probe, outcome, slow = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
    for place, out in ipairs(self.out) do
      if self.state == HALF_OPEN and generation == self.generation and out[1] == probe then
        table.remove(self.out, place)
        if outcome == "0" or outcome == "1" then
          count(tonumber(outcome), slow)
          judge_probes()
        end
        break
      end
    end
  end
end

pass()
local retry_in = 0
if self.state == OPEN then
  retry_in = self.open_until - self.now
elseif self.state == HALF_OPEN and #self.out + self.calls >= probes then
  local oldest = self.now
  for _, out in ipairs(self.out) do
    oldest = math.min(oldest, out[2])
  end
  retry_in = math.max(oldest + probe_timeout - self.now, 0)
end

local out = {}
for place, probe in ipairs(self.out) do
  out[place] = text(probe[1]) .. ":" .. text(probe[2])
end
write_window()
redis.call(
  "HSET", KEYS[1],
  "state", self.state, "generation", text(self.generation), "trips", text(self.trips), "opened", text(self.opened),
  "now", text(self.now), "until", text(self.open_until), "window", window, "results", self.results,
  "counts", self.calls .. " " .. self.failures .. " " .. self.slow, "last", text(self.last), "out", table.concat(out, " ")
)
redis.call("PEXPIRE", KEYS[1], text(DAY + math.ceil(retry_in / 1000)))
local is_open = self.state == OPEN
return {
  self.state, self.generation, number, retry_in, is_open and 0 or self.calls, is_open and 0 or self.failures, is_open and 0 or self.slow,
  self.trips, #self.out, self.opened,
}
