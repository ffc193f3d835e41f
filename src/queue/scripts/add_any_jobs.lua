-- Adds a batch of jobs of any kinds to a queue as that many calls of BullMQ's own `add` would, in one script: delayed,
-- prioritised, last in first out, deduplicated and with a parent, each with options of its own. A finished job may be run
-- again in its place.
--
-- Behind `keys.lua`, `inspector.lua`, `queue.lua` and all that is in `any/`, in one text: what is not defined here is there.
--
-- KEYS  1 to 13   those of the queue, as in `keys.lua`
--       14 …      for each job, in the order of the jobs in ARGV:
--                   without `g` <job> (hash), and with `r` <job>:logs (list), :dependencies (set), :processed (hash), :failed (hash),
--                     :unsuccessful (zset), :lock (string)
--                   with `u`  de:<deduplication id> (string), dn:<deduplication id> (hash)
--                   with `c`  the parent (hash), its :dependencies (set) and :processed (hash), and of the parent's queue
--                     wait, paused, meta, active, events, marker, waiting-children, delayed, prioritized, pc
--                 What a deduplication replaces or reschedules, the deduplication of what is run again, and a job with `g` are
--                 only known in here: their keys are the one thing that is not declared.
-- ARGV  1, 2      as in `queue.lua`
--       3         a number, which the reply begins with
--       4         "1" when an id, or a deduplication id, stands more than once in the batch, else "0"
--       5         how many forms of jobs there are
--       6 …       for each form: what it is; options JSON up to and including the opening quote of the job id, and with `u`
--                 only up to where the deduplication id stands; with `u` those behind it, else ""; the delay in ms or "0";
--                 the priority or "0"; timestamp in ms; with `u` the ttl in ms, else and without an end "0"; which modes of
--                 deduplication it has: `e` extend, `r` replace, `k` keepLastIfActive, `s` reschedule; and with `n` the job name
--       then      the number of a form, from 1, and how many jobs of it follow; for each of those data JSON; and with
--                   `i`  the id as it is written inside a JSON string: without it that is the id itself
--                   `u`  the deduplication id; with `j` it as it is written inside a JSON string
--                   `c`  the parent's id, and the JSON that the job has of it
--                 and so on, in the order of the jobs.
--                 What it is: letters, in any order: `a` when it may be here from an earlier attempt, `r` or `R` when a job of
--                 its id that failed, or one that finished, is run again, `d` delayed, `p` prioritised, `l` last in first out,
--                 `u` deduplicated, `c` with a parent, `n` with a name of its own, `g` with the next number for an id, of
--                 which its options do not speak, and the two above.
--
-- Reply: that number; where one has `g` what was counted before the batch, as text; then three values for each job that was not
-- stored: its position (from 1), and
--   the state of the job of its id, and whether that has the same data (0 no, 1 yes, 2 with the same timestamp, or what it
--     has, where that may be the same JSON)
--   "+" and the state of the job that it was deduplicated to, and that one's id
--   "!MISSING_PARENT" or "!PARENT_CONFLICT", and the key of the parent
-- The number alone means that all were added.
--
-- Everything that can fail is read or checked before the first write, or taken back, and the first write is refused
-- whenever a later one would be, so an error reply means that nothing was written for any job.

local reply = { tonumber(ARGV[3]), kinds.g and whole(number - count) or nil }
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
  return job.form.is.a and sameness(job.key, job.data, job.timestamp) == 2
    and (not job.parent or call('HGET', job.key, 'parentKey') == job.parent.key)
end

-- Whether something was said of a job whose id is there: nothing is when that made room.
local function meet(i, job, own_one)
  local state = place_of(job.id)
  if job.suffixes and not own_one and make_room(job, state) then
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

-- What belongs to it is told of by one that was looked at.
local function store(form, key, id, at, job)
  local options = job and job.options or options_of(form, id, at)
  if form.parent then
    call('HSET', key, 'name', form.name, 'data', ARGV[at], 'opts', options, 'timestamp', form.timestamp, 'delay', form.delay,
      'priority', form.priority, 'parentKey', job.parent.key, 'parent', job.parent.json)
    call('SADD', job.parent.dependencies, key)
  elseif form.unique then
    call('HSET', key, 'name', form.name, 'data', ARGV[at], 'opts', options, 'timestamp', form.timestamp, 'delay', form.delay,
      'priority', form.priority, 'deid', ARGV[at + form.unique])
  else
    call('HSET', key, 'name', form.name, 'data', ARGV[at], 'opts', options, 'timestamp', form.timestamp, 'delay', form.delay,
      'priority', form.priority)
  end
  try('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', form.name)
  local place = 'waiting'
  if form.delay ~= '0' then
    add_delayed(own, id, form)
    place = 'delayed'
  else
    if form.priority ~= '0' then
      place = 'prioritized'
      if kinds.c then
        add_prioritized(own, id, tonumber(form.priority))
      else
        ranked[#ranked + 1], ranked[#ranked + 2] = form.priority, id
      end
    elseif kinds.c then
      call(form.is.l and 'RPUSH' or 'LPUSH', list, id)
    else
      local pushed = form.is.l and last or first
      pushed[#pushed + 1] = id
    end
    wakes = wake
    try('XADD', events, '*', 'event', 'waiting', 'jobId', id)
  end
  if meets then
    pending[id] = place
  end
end

-- A job that something is there for.
local function consider(i, form, id, key, at, there)
  local job = job_at(form, id, key, at)
  local own_one = there and is_own(job)
  if job.parent and not own_one and call('EXISTS', job.parent.key) == 0 then
    uncounted = uncounted + 1
    answer(i, '!MISSING_PARENT', job.parent.key)
  elseif not there or not meet(i, job, own_one) then
    local winner = job.unique and deduplicate(job)
    if winner then
      answer(i, '+' .. (try('EXISTS', base .. winner) == 1 and place_of(winner) or 'unknown'), winner)
    else
      store(form, job.key, job.id, at, job)
    end
  end
end

local may_meet = any_there or ARGV[4] == '1'
local position = 0
each(function(form, at, value)
  position = position + 1
  local key, id, there
  if form.is.g then
    -- Those that BullMQ does not count have no number.
    id = whole(number - count + position - uncounted)
    key = base .. id
  else
    key = KEYS[at]
    id, there = sub(key, id_at), may_meet and call('EXISTS', key) == 1
  end
  if there or form.parent or (form.unique and not is_first(form, id, at)) then
    consider(position, form, id, at, value, there)
  else
    store(form, key, id, value)
  end
end)

if #first > 0 then
  call('LPUSH', list, unpack(first))
end
if #last > 0 then
  call('RPUSH', list, unpack(last))
end
if #ranked > 0 then
  local order = call('INCRBY', priorities, tostring(#ranked / 2)) - #ranked / 2
  for i = 1, #ranked, 2 do
    ranked[i] = rank(tonumber(ranked[i]), order + (i + 1) / 2)
  end
  call('ZADD', prioritized, unpack(ranked))
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
  if number == uncounted then
    try('DEL', counter)
  end
end
if uncounted < count then
  if settings[1] ~= max_events then
    call('HSET', meta, 'opts.maxLenEvents', max_events)
  end
  call('XTRIM', events, 'MAXLEN', '~', max_events)
end

return reply
