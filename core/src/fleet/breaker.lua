-- A breaker, shared: refuses calls to what fails, wherever they come from. The steps of core/src/breaker.rs.
--
-- KEYS: breaker, a hash: now (the latest instant), state, generation, trips, opened as in the core, and held, by the state:
--         closed     results, oldest first, one digit each (1 failed, 2 slow, 3 both, 0 neither); or a ring of calls, failures, slow
--         open       until when
--         half open  number of the last probe, calls, failures, slow, then number and instant of each probe that is out
-- ARGV: window_calls ("" with window_time), window_time (us; "" with window_calls), min_calls, failure_rate, slow_rate ("" without),
--       initial, factor, max_delay, jitter (0 none, 1 full, 2 equal), probes, probe_timeout, has_slow (0 or 1),
--       op, generation (that the caller knows; "" if it never heard of one), word_high, word_low, rest...
--       Times are in us, factor and rates in millionths. The halves of the word, 32 bits each, jitter how long it stays open.
--         permit  asks for a probe
--         report  ok, ok_slow, failed, failed_slow: results of a closed breaker of that generation, counted in this order, one by one,
--                 until it opens (of any generation if the caller knows none); then, of each probe of that generation, number,
--                 outcome (0 ok, 1 failed, 2 says nothing), slow (0 or 1)
--         look    nothing
-- Reply: {state (0 closed, 1 open, 2 half open), generation, number (of the probe; 0 without), retry_in (us), calls, failures, slow, trips,
--         probing, opened}.
--
-- A clock that goes back by up to a minute makes no progress. By more, it is that of a server that took over, and counts: what is open
-- or out by then is so for no longer than the caller's options have it, from now on.
--
-- A server that has forgotten its breaker begins with a closed one, and does not know for how long it was to be open. Its generation is
-- none that permits of before may be of: as far from the caller's as the word says.

local CLOSED, OPEN, HALF_OPEN = 0, 1, 2
local CALLS, FAILURES, SLOW = 1, 2, 3
local MILLION = 1000000
local DAY = 86400000
local BACK = 60000000

local window_calls, window_time, min_calls = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local failure_rate, slow_rate = tonumber(ARGV[4]), tonumber(ARGV[5])
local initial, factor, max_delay, jitter = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
local probes, probe_timeout, has_slow = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == "1"
local op, of_generation, word_high, word_low = ARGV[13], tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])

local at, state, generation, trips, opened
-- One of them, by the state.
local results, open_until, half
local counts = {0, 0, 0}

-- The ceiling of opening `trips`, as core/src/backoff.rs: X(n+1) = floor(X(n) * factor / 10^6) in whole microseconds and 32 binary
-- places, which are two limbs of 16 here. No product reaches 2^53.
local function ceiling()
  local whole, high, low = initial, 0, 0
  for _ = 2, math.min(trips, 64) do
    if whole >= max_delay then
      break
    end
    local p0 = low * factor
    local p1 = high * factor + quotient(p0, 65536)
    local part = whole % MILLION * factor + quotient(p1, 65536)
    whole = quotient(whole, MILLION) * factor + quotient(part, MILLION)
    part = part % MILLION * 65536 + p1 % 65536
    high = quotient(part, MILLION)
    low = quotient(part % MILLION * 65536 + p0 % 65536, MILLION)
  end
  return math.min(whole, max_delay)
end

-- floor(word * (x + 1) / 2^64) as core/src/draw.rs, by four bits of the word at a time: no sum reaches 2^53.
local function uniform(x)
  local drawn = 0
  for _, half_word in ipairs({word_low, word_high}) do
    for _ = 1, 8 do
      drawn = quotient(drawn + half_word % 16 * (x + 1), 16)
      half_word = quotient(half_word, 16)
    end
  end
  return drawn
end

-- What was held before is worth nothing from now on, nor are permits.
local function turn_to(other)
  state = other
  generation = (generation + 1) % 4294967296
  results, open_until, half, counts = nil, nil, nil, {0, 0, 0}
end

local function end_opening()
  if open_until <= at then
    turn_to(HALF_OPEN)
    half = {last = 0}
  end
end

local function open()
  trips = trips + 1
  opened = opened + 1
  local delay = ceiling()
  if jitter == "1" then
    delay = uniform(delay)
  elseif jitter == "2" then
    delay = delay - uniform(quotient(delay, 2))
  end
  turn_to(OPEN)
  open_until = at + delay
  -- A delay drawn may be none.
  end_opening()
end

local function new_window()
  return window_time and ring(nil, 3, quotient(window_time, SLOTS), at) or ""
end

local function close()
  trips = 0
  turn_to(CLOSED)
  results = new_window()
end

local function is_too_much(calls, failures, slow)
  return failures * MILLION >= failure_rate * calls or slow_rate and slow * MILLION >= slow_rate * calls
end

local function judges_closed(calls, failures, slow)
  return calls >= min_calls and is_too_much(calls, failures, slow)
end

-- Opens or closes as soon as it is certain. The caller's `probes` may be another than when the probes went out.
local function judge_probes()
  local to_come = math.max(probes - counts[CALLS], 0)
  local all = counts[CALLS] + to_come
  if is_too_much(all, counts[FAILURES], counts[SLOW]) then
    open()
  elseif not is_too_much(all, counts[FAILURES] + to_come, counts[SLOW] + (has_slow and to_come or 0)) then
    close()
  end
end

