-- Another job may stand for the deduplication id of one.

-- Has a job stand for the deduplication id: with NX, where none does.
local function set(form, key, id, ...)
  if form.has.k or form.ttl == '0' then
    return call('SET', key, id, ...)
  end
  return call('SET', key, id, 'PX', form.ttl, ...)
end

local function claim(unique, id, ...)
  return set(unique.form, unique.key, id, ...)
end

-- Whether this job is the one that stands for its deduplication id from now on, as none does yet.
local function is_first(form, id, key)
  return set(form, KEYS[key + form.unique_key], id, 'NX')
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
  call('HSET', unique.next, 'name', unique.form.name, 'data', job.data, 'opts', job.options, 'jid', job.id)
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
  add_delayed(own, winner, job.form)
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
