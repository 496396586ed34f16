-- Settles and applies effects on authors, on a cluster those of one bucket, each effect once: what lies
-- at or below the author's mark for its partition was applied before. The twin of `settle` in
-- standings.py and of `after` in rules/reputation.py.
--
-- ARGV[1]  msgpack: {half life, seconds that authors are kept, seconds that recalls are kept, authors};
--          per author: {field of the mark ("topic-id/partition"), how many hashes of recalls, effects};
--          per effect, by ascending offset: {offset, at, kind, message hash, today, yesterday, strike,
--          good, counts, action, content hash}, where today and yesterday count the author's hashes of
--          recalls from 1; all times are in seconds
-- KEYS     per author, in that order: the author's hash, then the hashes of recalls
-- result   the number of effects that were applied
--
-- An author's hash holds s, g, n, f, t (strikes, good, messages, first seen or '', as of) and the marks.
-- A hash of recalls holds, by message hash, "strike good action content-hash".

local half_life, keep_author, keep_recalls, authors = unpack(cmsgpack.unpack(ARGV[1]))
local applied = 0

-- With 17 digits, because Lua's own way to write a number drops the last three.
local function exact(number)
  return string.format('%.17g', number)
end

local function halved(elapsed)
  return 2 ^ (-math.max(0, elapsed) / half_life)
end

local function number(good)
  return good and 1 or 0
end

local function read(recall)
  local strike, good, action, content = string.match(recall, '^(%S+) (%d) (%S+) (.*)$')
  return {strike = tonumber(strike), good = good == '1', action = action, content = content}
end

-- Returns strikes, good and messages to add, and what to remember (nil for nothing).
local function settle(kind, counts, now, before)
  if kind == 'deleted' then
    if not before then
      return 0, 0, 0, nil
    end
    now = {strike = before.strike, good = false, action = before.action, content = before.content}
    return 0, -number(before.good), 0, now
  end
  if not before then
    local counted = kind == 'created' and counts
    now.good = now.good and counted
    return now.strike, number(now.good), number(counted), now
  end
  now.strike = math.max(before.strike, now.strike)
  now.good = before.good and now.good
  return now.strike - before.strike, number(now.good) - number(before.good), 0, now
end

local function save(key, recalls, mark_field, effects)
  local stored = redis.call('HMGET', key, 's', 'g', 'n', 'f', 't', mark_field)
  local s, g, n = tonumber(stored[1] or 0), tonumber(stored[2] or 0), tonumber(stored[3] or 0)
  local f, t, mark = stored[4] and tonumber(stored[4]), tonumber(stored[5] or 0), tonumber(stored[6] or -1)
  local old_mark, written = mark, {}

  for _, effect in ipairs(effects) do
    local offset, at, kind, message, today, yesterday, strike, good, counts, action, content = unpack(effect)
    if offset > mark then
      local before = redis.call('HGET', recalls[today], message) or redis.call('HGET', recalls[yesterday], message)
      local now = {strike = strike, good = good, action = action, content = content}
      local add_s, add_g, add_n, keep = settle(kind, counts, now, before and read(before))
      local as_of = math.max(t, at)
      s = s * halved(as_of - t) + add_s * halved(as_of - at)
      g, n, t, mark = g + add_g, n + add_n, as_of, offset
      if add_n > 0 then
        f = math.min(f or at, at)
      end
      if keep then
        local recall = {exact(keep.strike), number(keep.good), keep.action, keep.content}
        redis.call('HSET', recalls[today], message, table.concat(recall, ' '))
        written[today] = true
      end
      applied = applied + 1
    end
  end

  if mark == old_mark then
    return
  end
  local seen = f and exact(f) or ''
  redis.call('HSET', key, 's', exact(s), 'g', g, 'n', n, 'f', seen, 't', exact(t), mark_field, exact(mark))
  redis.call('EXPIRE', key, keep_author)
  for today in pairs(written) do
    redis.call('EXPIRE', recalls[today], keep_recalls)
  end
end

local taken = 0
for _, author in ipairs(authors) do
  local mark_field, days, effects = unpack(author)
  local recalls = {}
  for day = 1, days do
    recalls[day] = KEYS[taken + 1 + day]
  end
  save(KEYS[taken + 1], recalls, mark_field, effects)
  taken = taken + 1 + days
end

return applied
