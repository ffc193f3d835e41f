-- A job that ended makes room for one of its id.

-- Removes a finished job, unless it is part of a family, or a worker still holds it.
local function make_room(job, state)
  if state ~= 'failed' and not (state == 'completed' and job.form.is.R) then
    return false
  end
  local family = try('HMGET', job.key, 'parentKey', 'deid')
  -- Behind its logs: its children, and its lock.
  if is_error(family) or family[1] or call('EXISTS', unpack(KEYS, job.suffixes + 1, job.suffixes + SUFFIXES - 1)) > 0 then
    return false
  end
  call('DEL', job.key, KEYS[job.suffixes])
  call('ZREM', state == 'failed' and failed or completed, job.id)
  local unique = family[2]
  if unique and try('GET', base .. 'de:' .. unique) == job.id then
    try('DEL', base .. 'de:' .. unique, base .. 'dn:' .. unique)
  end
  tell('removed', 'jobId', job.id, 'prev', state)
  return true
end
