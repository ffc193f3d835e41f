-- What every script that works on a queue begins with: the names of its keys. It asks nothing.
--
-- KEYS  1 wait (list)        2 paused (list)     3 meta (hash)           4 id (string)       5 active (list)
--       6 events (stream)    7 marker (zset)     8 delayed (zset)        9 prioritized (zset)
--      10 pc (string)       11 completed (zset) 12 failed (zset)        13 waiting-children (zset)

local call, try = redis.call, redis.pcall
local wait, paused, meta, counter, active, events, marker =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local delayed, prioritized, priorities, completed, failed, parents =
  KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]

local function is_error(reply)
  return type(reply) == 'table' and reply.err ~= nil
end

-- The key of a job is its id behind what stands before `wait` in the key of the wait list.
local sub, id_at = string.sub, #wait - #'wait' + 1
