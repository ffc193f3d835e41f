-- What both scripts that add jobs begin with: what the queue is like, what the user may do, and what is known of a job that
-- is there already. It only reads.
--
-- KEYS  1 wait (list)        2 paused (list)     3 meta (hash)           4 id (string)       5 active (list)
--       6 events (stream)    7 marker (zset)     8 delayed (zset)        9 prioritized (zset)
--      10 pc (string)       11 completed (zset) 12 failed (zset)        13 waiting-children (zset)

local call, try = redis.call, redis.pcall
local wait, paused, meta, counter, active, events, marker =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local delayed, prioritized, priorities, completed, failed, parents =
  KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]

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

local max_events = settings[1] or '10000'
if max_events ~= '0' and not (string.find(max_events, '^[1-9]%d*$') and #max_events < 19) then
  return redis.error_reply('ERR opts.maxLenEvents in the meta of the queue is not a number')
end

-- Whether `paused` keeps the jobs of a paused queue, which has so many in `wait`. BullMQ 5 parks them in `paused`, 6 leaves
-- them in `wait`, and resuming with 5 renames `paused` over `wait`. The list that holds jobs already is the one a resume of
-- either major keeps; with none, the major of the newest Queue decides, and `paused`, which both majors take back, when that
-- is unknown.
local function keeps(parked, count, version)
  local major = tonumber(string.match(version or '', '^bullmq:(%d+)%.')) or 0
  return call('LLEN', parked) > 0 or (count == 0 and major < 6)
end

local list, wake = wait, true
if settings[2] then
  wake = false
  if keeps(paused, waiting, settings[4]) then
    list = paused
  end
elseif settings[3] then
  wake = call('LLEN', active) < tonumber(settings[3])
end

local function is_error(reply)
  return type(reply) == 'table' and reply.err ~= nil
end

-- What is said where the last id of the events is taken, so that no more can be told.
local function full_stream()
  local stream = try('XINFO', 'STREAM', events)
  for i = 1, is_error(stream) and 0 or #stream, 2 do
    if stream[i] == 'last-generated-id' and stream[i + 1] == '18446744073709551615-18446744073709551615' then
      return redis.error_reply('ERR the events of the queue are at their last possible id')
    end
  end
end

-- What tells of jobs that are there already: made where there are some, as it costs more than a job.
local function inspector()
  local function is_in(name, id)
    local position = try('LPOS', name, id)
    if not is_error(position) then
      return position
    end
    -- Redis has LPOS from 6.0.6 on.
    local items = try('LRANGE', name, '0', '-1')
    for _, item in ipairs(is_error(items) and {} or items) do
      if item == id then
        return true
      end
    end
    return false
  end

  -- How far from either end a job is looked for in a list that may have millions.
  local FAR = 256

  local function is_near_an_end(name, id)
    local length = try('LLEN', name)
    if is_error(length) or length == 0 then
      return false
    end
    for _, rank in ipairs({ 1, -1 }) do
      local position = try('LPOS', name, id, 'RANK', tostring(rank), 'MAXLEN', tostring(FAR))
      if is_error(position) then
        local items = try('LRANGE', name, tostring(rank > 0 and 0 or -FAR), tostring(rank > 0 and FAR - 1 or -1))
        if is_error(items) then
          return false
        end
        for _, item in ipairs(items) do
          position = item == id or position
        end
        position = position == true
      end
      if position then
        return true
      end
    end
    -- It has to be somewhere, and that is the place that was not looked at.
    return length > 2 * FAR
  end

  -- The state of a job whose hash is there: 'unknown' where it is in none, or where the user may not look.
  local function state_of(id)
    for _, set in ipairs({ { failed, 'failed' }, { completed, 'completed' }, { delayed, 'delayed' },
      { prioritized, 'prioritized' }, { parents, 'waiting-children' } }) do
      local score = try('ZSCORE', set[1], id)
      if is_error(score) then
        return 'unknown'
      elseif score then
        return set[2]
      end
    end
    if is_in(active, id) then
      return 'active'
    end
    return (is_near_an_end(wait, id) or is_near_an_end(paused, id)) and 'waiting' or 'unknown'
  end

  -- Up to so many bytes, texts of any two lengths may say the same; longer ones only as the same members in another order,
  -- and none beyond the second number.
  local LONG, LONGEST = 16384, 1048576

  -- 1 when the job that is there has these data, 2 when it has the timestamp too, 0 when it has others. Whether it is the
  -- same JSON in other bytes is not found out here, where all wait for it: the answer is what is stored.
  local function sameness(key, data, timestamp)
    local function may_be(length)
      return length == #data and length <= LONGEST or (length <= LONG and #data <= LONG)
    end
    -- What need not be fetched is not; where the user may not ask, it is.
    local length = try('HSTRLEN', key, 'data')
    if not is_error(length) and length ~= #data and not may_be(length) then
      return 0
    end
    local stored = try('HMGET', key, 'data', 'timestamp')
    if is_error(stored) or not stored[1] then
      return 0
    elseif stored[1] == data then
      return stored[2] == timestamp and 2 or 1
    end
    return may_be(#stored[1]) and stored[1] or 0
  end

  return state_of, sameness
end

-- The key of a job is its id behind what stands before `wait` in the key of the wait list.
local sub, id_at = string.sub, #wait - #'wait' + 1
