-- Adds entries to trails, on a cluster to those of one bucket; an entry whose record is in the trail already
-- is left out. The twin of `added` in trails.py.
--
-- ARGV[1]  msgpack: one list per trail: {bytes of an entry, entries kept, seconds kept}
-- ARGV[2]… one per trail, in that order: its entries, joined; each begins with its time (a double), the hash
--          of its partition (4 bytes) and its offset (8 bytes), big-endian; "" only asks what stands there
-- KEYS     one per trail, in that order
-- result   one string per trail: the entries that stood there before, joined

-- Whether there is an entry of this record.
local function stands(trail, record, size)
  local found = string.find(trail, record, 1, true)
  while found do
    if (found - 1) % size == 8 then
      return true
    end
    found = string.find(trail, record, found + 1, true)
  end
  return false
end

local function added(trail, entries, size, keep)
  for start = 1, #entries, size do
    local entry = string.sub(entries, start, start + size - 1)
    if not stands(trail, string.sub(entry, 9, 20), size) then
      if #trail < size * keep then
        trail = trail .. entry
      elseif struct.unpack('>d', entry) >= struct.unpack('>d', trail) then
        trail = string.sub(trail, size + 1) .. entry
      end
    end
  end
  return trail
end

local answers = {}
for i, said in ipairs(cmsgpack.unpack(ARGV[1])) do
  local size, keep, keep_s = unpack(said)
  local entries = ARGV[1 + i]
  local before = redis.call('GET', KEYS[i]) or ''
  if #entries > 0 then
    redis.call('SET', KEYS[i], added(before, entries, size, keep), 'EX', keep_s)
  end
  answers[i] = before
end

return answers
