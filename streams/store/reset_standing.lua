-- Makes an author a newcomer. Offset marks stay, so that what was judged before doesn't count again;
-- those of what was learned go, so that it may be learned again.
--
-- ARGV[1]  msgpack: a list of one, how the marks begin of what was learned
-- KEYS     the author's hash, and that of what has fallen off the ledger
-- result   the number of fields that were removed

local learned = cmsgpack.unpack(ARGV[1])[1]
local gone = 0
local fields = redis.call('HGETALL', KEYS[1])
for j = 1, #fields, 2 do
  local name, is_mark = fields[j], #fields[j] > 1 and tonumber(fields[j + 1])
  if not is_mark or string.sub(name, 1, #learned) == learned then
    gone = gone + redis.call('HDEL', KEYS[1], name)
  end
end
redis.call('UNLINK', KEYS[2])
return gone
