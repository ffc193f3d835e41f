-- What is known of a job that is there, for the scripts that ask. It only reads. Behind `keys.lua`, in one text.

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
