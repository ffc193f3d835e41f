-- Adds a batch of jobs to a queue as that many calls of BullMQ's own `add` would, in one script.
--
-- Behind `keys.lua`, `inspector.lua` and `queue.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 to 13   those of the queue, as in `keys.lua`
--       14 …      the hash of each job, in the order of the jobs in ARGV
-- ARGV  1, 2      as in `queue.lua`
--       3         options JSON up to and including the opening quote of the job id:  {…,"jobId":"
--       4         which jobs of a batch's ids make room when they are asked for again: "0" none, "1" those that failed, "2" all
--                 that ended
--       5         a number, which the reply begins with
--       6         "1" when an id stands more than once in the batch, else "0"
--       7         timestamp of all jobs in ms, or "" when each has its own
--       8         "1" when each job has its id as it is written inside a JSON string, else "0": it is the id itself
--       9 …       for each job: data JSON [, timestamp in ms] [, id as it is written inside a JSON string]
--
-- What would make room is left as it is, and neither announced nor counted: it is for `add_any_jobs.lua`, which is called for
-- it next.
--
-- Reply: that number, then three values for each job that was not stored because its id exists already, or stands earlier in
-- the same batch: its position (from 1), the state of the job that is there, and whether it has the same data (0 no, 1 yes,
-- 2 with the same timestamp, or what it has, where that may be the same JSON). The number alone means that all were added.
--
-- Everything that can fail is read or checked before the first write, or taken back, and the first write is refused
-- whenever a later one would be, so an error reply means that nothing was written for any job.

local jobs = #KEYS - 13
local options = ARGV[3]

-- Only with some of them there is each asked for by itself.
local duplicates = call('EXISTS', unpack(KEYS, 14)) > 0 or ARGV[6] == '1'
local state_of, sameness, makes_room
if duplicates then
  state_of, sameness = inspector()
  makes_room = { failed = ARGV[4] ~= '0', completed = ARGV[4] == '2' }
end

-- A user who lacks one of these commands would otherwise leave a job that no worker finds.
local needed, push_first
local may = redis.acl_check_cmd
if may then
  needed = not may('INCRBY', counter, '1') and 'INCRBY' or not may('HSET', meta, '', '') and 'HSET'
    or not may('XADD', events, '*', '', '') and 'XADD' or not may('LPUSH', list, '') and 'LPUSH'
    or not may('ZADD', marker, '0', '0') and 'ZADD' or not may('XTRIM', events, 'MAXLEN', '0') and 'XTRIM'
else
  -- Redis 6 cannot be asked. There each is tried with arguments that it takes back after it has looked at who asks, and
  -- before it looks at the key: an odd number of fields, no number, no id.
  local tries = { { 'HSET', meta, '', '', '' }, { 'INCRBY', counter, '' }, { 'XADD', events, '?', '', '' },
    { 'ZADD', marker, '?', '' }, { 'XTRIM', events, 'MAXLEN', '?' } }
  -- LPUSH takes everything but a key of another type. On a queue that has none it comes first of all writes.
  push_first = true
  for _, other in ipairs({ meta, events, marker, counter }) do
    if call('EXISTS', other) == 1 then
      push_first = false
      -- The type of the counter is not known yet.
      if type(try('LLEN', other)) == 'table' then
        tries[#tries + 1] = { 'LPUSH', other, '' }
      end
      break
    end
  end
  for _, trial in ipairs(tries) do
    local refusal = try(unpack(trial))
    local why = type(refusal) == 'table' and refusal.err or ''
    if string.find(why, "can't run this command", 1, true) then
      needed = needed or trial[1]
    elseif string.find(why, '^@user_script: %d+: %-') then
      -- What it says before it looks at the arguments, such as OOM, it says only until something was written.
      return refused(refusal, trial[1])
    end
  end
end
if needed then
  return redis.error_reply('NOPERM this user may not run ' .. needed)
end

local pushed
if push_first then
  local ids, seen = {}, {}
  for i = 14, #KEYS do
    local id = sub(KEYS[i], id_at)
    if not (duplicates and (seen[id] or call('EXISTS', KEYS[i]) == 1)) then
      seen[id], ids[#ids + 1] = true, id
    end
  end
  pushed = #ids > 0 and try('LPUSH', list, unpack(ids))
  if type(pushed) == 'table' then
    return refused(pushed, 'LPUSH')
  end
end

local count = call('INCRBY', counter, tostring(jobs))

-- The events may have come to their last id. The first one tells, while there is nothing but the counter to take back; a
-- job whose later ones fail is whole without them.
local first = sub(KEYS[14], id_at)
local announced, state
local there = duplicates and call('EXISTS', KEYS[14]) == 1
if there then
  state = state_of(first)
end
if there and makes_room[state] then
  announced = full_stream()
elseif there then
  announced = try('XADD', events, '*', 'event', 'duplicated', 'jobId', first)
else
  announced = try('XADD', events, '*', 'event', 'added', 'jobId', first, 'name', name)
end
if is_error(announced) then
  call('INCRBY', counter, '-' .. jobs)
  if count == jobs then
    try('DEL', counter)
  end
  return refused(announced, 'XADD')
end
if settings[1] ~= max_events then
  call('HSET', meta, 'opts.maxLenEvents', max_events)
end

local timestamp, escaped = ARGV[7] ~= '' and ARGV[7], ARGV[8] == '1'
local width = 1 + (timestamp and 0 or 1) + (escaped and 1 or 0)
local added, reply, uncounted = {}, { tonumber(ARGV[5]) }, 0
-- Those of this batch, which are in no list yet.
local fresh = {}
local at = 9
for i = 1, jobs do
  local key = KEYS[13 + i]
  local id = sub(key, id_at)
  if i > 1 then
    there = duplicates and call('EXISTS', key) == 1
    state = there and (fresh[id] and 'waiting' or state_of(id))
  end
  if there then
    local data, time = ARGV[at], timestamp or ARGV[at + 1]
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = i, state, sameness(key, data, time)
    if makes_room[state] then
      uncounted = uncounted + 1
    elseif i > 1 then
      try('XADD', events, '*', 'event', 'duplicated', 'jobId', id)
    end
  else
    added[#added + 1] = id
    fresh[id] = duplicates
    call('HSET', key, 'name', name, 'data', ARGV[at], 'opts', options .. (escaped and ARGV[at + width - 1] or id) .. '"}',
      'timestamp', timestamp or ARGV[at + 1], 'delay', '0', 'priority', '0')
    if i > 1 then
      try('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
    end
    try('XADD', events, '*', 'event', 'waiting', 'jobId', id)
  end
  at = at + width
end

if uncounted > 0 then
  call('INCRBY', counter, '-' .. uncounted)
  if count == uncounted then
    try('DEL', counter)
  end
end
if #added > 0 then
  if not pushed then
    call('LPUSH', list, unpack(added))
  end
  if wake then
    call('ZADD', marker, '0', '0')
  end
end
-- One trim a batch leaves what a MAXLEN in each XADD would: `~` drops whole nodes, and only from the front.
call('XTRIM', events, 'MAXLEN', '~', max_events)

return reply
