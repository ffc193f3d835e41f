-- Adds a batch of jobs to a queue as that many calls of BullMQ's own `add` would, in one script.
--
-- KEYS  1 wait    2 paused  3 meta  4 id  5 active  6 events  7 marker
--       8 …       the hash of each job, in the order of the jobs in ARGV
-- ARGV  1         job name
--       2         options JSON up to and including the opening quote of the job id:  {…,"jobId":"
--       3         a number, which the reply begins with
--       4         "1" when an id stands more than once in the batch, else "0"
--       5         timestamp of all jobs in ms, or "" when each has its own
--       6         "1" when each job has its id as it is written inside a JSON string, else "0": it is the id itself
--       7 …       for each job: data JSON [, timestamp in ms] [, id as it is written inside a JSON string]
--
-- Reply: that number, then the positions (from 1) of the jobs that were not stored because their id exists already, or
-- stands earlier in the same batch. The number alone means that all were added.
--
-- Everything that can fail is read or checked before the first write, or taken back, and the first write is refused
-- whenever a later one would be, so an error reply means that nothing was written for any job.

local call = redis.call
local wait, paused, meta, counter, active, events, marker =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local jobs = #KEYS - 7
local name, options = ARGV[1], ARGV[2]

local function refused(reply, command)
  if string.find(reply.err, "can't run this command", 1, true) then
    return redis.error_reply('NOPERM this user may not run ' .. command)
  end
  -- Redis 6 puts the place in the script before the code.
  return redis.error_reply((string.gsub(reply.err, '^@user_script: %d+: %-', '')))
end

-- LLEN, XLEN and ZCARD fail on a key of another type, here rather than half-way.
local settings = call('HMGET', meta, 'opts.maxLenEvents', 'paused', 'concurrency', 'version')
local waiting = call('LLEN', wait)
call('XLEN', events)
call('ZCARD', marker)

local maxEvents = settings[1] or '10000'
if maxEvents ~= '0' and not (string.find(maxEvents, '^[1-9]%d*$') and #maxEvents < 19) then
  return redis.error_reply('ERR opts.maxLenEvents in the meta of the queue is not a number')
end

local list, wake = wait, true
if settings[2] then
  -- BullMQ 5 parks the jobs of a paused queue in `paused`, 6 leaves them in `wait`, and resuming with 5 renames `paused`
  -- over `wait`. The list that holds jobs already is the one a resume of either major keeps; with none, the major of the
  -- newest Queue decides, and `paused`, which both majors take back, when that is unknown.
  local major = tonumber(string.match(settings[4] or '', '^bullmq:(%d+)%.')) or 0
  wake = false
  if call('LLEN', paused) > 0 or (waiting == 0 and major < 6) then
    list = paused
  end
elseif settings[3] then
  wake = call('LLEN', active) < tonumber(settings[3])
end

-- Only then is each asked for by itself.
local duplicates = call('EXISTS', unpack(KEYS, 8)) > 0 or ARGV[4] == '1'

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
      if type(redis.pcall('LLEN', other)) == 'table' then
        tries[#tries + 1] = { 'LPUSH', other, '' }
      end
      break
    end
  end
  for _, try in ipairs(tries) do
    local refusal = redis.pcall(unpack(try))
    local why = type(refusal) == 'table' and refusal.err or ''
    if string.find(why, "can't run this command", 1, true) then
      needed = needed or try[1]
    elseif string.find(why, '^@user_script: %d+: %-') then
      -- What it says before it looks at the arguments, such as OOM, it says only until something was written.
      return refused(refusal, try[1])
    end
  end
end
if needed then
  return redis.error_reply('NOPERM this user may not run ' .. needed)
end

-- The key of a job is its id behind what stands before `wait` in the key of the wait list.
local sub, id_at = string.sub, #wait - #'wait' + 1

local pushed
if push_first then
  local ids, seen = {}, {}
  for i = 8, #KEYS do
    local id = sub(KEYS[i], id_at)
    if not (duplicates and (seen[id] or call('EXISTS', KEYS[i]) == 1)) then
      seen[id], ids[#ids + 1] = true, id
    end
  end
  pushed = #ids > 0 and redis.pcall('LPUSH', list, unpack(ids))
  if type(pushed) == 'table' then
    return refused(pushed, 'LPUSH')
  end
end

local count = call('INCRBY', counter, tostring(jobs))

-- The events may have come to their last id. The first one tells, while there is nothing but the counter to take back; a
-- job whose later ones fail is whole without them.
local first = sub(KEYS[8], id_at)
local announced
local there = duplicates and call('EXISTS', KEYS[8]) == 1
if there then
  announced = redis.pcall('XADD', events, '*', 'event', 'duplicated', 'jobId', first)
else
  announced = redis.pcall('XADD', events, '*', 'event', 'added', 'jobId', first, 'name', name)
end
if type(announced) == 'table' and announced.err then
  call('INCRBY', counter, '-' .. jobs)
  if count == jobs then
    redis.pcall('DEL', counter)
  end
  return refused(announced, 'XADD')
end
if not settings[1] then
  call('HSET', meta, 'opts.maxLenEvents', maxEvents)
end

local timestamp, escaped = ARGV[5] ~= '' and ARGV[5], ARGV[6] == '1'
local width = 1 + (timestamp and 0 or 1) + (escaped and 1 or 0)
local added, reply = {}, { tonumber(ARGV[3]) }
local announce = redis.pcall
local at = 7
for i = 1, jobs do
  local key = KEYS[7 + i]
  local id = sub(key, id_at)
  if i > 1 then
    there = duplicates and call('EXISTS', key) == 1
  end
  if there then
    reply[#reply + 1] = i
    if i > 1 then
      announce('XADD', events, '*', 'event', 'duplicated', 'jobId', id)
    end
  else
    added[#added + 1] = id
    call('HSET', key, 'name', name, 'data', ARGV[at], 'opts', options .. (escaped and ARGV[at + width - 1] or id) .. '"}',
      'timestamp', timestamp or ARGV[at + 1], 'delay', '0', 'priority', '0')
    if i > 1 then
      announce('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
    end
    announce('XADD', events, '*', 'event', 'waiting', 'jobId', id)
  end
  at = at + width
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
call('XTRIM', events, 'MAXLEN', '~', maxEvents)

return reply
