-- Adds a batch of jobs of any kinds to a queue as that many calls of BullMQ's own `add` would, in one script: delayed,
-- prioritised, last in first out, deduplicated and with a parent, each with options of its own. A finished job may be run
-- again in its place.
--
-- Behind `keys.lua`, `inspector.lua` and `queue.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 to 13   those of the queue, as in `keys.lua`
--       14 …      for each job, in the order of the jobs in ARGV:
--                   <job> (hash), and with `r` <job>:logs (list), :dependencies (set), :processed (hash), :failed (hash),
--                     :unsuccessful (zset), :lock (string)
--                   with `u`  de:<deduplication id> (string), dn:<deduplication id> (hash)
--                   with `c`  the parent (hash), its :dependencies (set) and :processed (hash), and of the parent's queue
--                     wait, paused, meta, active, events, marker, waiting-children, delayed, prioritized, pc
--                 What a deduplication replaces or reschedules, and the deduplication of what is run again, are only known
--                 in here: their keys are the one thing that is not declared.
-- ARGV  1         job name
--       2         a number, which the reply begins with
--       3         how many forms of jobs there are
--       4 …       for each form: what it is, options JSON up to and including the opening quote of the job id, the delay in ms
--                 or "0", the priority or "0"
--       then      for each job: the number of its form, from 1, data JSON, the id as it is written inside a JSON string, or ""
--                 where that is the id itself, timestamp in ms; and with
--                   `u`  deduplication id, ttl in ms or "0", and which of these it has: `e` extend, `r` replace,
--                        `k` keepLastIfActive, `s` reschedule
--                   `c`  the parent's id, and the JSON that the job has of it
--                 What it is: letters, in this order: `a` when it may be here from an earlier attempt, `r` or `R` when a job of
--                 its id that failed, or one that finished, is run again, `d` delayed, `p` prioritised, `l` last in first out,
--                 `u` deduplicated, `c` with a parent.
--
-- Reply: that number, then three values for each job that was not stored: its position (from 1), and
--   the state of the job of its id, and whether that has the same data (0 no, 1 yes, 2 with the same timestamp, or what it
--     has, where that may be the same JSON)
--   "+" and the state of the job that it was deduplicated to, and that one's id
--   "!MISSING_PARENT" or "!PARENT_CONFLICT", and the key of the parent
-- The number alone means that all were added.
--
-- Everything that can fail is read or checked before the first write, or taken back, and the first write is refused
-- whenever a later one would be, so an error reply means that nothing was written for any job.

local name = ARGV[1]

-- --- what there is to do --------------------------------------------------------------------------------------------

local SUFFIXES = 6
local OF_PARENT = 13
-- The letters of each word for what a job is: there are few of those in a batch.
local shapes = {}
local function shape_of(what)
  local shape = {}
  for letter in string.gmatch(what, '.') do
    shape[letter] = true
  end
  shapes[what] = shape
  return shape
end

local jobs, kinds, forms = {}, {}, {}
do
  local key, at = 14, 4
  for i = 1, tonumber(ARGV[3]) do
    local what = shapes[ARGV[at]] or shape_of(ARGV[at])
    forms[i] = { what = what, options = ARGV[at + 1], delay = ARGV[at + 2], priority = ARGV[at + 3] }
    at = at + 4
    for letter in pairs(what) do
      kinds[letter] = true
    end
  end
  kinds.r = kinds.r or kinds.R
  while at <= #ARGV do
    local form = forms[tonumber(ARGV[at])]
    local what, id, escaped = form.what, sub(KEYS[key], id_at), ARGV[at + 2]
    local job = { what = what, key = KEYS[key], id = id, data = ARGV[at + 1], timestamp = ARGV[at + 3],
      options = form.options .. (escaped == '' and id or escaped) .. '"}', delay = form.delay, priority = form.priority }
    key, at = key + 1, at + 4
    if what.r or what.R then
      job.reuse, job.keys, key = true, key, key + SUFFIXES
    end
    if what.u then
      job.unique = { key = KEYS[key], next = KEYS[key + 1], id = ARGV[at], ttl = ARGV[at + 1],
        has = shapes[ARGV[at + 2]] or shape_of(ARGV[at + 2]) }
      key, at = key + 2, at + 3
    end
    if what.c then
      job.parent = { key = KEYS[key], dependencies = KEYS[key + 1], processed = KEYS[key + 2], keys = key + 3,
        id = ARGV[at], json = ARGV[at + 1] }
      key, at = key + OF_PARENT, at + 2
    end
    jobs[#jobs + 1] = job
  end
end

-- --- what may stand in the way --------------------------------------------------------------------------------------

-- What becomes a job in this batch.
local hashes = {}
for _, job in ipairs(jobs) do
  hashes[job.key] = true
end

local function expect(key, kind)
  local found = call('TYPE', key).ok
  if found == 'none' and hashes[key] then
    found = 'hash'
  end
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is no ' .. kind .. ' but a ' .. found)
  end
end

local function wrong_type()
  local wrong
  local function check(...)
    wrong = wrong or expect(...)
  end
  for _, zset in ipairs({ delayed, prioritized, completed, failed, parents }) do
    check(zset, 'zset')
  end
  check(priorities, 'string')
  check(active, 'list')
  check(paused, 'list')
  -- Most deduplication ids are new, and all of them are asked for at once.
  local names = {}
  for _, job in ipairs(kinds.u and jobs or {}) do
    if job.unique then
      names[#names + 1], names[#names + 2] = job.unique.key, job.unique.next
    end
  end
  local any = #names > 0 and call('EXISTS', unpack(names)) > 0
  for _, job in ipairs((kinds.u or kinds.c) and jobs or {}) do
    local unique = job.unique
    if unique and (any or hashes[unique.key] or hashes[unique.next]) then
      check(unique.key, 'string')
      check(unique.next, 'hash')
    end
    if job.parent then
      check(job.key, 'hash')
      check(job.parent.key, 'hash')
      check(job.parent.dependencies, 'set')
      check(job.parent.processed, 'hash')
      for i, kind in ipairs({ 'list', 'list', 'hash', 'list', 'stream', 'zset', 'zset', 'zset', 'zset', 'string' }) do
        check(KEYS[job.parent.keys + i - 1], kind)
      end
    end
  end
  return wrong
end

local wrong = wrong_type()
if wrong then
  return wrong
end
-- Nor can these be, for a job of one's own or a parent that has a priority.
local function wrong_counter(key)
  local highest = call('GET', key)
  return highest and not (string.find(highest, '^%d+$') and #highest < 16)
end
local wrong_number = kinds.p and wrong_counter(priorities)
for _, job in ipairs(kinds.c and jobs or {}) do
  wrong_number = wrong_number or (job.parent and wrong_counter(KEYS[job.parent.keys + 9]))
end
if wrong_number then
  return redis.error_reply('ERR the counter pc of the queue is not a number')
end
local full = full_stream()
if full then
  return full
end

-- A user who lacks one of these commands would otherwise leave something half done. Each with arguments that are taken back
-- after it was looked at who asks, or that do nothing: for servers that cannot be asked, once the counter is a string.
local needed = { { 'HSET', counter, '', '' }, { 'XADD', events, '?', '', '' }, { 'ZADD', counter, '0', '' },
  { 'XTRIM', events, 'MAXLEN', '?' }, { 'LPUSH', counter, '' }, { 'EXISTS', counter } }
local function need(...)
  needed[#needed + 1] = { ... }
end
if kinds.l or kinds.c then
  need('RPUSH', counter, '')
end
if kinds.d or kinds.u or kinds.c then
  need('ZREVRANGEBYSCORE', delayed, '0', '0')
  need('ZRANGE', delayed, '0', '0')
end
if kinds.r or kinds.u or kinds.c then
  need('ZREM', counter, '')
  need('GET', counter)
end
if kinds.u then
  need('SET', counter, '', 'EX')
  need('PERSIST', events)
  need('PTTL', events)
  need('ZSCORE', delayed, '')
end
if kinds.c then
  need('SADD', counter, '')
  need('SCARD', counter)
  need('HGET', meta, '')
  need('ZSCORE', delayed, '')
end

local may = redis.acl_check_cmd
if kinds.r or kinds.u then
  -- Of a key that is not there: tried before there is anything to take back, which takes it.
  local nothing = counter
  repeat
    nothing = nothing .. ':'
  until call('EXISTS', nothing) == 0
  -- What Redis 6 says before it looks at the arguments, such as OOM, it says only until a command ran that may write.
  for _, command in ipairs(may and {} or { { 'XADD', events, '?', '', '' }, { 'DEL', nothing } }) do
    local reply = try(unpack(command))
    local why = is_error(reply) and reply.err or ''
    if string.find(why, "can't run this command", 1, true) or string.find(why, '^@user_script: %d+: %-') then
      return refused(reply, command[1])
    end
  end
  need('DEL', nothing)
end
if may then
  for _, command in ipairs({ { 'INCRBY', counter, '1' }, unpack(needed) }) do
    if not may(unpack(command)) then
      return redis.error_reply('NOPERM this user may not run ' .. command[1])
    end
  end
end

local count = try('INCRBY', counter, tostring(#jobs))
if is_error(count) then
  return refused(count, 'INCRBY')
end
if not may then
  for _, command in ipairs(needed) do
    local reply = try(unpack(command))
    if is_error(reply) and string.find(reply.err, "can't run this command", 1, true) then
      call('INCRBY', counter, '-' .. #jobs)
      if count == #jobs then
        try('DEL', counter)
      end
      return refused(reply, command[1])
    end
  end
end

-- --- how ------------------------------------------------------------------------------------------------------------

local state_of, sameness = inspector()

local function tell(...)
  try('XADD', events, '*', 'event', ...)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- Workers of that queue are to come back for its first delayed job.
local function mark_delayed(queue)
  local first = call('ZRANGE', queue.delayed, '0', '0', 'WITHSCORES')[2]
  call('ZADD', queue.marker, string.format('%.17g', tonumber(first) / 4096), '1')
end

-- Where nothing but new jobs comes into a batch's delayed ones, the marker of the last is that of all.
local marks_once, marked = not (kinds.u or kinds.c), false

local function tell_delayed(queue, id, time)
  try('XADD', queue.events, '*', 'event', 'delayed', 'jobId', id, 'delay', whole(time))
  if marks_once then
    marked = true
  else
    mark_delayed(queue)
  end
end

-- Delayed jobs that are added together in the end, each behind its score.
local gathered = {}
-- The last score of each millisecond, as long as nothing but jobs of this batch come between.
local scores = {}

-- Behind those of the same millisecond, of which there is room for 4096.
local function add_delayed(queue, id, timestamp, delay)
  local time = tonumber(timestamp) + delay
  local least, most = time * 4096, (time + 1) * 4096 - 1
  local last = marks_once and scores[time]
    or call('ZREVRANGEBYSCORE', queue.delayed, whole(most), whole(least), 'WITHSCORES', 'LIMIT', '0', '1')[2]
  local score = last and math.min(tonumber(last) + 1, most) or least
  scores[time] = score
  if marks_once then
    gathered[#gathered + 1], gathered[#gathered + 2] = whole(score), id
  else
    call('ZADD', queue.delayed, whole(score), id)
  end
  tell_delayed(queue, id, time)
end

-- Behind those of the same priority.
local function rank(priority, order)
  return whole(priority * 4294967296 + order % 4294967296)
end

local function add_prioritized(queue, id, priority)
  call('ZADD', queue.prioritized, rank(priority, call('INCRBY', queue.priorities, '1')), id)
end

local own = { delayed = delayed, prioritized = prioritized, priorities = priorities, events = events, marker = marker }

local base = sub(wait, 1, id_at - 1)

-- Removes a finished job, unless it is part of a family, or a worker still holds it.
local function make_room(job, state)
  if state ~= 'failed' and not (state == 'completed' and job.what.R) then
    return false
  end
  local family = try('HMGET', job.key, 'parentKey', 'deid')
  -- Behind its logs: its children, and its lock.
  if is_error(family) or family[1] or call('EXISTS', unpack(KEYS, job.keys + 1, job.keys + SUFFIXES - 1)) > 0 then
    return false
  end
  call('DEL', job.key, KEYS[job.keys])
  call('ZREM', state == 'failed' and failed or completed, job.id)
  local unique = family[2]
  if unique and try('GET', base .. 'de:' .. unique) == job.id then
    try('DEL', base .. 'de:' .. unique, base .. 'dn:' .. unique)
  end
  tell('removed', 'jobId', job.id, 'prev', state)
  return true
end

-- --- deduplication ----------------------------------------------------------------------------------------------------

-- Has this job stand for the deduplication id: with NX, where none does.
local function claim(unique, id, ...)
  if unique.has.k or unique.ttl == '0' then
    return call('SET', unique.key, id, ...)
  end
  return call('SET', unique.key, id, 'PX', unique.ttl, ...)
end

-- One that stands for it without an end and is gone leaves its place. Its key was not declared: the user may lack it.
local function is_stale(unique, winner)
  if call('PTTL', unique.key) ~= -1 or try('EXISTS', base .. winner) ~= 0 then
    return false
  end
  call('DEL', unique.key, unique.next)
  return true
end

local function tell_deduplicated(winner, unique, loser)
  tell('deduplicated', 'jobId', winner, 'deduplicationId', unique.id, 'deduplicatedJobId', loser)
end

-- While the winner runs, the last of the others is kept, to be made into a job when it is done.
local function keep_for_later(job, winner)
  local unique = job.unique
  if not unique.has.k or state_of(winner) ~= 'active' then
    return false
  end
  call('DEL', unique.next)
  call('HSET', unique.next, 'name', name, 'data', job.data, 'opts', job.options, 'jid', job.id)
  call('PERSIST', unique.key)
  tell_deduplicated(winner, unique, job.id)
  return true
end

local function replace(job, winner)
  local unique = job.unique
  local key = base .. winner
  if call('ZSCORE', delayed, winner) and not is_error(try('DEL', key, key .. ':logs', key .. ':dependencies',
    key .. ':processed', key .. ':failed', key .. ':unsuccessful')) then
    call('ZREM', delayed, winner)
    tell('removed', 'jobId', winner, 'prev', 'delayed')
    tell_deduplicated(job.id, unique, winner)
    call('DEL', unique.next)
    if not unique.has.k and not unique.has.e and unique.ttl ~= '0' then
      call('SET', unique.key, job.id, 'KEEPTTL')
    else
      claim(unique, job.id)
    end
    return nil
  end
  if is_stale(unique, winner) then
    claim(unique, job.id)
    return nil
  end
  keep_for_later(job, winner)
  return winner
end

local function reschedule(job, winner)
  if not call('ZSCORE', delayed, winner) or is_error(try('HSET', base .. winner, 'delay', job.delay)) then
    return
  end
  add_delayed(own, winner, job.timestamp, tonumber(job.delay))
end

-- The id of the job that this one is deduplicated to, if any.
local function deduplicate(job)
  local unique = job.unique
  if claim(unique, job.id, 'NX') then
    return nil
  end
  local winner = call('GET', unique.key)
  if unique.has.r then
    return replace(job, winner)
  end
  if is_stale(unique, winner) then
    claim(unique, job.id)
    return nil
  end
  if not keep_for_later(job, winner) then
    if unique.has.e and unique.ttl ~= '0' then
      claim(unique, winner)
    end
    tell_deduplicated(winner, unique, job.id)
  end
  if unique.has.s then
    reschedule(job, winner)
  end
  return winner
end

-- --- parents ----------------------------------------------------------------------------------------------------------

local function queue_of(parent)
  local at = parent.keys
  return { wait = KEYS[at], paused = KEYS[at + 1], meta = KEYS[at + 2], active = KEYS[at + 3], events = KEYS[at + 4],
    marker = KEYS[at + 5], parents = KEYS[at + 6], delayed = KEYS[at + 7], prioritized = KEYS[at + 8],
    priorities = KEYS[at + 9] }
end

-- Whether the workers of that queue are to be left alone, and the list that its jobs wait in.
local function manner_of(queue)
  local found = call('HMGET', queue.meta, 'paused', 'concurrency', 'version')
  if found[1] then
    return true, keeps(queue.paused, call('LLEN', queue.wait), found[3]) and queue.paused or queue.wait
  end
  return found[2] and call('LLEN', queue.active) >= (tonumber(found[2]) or math.huge), queue.wait
end

-- A parent that waits for no child any more goes to where it would have gone without any.
local function release(parent, timestamp)
  local queue = queue_of(parent)
  if call('SCARD', parent.dependencies) > 0 or call('ZREM', queue.parents, parent.id) == 0 then
    return
  end
  local found = call('HMGET', parent.key, 'priority', 'delay')
  local priority, delay = tonumber(found[1]) or 0, tonumber(found[2]) or 0
  if delay > 0 then
    local time = tonumber(timestamp) + delay
    call('ZADD', queue.delayed, whole(time * 4096), parent.id)
    tell_delayed(queue, parent.id, time)
    return
  end
  local held, place = manner_of(queue)
  -- What is no number is unequal to itself.
  if priority ~= 0 and priority == priority then
    add_prioritized(queue, parent.id, priority)
  else
    call('RPUSH', place, parent.id)
  end
  if not held then
    call('ZADD', queue.marker, '0', '0')
  end
  try('XADD', queue.events, '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'waiting-children')
end

-- A job that is there already becomes a child of this parent, unless it has another one that lives.
local function adopt(job)
  local parent = job.parent
  local before = call('HGET', job.key, 'parentKey')
  if before and before ~= parent.key and call('EXISTS', before) == 1 then
    return false
  end
  if call('ZSCORE', completed, job.id) then
    call('HSET', parent.processed, job.key, call('HGET', job.key, 'returnvalue') or 'null')
    release(parent, job.timestamp)
  else
    call('SADD', parent.dependencies, job.key)
  end
  call('HSET', job.key, 'parentKey', parent.key, 'parent', parent.json)
  return true
end

-- --- one job after the other ------------------------------------------------------------------------------------------

local reply = { tonumber(ARGV[2]) }
local uncounted = 0

-- Those that wait are added together in the end, to either side of the list; but not beside parents, which wait there too.
local first, last, ranked, pending, wakes = {}, {}, {}, {}, false

local function place_of(id)
  return pending[id] or state_of(id)
end

local function answer(i, what, more)
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = i, what, more
end

-- Whether the job that is there was made by an earlier attempt of this one.
local function is_own(job)
  return job.what.a and sameness(job.key, job.data, job.timestamp) == 2
    and (not job.parent or call('HGET', job.key, 'parentKey') == job.parent.key)
end

-- Whether something was said of a job whose id is there: nothing is when that made room.
local function meet(i, job, own_one)
  local state = place_of(job.id)
  if job.reuse and not own_one and make_room(job, state) then
    return false
  end
  local same = sameness(job.key, job.data, job.timestamp)
  -- What the earlier attempt did for the parent, a worker may have gone on with.
  if job.parent and not own_one and not adopt(job) then
    answer(i, '!PARENT_CONFLICT', job.parent.key)
    return true
  end
  tell('duplicated', 'jobId', job.id)
  answer(i, state, same)
  return true
end

local function hash(job, ...)
  call('HSET', job.key, 'name', name, 'data', job.data, 'opts', job.options, 'timestamp', job.timestamp, 'delay', job.delay,
    'priority', job.priority, ...)
end

local function store(job)
  if job.parent then
    hash(job, 'parentKey', job.parent.key, 'parent', job.parent.json)
  elseif job.unique then
    hash(job, 'deid', job.unique.id)
  else
    hash(job)
  end
  tell('added', 'jobId', job.id, 'name', name)
  if job.delay ~= '0' then
    add_delayed(own, job.id, job.timestamp, tonumber(job.delay))
    pending[job.id] = marks_once and 'delayed' or nil
  else
    if job.priority ~= '0' and not kinds.c then
      ranked[#ranked + 1], pending[job.id] = job, 'prioritized'
    elseif job.priority ~= '0' then
      add_prioritized(own, job.id, tonumber(job.priority))
    elseif kinds.c then
      call(job.what.l and 'RPUSH' or 'LPUSH', list, job.id)
    else
      local pushed = job.what.l and last or first
      pushed[#pushed + 1], pending[job.id] = job.id, 'waiting'
    end
    wakes = wake
    tell('waiting', 'jobId', job.id)
  end
  if job.parent then
    call('SADD', job.parent.dependencies, job.key)
  end
end

-- Where none is there, only those of this batch can be.
local names = {}
for i, job in ipairs(jobs) do
  names[i] = job.key
end
local any_there = call('EXISTS', unpack(names)) > 0
local made = {}

for i, job in ipairs(jobs) do
  local there = made[job.key] or (any_there and call('EXISTS', job.key) == 1)
  local own_one = there and is_own(job)
  if job.parent and not own_one and call('EXISTS', job.parent.key) == 0 then
    uncounted = uncounted + 1
    answer(i, '!MISSING_PARENT', job.parent.key)
  elseif not there or not meet(i, job, own_one) then
    local winner = job.unique and deduplicate(job)
    if winner then
      answer(i, '+' .. (try('EXISTS', base .. winner) == 1 and place_of(winner) or 'unknown'), winner)
    else
      store(job)
      made[job.key] = true
    end
  end
end

if #first > 0 then
  call('LPUSH', list, unpack(first))
end
if #last > 0 then
  call('RPUSH', list, unpack(last))
end
if #ranked > 0 then
  local order = call('INCRBY', priorities, tostring(#ranked)) - #ranked
  local members = {}
  for i, job in ipairs(ranked) do
    members[2 * i - 1], members[2 * i] = rank(tonumber(job.priority), order + i), job.id
  end
  call('ZADD', prioritized, unpack(members))
end
if #gathered > 0 then
  call('ZADD', delayed, unpack(gathered))
end
if wakes then
  call('ZADD', marker, '0', '0')
end
if marked then
  mark_delayed(own)
end

-- BullMQ does not count those.
if uncounted > 0 then
  call('INCRBY', counter, '-' .. uncounted)
  if count == uncounted then
    try('DEL', counter)
  end
end
if uncounted < #jobs then
  if not settings[1] then
    call('HSET', meta, 'opts.maxLenEvents', max_events)
  end
  call('XTRIM', events, 'MAXLEN', '~', max_events)
end

return reply
