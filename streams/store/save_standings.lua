-- Settles and applies effects on authors, on a cluster those of one bucket, each effect once: what lies
-- at or below the author's mark for its partition was applied before. The twin of `settle` in
-- standings.py, of `after`, `joined`, `reversed_in`, `given_back` and `noted` in rules/reputation.py, and of
-- `added` in rules/finding/trail.py.
--
-- ARGV[1]  msgpack: {half life, seconds that authors are kept, seconds that recalls are kept, most
--          entries of a ledger, most entries that have fallen off one and are kept aside, how many of
--          these are let go at once, seconds that trails are kept, bytes of an entry of a trail, most entries
--          of a trail, authors};
--          per author: {field of the mark ("topic-id/partition"), how many hashes of recalls, whether the
--          ledger may be concerned, by more than good messages, effects};
--          per effect, by ascending offset: {offset, at, kind, message hash, today, yesterday, strike,
--          good, counts, action, content hash}, where today and yesterday count the author's hashes of
--          recalls from 1; with a strike also: label, rule set, what the model alone may cost in a day
--          (below 0: it isn't alone), credit. A reversal: {offset, at, "reversed", verdict}. What was
--          learned: {offset, at, "learned", strikes, good, messages, first seen (perhaps)}.
--          All times are in seconds
-- ARGV[2]… where trails are kept, per author: what each effect adds to the trail, zeros for nothing
-- KEYS     per author, in that order: the author's hash, then the hashes of recalls, then where the
--          ledger may be concerned the hash of what has fallen off it, then where trails
--          are kept the trail
-- result   the number of effects that were applied
--
-- An author's hash holds s, g, n, f, t (strikes off the ledger, left out where there are none; good,
-- messages, first seen or '', as of), the marks, and by verdict ("topic-id/partition/offset") the ledger:
-- msgpack {amount, at, label, rule set, alone, credit, reversed}.
-- What has fallen off the ledger lies in a hash of its own: by verdict, msgpack {amount, at, credit}; an amount
-- of 0 is a note that the verdict was reversed, whose strike hasn't come.
-- A hash of recalls holds, by message hash, "strike good action content-hash".

local half_life, keep_author, keep_recalls, most_entries, most_fallen, at_once, keep_trail, size, most_said,
  authors = unpack(cmsgpack.unpack(ARGV[1]))
local day_s = 86400
local applied = 0
local crumb = 1e-9
local blank = string.rep('\0', size)

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

