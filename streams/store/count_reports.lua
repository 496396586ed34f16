-- Counts users' reports of verdicts, each reporter once.
--
-- ARGV[1]  msgpack: {seconds that reports are kept, most reporters of a verdict, items};
--          per item: {verdict, hash of the reporter, credibility}
-- KEYS     per item: the author's hash of decisions
-- result   msgpack: per item {reporters, their credibility together}
--
-- The hash holds, under "r/" and the verdict, msgpack: credibility by hash of the reporter.

local keep, most, items = unpack(cmsgpack.unpack(ARGV[1]))
local counts = {}

for i, item in ipairs(items) do
  local verdict, reporter, credibility = unpack(item)
  local known = redis.call('HGET', KEYS[i], 'r/' .. verdict)
  local by = known and cmsgpack.unpack(known) or {}
  local reporters, together = 0, 0
  for _, one in pairs(by) do
    reporters, together = reporters + 1, together + one
  end
  if not by[reporter] and reporters < most then
    by[reporter] = credibility
    reporters, together = reporters + 1, together + credibility
    redis.call('HSET', KEYS[i], 'r/' .. verdict, cmsgpack.pack(by))
    redis.call('EXPIRE', KEYS[i], keep)
  end
  counts[i] = {reporters, together}
end

return cmsgpack.pack(counts)
