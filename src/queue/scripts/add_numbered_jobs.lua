-- Adds a batch of plain jobs that have no id, and otherwise only their data and timestamps of their own, as that many calls of
-- BullMQ's own `add` would, in one script. Each has the next number for an id.
--
-- Behind `refusal.lua`, `keys.lua` and `queue.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 to 13   those of the queue, as in `keys.lua`. Those of the jobs are only known in here: they are not declared.
-- ARGV  1, 2      as in `queue.lua`
--       3         options JSON
--       4         job name
--       5         a number, which the reply begins with
--       6         timestamp of all jobs in ms, or "" when each has its own
--       7 …       for each job: data JSON [, timestamp in ms]
--
-- Reply: that number, and what was counted before the batch, as text.
--
-- Everything that can fail is read or checked before the first write, or taken back, and the first write is refused
-- whenever a later one would be, so an error reply means that no job was written. (Where something else has the key of a job's
-- number, events tell of those before it, and their numbers stay used.)

name = ARGV[4]
local options, timestamp = ARGV[3], ARGV[6] ~= '' and ARGV[6]
local width = timestamp and 1 or 2
local jobs = (#ARGV - 6) / width
local base = sub(wait, 1, id_at - 1)

-- The key of a job is not declared: the user may lack it. No job is called so.
local unnamed = base .. '0'
local may = redis.acl_check_cmd
if may then
  local needed = not may('INCRBY', counter, '1') and 'INCRBY'
    or not (may('HSET', meta, '', '') and may('HSET', unnamed, '', '')) and 'HSET' or not may('XADD', events, '*', '', '') and 'XADD'
    or not may('LPUSH', list, '') and 'LPUSH' or not may('ZADD', marker, '0', '0') and 'ZADD'
    or not may('XTRIM', events, 'MAXLEN', '0') and 'XTRIM'
  if needed then
    return redis.error_reply('NOPERM this user may not run ' .. needed)
  end
else
  local lacking = try('EXISTS', unnamed)
  if is_error(lacking) then
    return refused(lacking, 'EXISTS')
  end
end

local count = try('INCRBY', counter, tostring(jobs))
if is_error(count) then
  return refused(count, 'INCRBY')
end
local before = count - jobs

local function take_back(reply, command)
  call('INCRBY', counter, '-' .. jobs)
  if before == 0 then
    try('DEL', counter)
  end
  return refused(reply, command)
end

-- Redis 6 cannot be asked. There each is tried with arguments that it takes back after it has looked at who asks; the counter
-- is a string.
for _, trial in ipairs(may and {} or { { 'HSET', counter, '', '' }, { 'XADD', events, '?', '', '' },
  { 'ZADD', counter, '0', '' }, { 'XTRIM', events, 'MAXLEN', '?' }, { 'LPUSH', counter, '' } }) do
  local reply = try(unpack(trial))
  if is_error(reply) and string.find(reply.err, "can't run this command", 1, true) then
    return take_back(reply, trial[1])
  end
end

local function id_of(i)
  return string.format('%.0f', before + i)
end

-- The events may have come to their last id. The first one tells, while there is nothing but the counter to take back; a
-- job whose later ones fail is whole without them.
local announced = try('XADD', events, '*', 'event', 'added', 'jobId', id_of(1), 'name', name)
if is_error(announced) then
  return take_back(announced, 'XADD')
end
if settings[1] ~= max_events then
  call('HSET', meta, 'opts.maxLenEvents', max_events)
end

local added, at = {}, 7
for i = 1, jobs do
  local id = id_of(i)
  added[i] = id
  local done = try('HSET', base .. id, 'name', name, 'data', ARGV[at], 'opts', options, 'timestamp', timestamp or ARGV[at + 1],
    'delay', '0', 'priority', '0')
  if is_error(done) then
    -- Something else has the key of this number. The numbers stay used, so that the next jobs come behind it.
    for j = 1, i - 1 do
      try('DEL', base .. added[j])
    end
    return refused(done, 'HSET')
  end
  if i > 1 then
    try('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
  end
  try('XADD', events, '*', 'event', 'waiting', 'jobId', id)
  at = at + width
end

call('LPUSH', list, unpack(added))
if wake then
  call('ZADD', marker, '0', '0')
end
call('XTRIM', events, 'MAXLEN', '~', max_events)

return { tonumber(ARGV[5]), string.format('%.0f', before) }
