-- Says where jobs are. It only reads.
--
-- Behind `keys.lua` and `inspector.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 to 13   those of the queue, as in `keys.lua`
--       14 …      the hash of each job
-- ARGV  1         a number, which the reply begins with
--
-- Reply: that number, then the state of each job, in order: "missing" of one that is not there.

local state_of = inspector()
local reply = { tonumber(ARGV[1]) }
for i = 14, #KEYS do
  reply[i - 12] = call('EXISTS', KEYS[i]) == 1 and state_of(sub(KEYS[i], id_at)) or 'missing'
end
return reply
