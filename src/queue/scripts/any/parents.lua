-- A job may be the child of one in another queue.

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
    tell_delayed(queue, parent.id, whole(time))
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
