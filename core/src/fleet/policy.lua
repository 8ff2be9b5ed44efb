-- A policy that a fleet reads: canonical JSON, and a version that counts from 1. It does not expire.
--
-- KEYS: policy, a hash: text, version
-- ARGV: text (what is to be the next version; "" only reads), expected (the version that it is to follow, 0 if none; "" whatever is there)
-- Reply: {written (0 or 1), version, text, trouble}: what is there then, as it stands there, "" where there is nothing; what the server
--         says of a key that is no hash, or that may not be read.

local found = redis.pcall("HMGET", KEYS[1], "version", "text")
if found.err then
  return {0, "", "", found.err}
end
local version, text = found[1] or "", found[2] or ""
if ARGV[1] == "" then
  return {0, version, text, ""}
end
-- What somebody wrote there by hand may be no whole number.
local last = version:match("^%d+$") and tonumber(version) or 0
if ARGV[2] ~= "" and tonumber(ARGV[2]) ~= last then
  return {0, version, text, ""}
end
local next = string.format("%.0f", last + 1)
redis.call("HSET", KEYS[1], "version", next, "text", ARGV[1])
return {1, next, ARGV[1], ""}
