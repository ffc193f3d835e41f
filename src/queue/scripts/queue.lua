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
call('LLEN', wait)
call('XLEN', events)
call('ZCARD', marker)

local max_events = settings[1] or '10000'
if max_events ~= '0' and not (string.find(max_events, '^[1-9]%d*$') and #max_events < 19) then
  return redis.error_reply('ERR opts.maxLenEvents in the meta of the queue is not a number')
end

-- BullMQ 5 parks the jobs of a paused queue in `paused`, 6 leaves them in `wait`, and resuming with 5 renames `paused` over
-- `wait`. The list that holds jobs already is the one a resume of either major keeps; with none, the major of the newest
-- Queue decides, and `paused`, which both majors take back, when that is unknown.
local function list_of_paused(its_wait, its_paused, version)
  local major = tonumber(string.match(version or '', '^bullmq:(%d+)%.')) or 0
  local parks = call('LLEN', its_paused) > 0 or (call('LLEN', its_wait) == 0 and major < 6)
  return parks and its_paused or its_wait
end

local list, wake = wait, true
if settings[2] then
  list, wake = list_of_paused(wait, paused, settings[4]), false
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
    for _, rank in ipairs({ '1', '-1' }) do
      local position = try('LPOS', name, id, 'RANK', rank, 'MAXLEN', tostring(FAR))
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

  local function equal(a, b)
    if type(a) ~= 'table' or type(b) ~= 'table' then
      return a == b
    end
    for key, value in pairs(a) do
      if not equal(value, b[key]) then
        return false
      end
    end
    for key in pairs(b) do
      if a[key] == nil then
        return false
      end
    end
    return true
  end

  -- Up to so many bytes, texts of any two lengths are compared by what they say; longer ones only if they may be the same
  -- members in another order.
  local LONG = 65536

  -- Whether two texts are the same JSON.
  local function same_json(a, b)
    if a == b then
      return true
    elseif #a ~= #b and (#a > LONG or #b > LONG) then
      return false
    end
    -- Decoded, an empty array is an empty object. It gets an item that stands in neither.
    local item = 0.5
    while string.find(a, tostring(item), 1, true) or string.find(b, tostring(item), 1, true) do
      item = item + 1
      -- Who writes them all is not worth the time.
      if item > 8 then
        return false
      end
    end
    local filled = '[' .. item .. ']'
    local known, one = pcall(cjson.decode, (string.gsub(a, '%[%s*%]', filled)))
    if not known then
      return false
    end
    local other
    known, other = pcall(cjson.decode, (string.gsub(b, '%[%s*%]', filled)))
    return known and equal(one, other)
  end

  -- 1 when the job that is there has these data, 2 when it has the timestamp too, else 0.
  local function sameness(key, data, timestamp)
    local stored = try('HMGET', key, 'data', 'timestamp')
    if is_error(stored) or not stored[1] or not same_json(stored[1], data) then
      return 0
    end
    return stored[2] == timestamp and 2 or 1
  end

  return state_of, sameness
end

-- The key of a job is its id behind what stands before `wait` in the key of the wait list.
local sub, id_at = string.sub, #wait - #'wait' + 1
