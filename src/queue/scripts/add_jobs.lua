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
-- Everything that can fail is read or checked before the first write, and the first write (INCRBY) is refused whenever
-- a later one would be, so an error reply means that nothing was written for any job.

local call = redis.call
local wait, paused, meta, counter, active, events, marker =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local jobs = #KEYS - 7
local name, options = ARGV[1], ARGV[2]

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
local needed
local may = redis.acl_check_cmd
if may then
  needed = not may('INCRBY', counter, '1') and 'INCRBY' or not may('HSET', meta, '', '') and 'HSET'
    or not may('XADD', events, '*', '', '') and 'XADD' or not may('LPUSH', list, '') and 'LPUSH'
    or not may('ZADD', marker, '0', '0') and 'ZADD' or not may('XTRIM', events, 'MAXLEN', '0') and 'XTRIM'
else
  -- Redis 6 cannot be asked. There each is tried on the meta, a hash, where a user who may run it gets WRONGTYPE.
  for _, try in ipairs({ { 'HSET', meta, 'opts.maxLenEvents', maxEvents }, { 'INCRBY', meta, '1' }, { 'XADD', meta, '*', '', '' }, { 'LPUSH', meta, '' },
    { 'ZADD', meta, '0', '0' }, { 'XTRIM', meta, 'MAXLEN', '0' } }) do
    local refusal = redis.pcall(unpack(try))
    local why = type(refusal) == 'table' and refusal.err or 'WRONGTYPE'
    if string.find(why, "can't run this command", 1, true) then
      needed = needed or try[1]
    elseif not string.find(why, 'WRONGTYPE', 1, true) then
      -- Redis 6 puts the place in the script before the code.
      return redis.error_reply((string.gsub(why, '^@user_script: %d+: %-', '')))
    end
  end
end
if needed then
  return redis.error_reply('NOPERM this user may not run ' .. needed)
end

call('INCRBY', counter, tostring(jobs))
if not settings[1] then
  call('HSET', meta, 'opts.maxLenEvents', maxEvents)
end

local timestamp, escaped = ARGV[5] ~= '' and ARGV[5], ARGV[6] == '1'
local width = 1 + (timestamp and 0 or 1) + (escaped and 1 or 0)
-- The key of a job is its id behind what stands before `wait` in the key of the wait list.
local sub, id_at = string.sub, #wait - #'wait' + 1
local added, reply = {}, { tonumber(ARGV[3]) }
local at = 7
for i = 1, jobs do
  local key = KEYS[7 + i]
  local id = sub(key, id_at)
  if duplicates and call('EXISTS', key) == 1 then
    reply[#reply + 1] = i
    call('XADD', events, '*', 'event', 'duplicated', 'jobId', id)
  else
    added[#added + 1] = id
    call('HSET', key, 'name', name, 'data', ARGV[at], 'opts', options .. (escaped and ARGV[at + width - 1] or id) .. '"}',
      'timestamp', timestamp or ARGV[at + 1], 'delay', '0', 'priority', '0')
    call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id)
  end
  at = at + width
end

if #added > 0 then
  call('LPUSH', list, unpack(added))
  if wake then
    call('ZADD', marker, '0', '0')
  end
end
-- One trim a batch leaves what a MAXLEN in each XADD would: `~` drops whole nodes, and only from the front.
call('XTRIM', events, 'MAXLEN', '~', maxEvents)

return reply
