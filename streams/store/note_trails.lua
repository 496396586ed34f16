-- Adds entries to trails one after another, on a cluster to those of one bucket; an entry whose record is in the
-- trail already is left out. The twin of `added` in trails.py.
--
-- ARGV[1]  msgpack: {kinds, per entry the number of its kind from 1}; per kind {bytes of an entry, entries kept,
--          seconds kept, whether it is told what stood there}
-- ARGV[2]… the entries, in that order; each begins with its time (a double), the hash of its partition (4 bytes)
--          and its offset (8 bytes), big-endian; "" only asks what stands there
-- KEYS     the trail of each, in that order; a trail that comes more than once is read and written once where it
--          comes in succession
-- result   per entry, what stood in its trail before: entries, joined; of a kind of which nothing is told ""

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

local kinds, numbers = unpack(cmsgpack.unpack(ARGV[1]))
local answers = {}
local key, trail, stood, kept_s

local function write()
  if trail ~= stood then
    redis.call('SET', key, trail, 'EX', kept_s)
  end
end

for i, number in ipairs(numbers) do
  local size, keep, keep_s, told = unpack(kinds[number])
  local entry = ARGV[1 + i]
  if KEYS[i] ~= key then
    write()
    key, kept_s = KEYS[i], keep_s
    stood = redis.call('GET', key) or ''
    trail = stood
  end
  answers[i] = told and trail or ''
  if #entry > 0 and not stands(trail, string.sub(entry, 9, 20), size) then
    if #trail < size * keep then
      trail = trail .. entry
    elseif struct.unpack('>d', entry) >= struct.unpack('>d', trail) then
      trail = string.sub(trail, size + 1) .. entry
    end
  end
end
write()

return answers