-- Lets the oldest go of what has fallen off, where that is too much.
local function bound(fallen_key)
  if redis.call('HLEN', fallen_key) <= most_fallen then
    return
  end
  local found, fields = {}, redis.call('HGETALL', fallen_key)
  for j = 1, #fields, 2 do
    local _, at = unpack(cmsgpack.unpack(fields[j + 1]))
    found[#found + 1] = {at = at, verdict = fields[j]}
  end
  table.sort(found, function(one, other)
    return one.at < other.at or (one.at == other.at and one.verdict < other.verdict)
  end)
  for j = 1, at_once do
    redis.call('HDEL', fallen_key, found[j].verdict)
  end
end

-- An author's ledger, read when it is first needed; `write` stores what has changed in it.
local function open_ledger(key, fallen_key)
  local ledger = {entries = {}, count = 0, dirty = {}, gone = {}, fell = false}
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    if #fields[j] > 1 and not tonumber(fields[j + 1]) then
      local amount, at, label, ruleset, alone, credit, reversed = unpack(cmsgpack.unpack(fields[j + 1]))
      ledger.entries[fields[j]] = {
        verdict = fields[j], amount = amount, at = at, label = label, ruleset = ruleset,
        alone = alone, credit = credit, reversed = reversed,
      }
      ledger.count = ledger.count + 1
    end
  end

  function ledger.put(entry)
    if not ledger.entries[entry.verdict] then
      ledger.count = ledger.count + 1
    end
    ledger.entries[entry.verdict] = entry
    ledger.dirty[entry.verdict], ledger.gone[entry.verdict] = entry, nil
  end

  -- Lets the entry go that is one too many, if one is; returns what its strike is at a time, which goes on.
  function ledger.shed(t)
    if ledger.count <= most_entries then
      return 0
    end
    local oldest
    for _, one in pairs(ledger.entries) do
      if not oldest or (one.reversed and not oldest.reversed) or (one.reversed == oldest.reversed
          and (one.at < oldest.at or (one.at == oldest.at and one.verdict < oldest.verdict))) then
        oldest = one
      end
    end
    ledger.entries[oldest.verdict], ledger.dirty[oldest.verdict] = nil, nil
    ledger.gone[oldest.verdict] = true
    ledger.count = ledger.count - 1
    if oldest.reversed and oldest.amount > 0 then
      return 0
    end
    redis.call('HSET', fallen_key, oldest.verdict, cmsgpack.pack({oldest.amount, oldest.at, oldest.credit}))
    ledger.fell = true
    bound(fallen_key)
    return oldest.amount * halved(t - oldest.at)
  end

  -- Returns amount, time and credit of what has fallen off the ledger under a verdict.
  function ledger.fallen(verdict)
    local found = redis.call('HGET', fallen_key, verdict)
    if found then
      return unpack(cmsgpack.unpack(found))
    end
  end

  function ledger.forget(verdict)
    redis.call('HDEL', fallen_key, verdict)
  end

  -- What the model alone has cost in the UTC day of `at`.
  function ledger.alone(at)
    local spent, today = 0, math.floor(at / day_s)
    for _, one in pairs(ledger.entries) do
      if one.alone and not one.reversed and math.floor(one.at / day_s) == today then
        spent = spent + one.amount
      end
    end
    return spent
  end

  function ledger.write()
    for verdict, one in pairs(ledger.dirty) do
      local packed = {one.amount, one.at, one.label, one.ruleset, one.alone, one.credit, one.reversed}
      redis.call('HSET', key, verdict, cmsgpack.pack(packed))
    end
    for verdict in pairs(ledger.gone) do
      redis.call('HDEL', key, verdict)
    end
    if ledger.fell then
      redis.call('EXPIRE', fallen_key, keep_author)
    end
  end

  return ledger
end

-- Puts an entry on the ledger; returns strikes off the ledger and good messages as they are then.
local function enter(ledger, entry, most, s, g, t)
  local note = ledger.fallen(entry.verdict)
  if ledger.entries[entry.verdict] or note then
    -- It was reversed before it came.
    if note then
      ledger.forget(entry.verdict)
    end
    entry.reversed = true
    ledger.put(entry)
    return s + ledger.shed(t), g + number(entry.credit)
  end
  if entry.alone then
    entry.amount = math.min(entry.amount, math.max(0, most - ledger.alone(entry.at)))
    if entry.amount == 0 then
      return s, g
    end
  end
  ledger.put(entry)
  s = s + ledger.shed(t)
  return s, g
end

-- Takes a verdict back, or notes that it was; returns as `enter` does.
local function reverse(ledger, verdict, at, s, g, t)
  local amount, given, would_be_good = ledger.fallen(verdict)
  if amount == 0 then
    return s, g
  elseif amount then
    ledger.forget(verdict)
    s = s - amount * halved(t - given)
    return s > crumb and s or 0, g + number(would_be_good)
  end
  local entry = ledger.entries[verdict]
  if not entry then
    local note = {amount = 0, label = '', ruleset = '', alone = false, credit = false, reversed = true}
    note.verdict, note.at = verdict, at
    ledger.put(note)
    s = s + ledger.shed(t)
  elseif not entry.reversed then
    entry.reversed = true
    ledger.put(entry)
    g = g + number(entry.credit)
  end
  return s, g
end

-- Whether the entry of a trail that begins at a byte has a link or a mention.
local function is_marked(trail, start)
  return string.byte(trail, start + size - 3) > 0 or string.byte(trail, start + size - 2) > 0
end

-- Returns a trail with entries at its end: the last ones, and of those before them the last that are marked.
local function added(trail, entries)
  local whole = trail .. entries
  local last = #whole - most_said * size
  if last <= 0 then
    return whole
  end
  -- What came before the last ones of the trail as it was is marked.
  local known = math.max(0, #trail - most_said * size)
  local older = {string.sub(whole, 1, known)}
  for start = known + 1, last, size do
    if is_marked(whole, start) then
      older[#older + 1] = string.sub(whole, start, start + size - 1)
    end
  end
  return string.sub(table.concat(older), -most_said * size) .. string.sub(whole, last + 1)
end

local function save(key, recalls, fallen_key, mark_field, effects, trail_key, entries)
  local stored = redis.call('HMGET', key, 's', 'g', 'n', 'f', 't', mark_field)
  local s, g, n = tonumber(stored[1] or 0), tonumber(stored[2] or 0), tonumber(stored[3] or 0)
  local f, t, mark = stored[4] and tonumber(stored[4]), tonumber(stored[5] or 0), tonumber(stored[6] or -1)
  local old_mark, written, ledger = mark, {}, nil
  -- Nearly always every effect is new and adds something.
  local all = entries and effects[1] and effects[1][1] > mark and not string.find(entries, blank, 1, true)
  local some = {}

  for nth, effect in ipairs(effects) do
    local offset, at, kind, message, today, yesterday, strike, good, counts, action, content,
      label, ruleset, most, credit = unpack(effect)
    if all and offset <= mark then
      all, some[1] = false, string.sub(entries, 1, (nth - 1) * size)
    end
    if offset > mark and kind == 'reversed' then
      ledger = ledger or open_ledger(key, fallen_key)
      s, g = reverse(ledger, message, at, s, g, t)
      mark, applied = offset, applied + 1
    elseif offset > mark and kind == 'learned' then
      local learned, seen, as_of = effect[4], effect[7], math.max(t, at)
      s = s * halved(as_of - t) + learned * halved(as_of - at)
      g, n, t, mark = g + effect[5], n + effect[6], as_of, offset
      if seen then
        f = math.min(f or seen, seen)
      end
      applied = applied + 1
    elseif offset > mark then
      local before = redis.call('HGET', recalls[today], message) or redis.call('HGET', recalls[yesterday], message)
      local now = {strike = strike, good = good, action = action, content = content}
      local add_s, add_g, add_n, keep = settle(kind, counts, now, before and read(before))
      local as_of = math.max(t, at)
      s = s == 0 and 0 or s * halved(as_of - t)
      g, n, t, mark = g + add_g, n + add_n, as_of, offset
      if add_n > 0 then
        f = math.min(f or at, at)
      end
      if add_s > 0 then
        ledger = ledger or open_ledger(key, fallen_key)
        s, g = enter(ledger, {
          verdict = mark_field .. '/' .. string.format('%.0f', offset), amount = add_s, at = at,
          label = label, ruleset = ruleset, alone = most >= 0, reversed = false,
          credit = credit and not before and kind == 'created',
        }, most, s, g, t)
      end
      if keep then
        local recall = {exact(keep.strike), number(keep.good), keep.action, keep.content}
        redis.call('HSET', recalls[today], message, table.concat(recall, ' '))
        written[today] = true
      end
      local entry = entries and not all and string.sub(entries, (nth - 1) * size + 1, nth * size)
      if entry and entry ~= blank then
        some[#some + 1] = entry
      end
      applied = applied + 1
    end
  end

  if mark == old_mark then
    return
  end
  local said = all and entries or table.concat(some)
  local trail = #said > 0 and added(redis.call('GET', trail_key) or '', said)
  redis.call('HSET', key, 'g', g, 'n', n, 'f', f and exact(f) or '', 't', exact(t), mark_field, exact(mark))
  if s ~= 0 or stored[1] then
    redis.call('HSET', key, 's', exact(s))
  end
  if ledger then
    ledger.write()
  end
  redis.call('EXPIRE', key, keep_author)
  if trail then
    redis.call('SET', trail_key, trail, 'EX', keep_trail)
  end
  for today in pairs(written) do
    redis.call('EXPIRE', recalls[today], keep_recalls)
  end
end

local taken = 0
for nth, author in ipairs(authors) do
  local mark_field, days, concerned, effects = unpack(author)
  local recalls = {}
  for day = 1, days do
    recalls[day] = KEYS[taken + 1 + day]
  end
  local key, fallen_key, trail_key = KEYS[taken + 1], nil, nil
  taken = taken + 1 + days
  if concerned then
    taken = taken + 1
    fallen_key = KEYS[taken]
  end
  local entries = ARGV[1 + nth]
  if entries then
    taken = taken + 1
    trail_key = KEYS[taken]
  end
  save(key, recalls, fallen_key, mark_field, effects, trail_key, entries)
end

return applied
