-- Where jobs go that do not simply wait, and what is told of them.

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
local marks_once, marked = not (kinds.c or meets), false

local function tell_delayed(queue, id, time)
  try('XADD', queue.events, '*', 'event', 'delayed', 'jobId', id, 'delay', time)
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
local function add_delayed(queue, id, form)
  local time = form.time
  if not time then
    time = tonumber(form.timestamp) + tonumber(form.delay)
    form.time, form.told_time = time, whole(time)
  end
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
  tell_delayed(queue, id, form.told_time)
end

-- Behind those of the same priority.
local function rank(priority, order)
  return whole(priority * 4294967296 + order % 4294967296)
end

local function add_prioritized(queue, id, priority)
  call('ZADD', queue.prioritized, rank(priority, call('INCRBY', queue.priorities, '1')), id)
end

local own = { delayed = delayed, prioritized = prioritized, priorities = priorities, events = events, marker = marker }
