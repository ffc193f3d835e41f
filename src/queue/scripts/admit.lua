-- Admits a batch of calls to what their tenants may enqueue, each or not.
--
-- Behind `rate.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 completed (zset)  2 failed (zset)  3 what is said here (string)
--       4 the rates of tenants (zset: each by the time it is made up for)
--       then for each tenant that has one: its backlog (zset: ids of jobs)
--       then for each call: its job (hash)
--       then what was said to each batch that a call may have been in before (string)
-- ARGV  1         a number, which the reply begins with
--       2         which jobs that ended make room for another of their id: "0" none, "1" those that failed, "2" all
--       3         for how many ms jobs may not be there yet, and what is said here is kept
--       4, 5      how many tenants there are, and how many calls
--       then for each tenant: its name, how many jobs it may have that have not ended, or "0", and step and reach of its rate as in
--                 `rate.lua`, or "0" alone where it has none
--       then for each call: the number of its tenant, from 1
--       then for each batch that a call may have been in: the number of the call, and its position there, both from 1
--
-- Reply: that number, then two for each call, in order:
--   0, 0     its job is there already: nothing is taken for it
--   1, time  it is admitted, and the rate of its tenant is made up for at this time, or 0 where it has none; 2 where its job had
--            a place in the backlog before
--   3, ms    its rate lets it through after so long
--   4, 0     as many jobs as may be are there that have not ended
--
-- What may fail comes before what takes something, so an error reply means that nothing was taken. (A user who may not run a
-- command that only a full backlog or an old rate needs leaves what ends by itself.)
--
-- A backlog has the ids of jobs by the time from which one that is not there is gone for good: one that was there, from when that
-- was last known; one that is to come, from when it is given up. Of one that is to come, a quarter of a ms more says that a job
-- that ended has its id and is to make room, half of one that more than one call has the place.

local call, try = redis.call, redis.pcall
local completed, failed, said, rates = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = now_of_server()
local now_ms = math.floor(now / MILLISECOND)

-- In a batch, jobs of a backlog that are looked at for a tenant that has no place left.
local LOOKS = 64
-- What is added to the time of a job that is to come.
local ROOM, SHARED = 0.25, 0.5
-- A tenant that enqueues nothing for so long is forgotten: a week.
local WEEK = '604800000'

-- --- what there is to do --------------------------------------------------------------------------------------------

-- A tenant that comes with two limits is one: what is counted of it stands in `of`.
local tenants, known, key, at = {}, {}, 5, 6
-- Whether no rate is kept yet, as far as is known.
local names, rated, count, any_backlog, fresh = {}, {}, 0, false, true
for i = 1, tonumber(ARGV[4]) do
  local name, most, step = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local tenant = known[name] or {}
  local limits = { of = tenant }
  known[name] = tenant
  if most ~= '0' then
    any_backlog, limits.most, tenant.backlog = true, tonumber(most), KEYS[key]
    tenant.count = tenant.count or call('ZCARD', KEYS[key])
    key = key + 1
  end
  if step ~= '0' then
    limits.step, limits.reach = tonumber(step), tonumber(ARGV[at + 3])
    if not tenant.rated then
      count = count + 1
      names[count], rated[count], tenant.rated = name, tenant, true
    end
    at = at + 1
  end
  tenants[i], at = limits, at + 3
end
if count > 0 then
  local tills = try('ZMSCORE', rates, unpack(names))
  -- Redis has ZMSCORE from 6.2 on.
  if tills.err then
    for i = 1, count do
      tills[i] = call('ZSCORE', rates, names[i])
    end
  end
  for i = 1, count do
    local till = tills[i] and tonumber(tills[i])
    rated[i].till, fresh = till, fresh and not till
  end
end

local calls, first_job, first_call = tonumber(ARGV[5]), key - 1, at - 1
local first_before = first_job + calls

local base = string.sub(completed, 1, -1 - #'completed')
local function id_of(job)
  return string.sub(job, #base + 1)
end

-- What was said to calls before, by their number: they went out, and the answer was lost.
local said_before
for i = 1, #KEYS - first_before do
  said_before = said_before or {}
  local text = call('GET', KEYS[first_before + i])
  if text then
    local place = first_call + calls + 2 * i
    local words, position = cmsgpack.unpack(text), 2 * tonumber(ARGV[place])
    said_before[tonumber(ARGV[place - 1])] = { words[position], words[position + 1] }
  end
end

local there = call('EXISTS', unpack(KEYS, first_job + 1, first_before)) > 0
local reuse = ARGV[2]

-- Whether a job is there, and stays, and whether it is there and makes room.
local function is_there(job)
  if call('EXISTS', job) == 0 then
    return false, false
  end
  local id = id_of(job)
  local room = reuse ~= '0' and call('ZSCORE', failed, id) or reuse == '2' and call('ZSCORE', completed, id)
  return not room, room
end

local free, room = nil, {}
if there then
  free = {}
  for i = 1, calls do
    free[i], room[i] = is_there(KEYS[first_job + i])
  end
end

-- A user who may not do this would otherwise be refused after places were taken. It is taken back, as it has no time.
if any_backlog then
  local why = try('SET', said, '', 'PX').err
  -- Redis 6 has no code for this.
  if string.find(why, "can't run this command", 1, true) then
    return redis.error_reply('NOPERM this user may not run SET')
  elseif not string.find(why, 'syntax', 1, true) then
    return redis.error_reply((string.gsub(why, '^@user_script: %d+: %-', '')))
  end
end

-- --- how ------------------------------------------------------------------------------------------------------------

-- Takes jobs out of the backlog that have ended or are gone, as far as that can be said of them. Those that were not looked at for
-- the longest time come first; the ones that are there go behind them.
local function look(tenant)
  local ids = call('ZRANGE', tenant.backlog, '0', tostring(LOOKS - 1), 'WITHSCORES')
  local ended, alive = {}, {}
  for i = 1, #ids, 2 do
    local id = ids[i]
    local job = try('HMGET', base .. id, 'finishedOn', 'timestamp')
    local gone, till = job.err or not job[2], tonumber(ids[i + 1])
    local makes_room = till > now_ms and till % SHARED == ROOM
    if (job[1] and not makes_room) or (gone and till <= now_ms) then
      ended[#ended + 1] = id
    elseif not gone and not job[1] then
      alive[#alive + 1], alive[#alive + 2] = digits(now_ms), id
    end
  end
  if #alive > 0 then
    call('ZADD', tenant.backlog, unpack(alive))
  end
  if #ended > 0 then
    tenant.count = tenant.count - call('ZREM', tenant.backlog, unpack(ended))
  end
end

-- Whether there is a place for it, and it has none yet.
local function place_for(tenant, id)
  if tenant.count >= tenant.most and not tenant.looked then
    tenant.looked = true
    look(tenant)
  end
  if tenant.count < tenant.most then
    return true, true
  end
  return call('ZSCORE', tenant.backlog, id), false
end

local function till_digits(till)
  return string.format('%.2f', till)
end

-- The job has a place from an earlier call. Whether that is over, and the place is this call's.
local function take_over(tenant, id, till)
  local old = tonumber(call('ZSCORE', tenant.backlog, id))
  local shared = old > now_ms
  if shared then
    local marks = SHARED + math.max(old % SHARED, till % SHARED)
    till = math.max(math.floor(old), math.floor(till)) + marks
  end
  call('ZADD', tenant.backlog, till_digits(till), id)
  return not shared
end

local grace = tonumber(ARGV[3])
local function admit(i)
  if said_before and said_before[i] then
    return unpack(said_before[i])
  elseif free and free[i] then
    return 0, 0
  end
  local limits = tenants[tonumber(ARGV[first_call + i])]
  local tenant = limits.of
  tenant.most, tenant.step, tenant.reach = limits.most, limits.step, limits.reach
  local id, new
  if tenant.most then
    id = id_of(KEYS[first_job + i])
    local fits
    fits, new = place_for(tenant, id)
    if not fits then
      return 4, 0
    end
  end
  local till = 0
  if tenant.step then
    local wait = pass(tenant, now)
    if wait then
      return 3, wait
    end
    till = tenant.till
  end
  if tenant.most then
    local to_come = now_ms + grace + (room[i] and ROOM or 0)
    if new and call('ZADD', tenant.backlog, 'NX', till_digits(to_come), id) == 1 then
      tenant.count = tenant.count + 1
    else
      new = take_over(tenant, id, to_come)
    end
    tenant.grown = true
  end
  return tenant.most and not new and 2 or 1, till
end

local reply, taken = { tonumber(ARGV[1]) }, false
for i = 1, calls do
  local what, more = admit(i)
  taken = taken or what == 1 or what == 2
  reply[2 * i], reply[2 * i + 1] = what, more
end

local kept, last = {}, 0
for i = 1, count do
  local rate = rated[i]
  if rate.changed then
    kept[#kept + 1], kept[#kept + 2] = digits(rate.till), names[i]
    last = math.max(last, rate.till)
  end
end
for i = 1, any_backlog and #tenants or 0 do
  local tenant = tenants[i].of
  if tenant.grown then
    try('PEXPIRE', tenant.backlog, WEEK)
  end
end
if taken then
  call('SET', said, cmsgpack.pack(reply), 'PX', ARGV[3])
end
if #kept > 0 then
  call('ZADD', rates, unpack(kept))
  local left = math.ceil((last - now) / MILLISECOND)
  if call('PTTL', rates) < left then
    call('PEXPIRE', rates, digits(left + 60000))
  end
  -- Rates that are made good are dropped now and then, and the last of them with the key.
  if fresh or reply[1] % 8 == 0 then
    try('ZREMRANGEBYSCORE', rates, '-inf', '(' .. digits(now))
  end
end

return reply
