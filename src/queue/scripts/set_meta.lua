-- Sets fields of the meta of a queue, as BullMQ's Queue does.
--
-- KEYS  1         meta (hash)
-- ARGV  1         a number, which the reply begins with
--       then for each call: how many fields it sets, and each field and its value
--
-- Reply: that number, then how many fields each call added, in order.

local reply = { tonumber(ARGV[1]) }
local at = 2
while ARGV[at] do
  local last = at + 2 * tonumber(ARGV[at])
  reply[#reply + 1] = redis.call('HSET', KEYS[1], unpack(ARGV, at + 1, last))
  at = last + 1
end
return reply
