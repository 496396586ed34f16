-- Looks up authors, on a cluster those of one bucket, and what is remembered of some of their messages.
--
-- ARGV[1]  msgpack: {whether trails are asked for, authors}; per author the hashes of the messages asked
--          for, a list that may be empty
-- KEYS     per author, in that order: the author's hash; then, where messages are asked for,
--          the hash of recalls of today and that of yesterday; then, where trails are, the trail
-- result   a list; behind its first string, if trails are asked for, each author's trail.
--          The first is msgpack: one map per author. s, g, n, f, t: strikes, good, messages, first seen, as of;
--          what was never written is left out, except t, which is 0 then.
--          m: offset marks by "topic-id/partition"; left out when there are none.
--          l: the ledger, in no order: {verdict, amount, at, label, rule set, alone, credit, reversed};
--          left out when it is empty.
--          r: one recall ("strike good action content-hash") per message asked for, "" for none.

local trails, authors = unpack(cmsgpack.unpack(ARGV[1]))
local answers, found = {}, {}
local taken = 0

local function next_key()
  taken = taken + 1
  return KEYS[taken]
end

for i, messages in ipairs(authors) do
  local answer, marks, ledger = {t = 0}, {}, {}
  local fields = redis.call('HGETALL', next_key())
  for j = 1, #fields, 2 do
    -- An author's numbers have names of one letter; every other number is a mark, the rest the ledger.
    local name, value = fields[j], tonumber(fields[j + 1])
    if #name == 1 then
      answer[name] = value
    elseif value then
      marks[name] = value
    else
      ledger[#ledger + 1] = {name, unpack(cmsgpack.unpack(fields[j + 1]))}
    end
  end
  if next(marks) then
    answer.m = marks
  end
  if #ledger > 0 then
    answer.l = ledger
  end
  if #messages > 0 then
    local today, yesterday, recalls = next_key(), next_key(), {}
    for j, message in ipairs(messages) do
      recalls[j] = redis.call('HGET', today, message) or redis.call('HGET', yesterday, message) or ''
    end
    answer.r = recalls
  end
  if trails then
    found[i] = redis.call('GET', next_key()) or ''
  end
  answers[i] = answer
end

return {cmsgpack.pack(answers), unpack(found)}