local function count_of(text, pattern)
  local _, count = text:gsub(pattern, "")
  return count
end

local function read()
  local kept = redis.call("HMGET", KEYS[1], "now", "state", "generation", "trips", "opened", "held")
  local before = tonumber(kept[1]) or 0
  at = now()
  if before - at <= BACK then
    at = math.max(at, before)
  end
  state = tonumber(kept[2]) or CLOSED
  generation = tonumber(kept[3]) or of_generation and (of_generation + word_low) % 4294967296 or 0
  trips, opened = tonumber(kept[4]) or 0, tonumber(kept[5]) or 0
  local held = kept[6] or ""
  if state == OPEN then
    open_until = math.min(tonumber(held), at + max_delay)
    end_opening()
  elseif state == HALF_OPEN then
    local values = {}
    for value in held:gmatch("%S+") do
      values[#values + 1] = tonumber(value)
    end
    half = {last = values[1]}
    counts = {values[2], values[3], values[4]}
    for place = 5, #values, 2 do
      local issued = math.min(values[place + 1], at)
      if issued + probe_timeout > at then
        half[#half + 1] = {number = values[place], at = issued}
      end
    end
    judge_probes()
  elseif (held:find(" ") ~= nil) ~= (window_time ~= nil) then
    -- The other kind of window.
    results = new_window()
  elseif window_time then
    results = ring(held, 3, quotient(window_time, SLOTS), at)
    counts = {sum(results, CALLS), sum(results, FAILURES), sum(results, SLOW)}
  else
    results = held:sub(-window_calls)
    counts = {#results, count_of(results, "[13]"), count_of(results, "[23]")}
  end
end

-- So many results at once, of which each failed, was slow, both or neither (0 or 1).
local function count_in_time(more, failed, slow)
  local calls, failures, slows = counts[CALLS], counts[FAILURES], counts[SLOW]
  add(results, CALLS, more)
  add(results, FAILURES, more * failed)
  add(results, SLOW, more * slow)
  counts = {calls + more, failures + more * failed, slows + more * slow}
  -- From the first result that makes enough calls on, each rate only rises or only falls: it is reached at the first or at the last
  -- of them, or never.
  local first = math.max(min_calls - calls, 1)
  if first <= more
    and (is_too_much(calls + first, failures + first * failed, slows + first * slow) or judges_closed(unpack(counts))) then
    open()
  end
end

local function count_in_calls(more, failed, slow)
  -- After a window of equal results another one changes nothing.
  more = math.min(more, window_calls)
  local all = results .. string.format("%d", failed + 2 * slow):rep(more)
  for last = #results + 1, #all do
    local first = last - window_calls
    if first >= 1 then
      local digit = all:byte(first) - 48
      counts[FAILURES] = counts[FAILURES] - digit % 2
      counts[SLOW] = counts[SLOW] - quotient(digit, 2)
    end
    counts[CALLS] = math.min(last, window_calls)
    counts[FAILURES] = counts[FAILURES] + failed
    counts[SLOW] = counts[SLOW] + slow
    if judges_closed(unpack(counts)) then
      return open()
    end
  end
  results = all:sub(-window_calls)
end

local function report()
  for place, result in ipairs({{0, 0}, {0, 1}, {1, 0}, {1, 1}}) do
    local more = tonumber(ARGV[16 + place])
    if more > 0 and state == CLOSED and (of_generation == nil or generation == of_generation) then
      (window_time and count_in_time or count_in_calls)(more, unpack(result))
    end
  end
  for place = 21, #ARGV, 3 do
    local number, outcome, slow = tonumber(ARGV[place]), tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    for index, probe in ipairs(state == HALF_OPEN and generation == of_generation and half or {}) do
      if probe.number == number then
        table.remove(half, index)
        if outcome < 2 then
          counts = {counts[CALLS] + 1, counts[FAILURES] + outcome, counts[SLOW] + slow}
          judge_probes()
        end
        break
      end
    end
  end
end

local function permit()
  if state == HALF_OPEN and #half + counts[CALLS] < probes then
    half.last = half.last + 1
    half[#half + 1] = {number = half.last, at = at}
    return half.last
  end
  return 0
end

local function held()
  if state == OPEN then
    return string.format("%.0f", open_until)
  elseif state == CLOSED then
    return window_time and text(results) or results
  end
  local words = {string.format("%.0f %.0f %.0f %.0f", half.last, unpack(counts))}
  for _, probe in ipairs(half) do
    words[#words + 1] = string.format("%.0f %.0f", probe.number, probe.at)
  end
  return table.concat(words, " ")
end

local function retry_in()
  if state == OPEN then
    return open_until - at
  elseif state == HALF_OPEN and #half + counts[CALLS] >= probes then
    local oldest = at
    for _, probe in ipairs(half) do
      oldest = math.min(oldest, probe.at)
    end
    return oldest + probe_timeout - at
  end
  return 0
end

read()
local number = op == "permit" and permit() or 0
if op == "report" then
  report()
end
redis.call(
  "HSET", KEYS[1], "now", string.format("%.0f", at), "state", state, "generation", generation, "trips", trips, "opened", opened,
  "held", held()
)
local remembers = math.max(open_until and open_until - at or 0, window_time or 0, probe_timeout)
redis.call("PEXPIRE", KEYS[1], DAY + quotient(remembers, 1000))
return {state, generation, number, retry_in(), counts[CALLS], counts[FAILURES], counts[SLOW], trips, half and #half or 0, opened}
