-- Adds entries to trails one after another, on a cluster to those of one bucket; an entry whose record is in the
-- trail already is left out. The twin of `added` in trails.py.
--
-- ARGV[1]  msgpack: one list per entry: {bytes of an entry, entries kept, seconds kept}
-- ARGV[2]… the entries, in that order; each begins with its time (a double), the hash of its partition (4 bytes)
--          and its offset (8 bytes), big-endian; "" only asks what stands there
-- KEYS     the trail of each, in that order; a trail may come more than once
-- result   per entry, what stood in its trail before: entries, joined

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

local answers = {}
for i, said in ipairs(cmsgpack.unpack(ARGV[1])) do
  local size, keep, keep_s = unpack(said)
  local entry, trail = ARGV[1 + i], redis.call('GET', KEYS[i]) or ''
  answers[i] = trail
  if #entry > 0 and not stands(trail, string.sub(entry, 9, 20), size) then
    if #trail < size * keep then
      redis.call('SET', KEYS[i], trail .. entry, 'EX', keep_s)
    elseif struct.unpack('>d', entry) >= struct.unpack('>d', trail) then
      redis.call('SET', KEYS[i], string.sub(trail, size + 1) .. entry, 'EX', keep_s)
    end
  end
end

return answers
