-- Numbers the revisions of verdicts: the first decision on a verdict is 1, the next 2, and a decision that
-- has a number keeps it.
--
-- ARGV[1]  msgpack: {seconds that numbers are kept, most numbers of a verdict, items};
--          per item: {verdict, hash of the decision's id}
-- KEYS     per item: the author's hash of revisions
-- result   msgpack: the number of each; 0 where the verdict has been decided on too often
--
-- A hash of revisions holds, by verdict, the hashes of the decisions' ids one after the other.

local keep, most, items = unpack(cmsgpack.unpack(ARGV[1]))
local numbers = {}

for i, item in ipairs(items) do
  local verdict, name = unpack(item)
  local known = redis.call('HGET', KEYS[i], verdict) or ''
  local count = #known / #name
  local found = 0
  for n = 1, count do
    if string.sub(known, (n - 1) * #name + 1, n * #name) == name then
      found = n
    end
  end
  if found == 0 and count < most then
    found = count + 1
    redis.call('HSET', KEYS[i], verdict, known .. name)
  end
  redis.call('EXPIRE', KEYS[i], keep)
  numbers[i] = found
end

return cmsgpack.pack(numbers)
