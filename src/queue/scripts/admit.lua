-- Admits a batch of calls to what their tenants may enqueue, each or not. Calls of a tenant stand together in it.
--
-- Behind `refusal.lua` and `rate.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 completed (zset)  2 failed (zset)  3 what is said here (string)  4, 5 the rates of tenants, and those before (hashes)
--       then for each tenant that has one: its backlog (list)
--       then for each call: its job (hash)
--       then what was said to each batch that a call may have been in before (string)
-- ARGV  1     a number, which the reply begins with
--       2     which jobs that ended make room for another of their id: "0" none, "1" those that failed, "2" all
--       3     for how many ms jobs may not be there yet, and what is said here is kept
--       4     how many calls each tenant has: a byte each
--       5     how many times the limits change from one tenant to the next
--       then for each of those: how many tenants have them; how many jobs one may have that have not ended, or "0"; "1" where its
--             backlog is not to run out soon; and step and reach of its rate as in `rate.lua`, or "0" alone where it has none
--       then the name of each tenant that has a rate
--       then for each batch that a call may have been in: the number of the call, and there its own, that of its tenant and that of
--             its tenant's last call, all from 1
--
-- Reply: that number; the time now; the time in ms from which a job that was to come and is not there is given up; a character for
-- each call; for each tenant when its rate is made up for, or 0 where it has none; and for each "5" two numbers: when the rate was
-- made up for when that was said, and when its job is given up. The characters:
--   0  its job is there already: nothing is taken for it
--   1  it is admitted
--   2  it is admitted, and its job may take the place of one that ended by then
--   3  its rate does not let it through yet
--   4  as many jobs as may be are there that have not ended
--   5, 6  "1" or "2" was said to it before
--
-- An error reply means that nothing was taken. (A user who may not run LREM either leaves places that end by themselves.)
--
-- A backlog has a text for each job, "<ms>:<id>": one that is not there is gone for good from that time on. "r" before it says that
-- until then a job that has ended may not be this one, but the one whose place it takes. Two calls for one id have a place each until
-- one is told that it is a duplicate.

local call, try, sub, byte = redis.call, redis.pcall, string.sub, string.byte
local KEYS, ARGV = KEYS, ARGV
local completed, failed, said, rates, before = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local reuse, counts = ARGV[2], ARGV[4]
local id_at = #completed - #'completed' + 1
local now = now_of_server()
local now_ms = math.floor(now / MILLISECOND)
local given_up = now_ms + ARGV[3]

-- In a batch, jobs of a backlog that are looked at for a tenant that has no place left: most, fewest, and of all that have a backlog,
-- since others wait while Redis does this.
local LOOKS, FEW_LOOKS, ALL_LOOKS = 64, 4, 512
-- A tenant that enqueues nothing for so long is forgotten: a week.
local WEEK = '604800000'

-- --- what there is to do --------------------------------------------------------------------------------------------

local run, rated, backlogs, at = {}, 0, 0, 6
for i = 1, ARGV[5] + 0 do
  local tenants, most, step = ARGV[at] + 0, ARGV[at + 1] + 0, ARGV[at + 3] + 0
  local reach
  if step > 0 then
    rated, reach = rated + tenants, ARGV[at + 4] + 0
  end
  if most > 0 then
    backlogs = backlogs + tenants
  end
  run[i] = { tenants = tenants, most = most, renew = ARGV[at + 2] == '1', step = step, reach = reach }
  at = at + (reach and 5 or 4)
end
local first_name, calls, first_job = at, 0, 5 + backlogs
for i = 1, #counts do
  calls = calls + byte(counts, i)
end
local first_before = first_job + calls

local tills = rated > 0 and kept_rates(rates, before, ARGV, first_name, first_name + rated - 1)

-- What was said to calls before, by their number: they went out, and the answer was lost. Of those that were refused nothing was
-- taken, and they are looked at anew.
local heard
for i = 1, #KEYS - first_before do
  heard = heard or {}
  local text = call('GET', KEYS[first_before + i])
  if text then
    local words = {}
    for word in string.gmatch(text, '%S+') do
      words[#words + 1] = word
    end
    local place = first_name + rated + 4 * (i - 1)
    local mine, codes = tonumber(ARGV[place + 1]), words[2]
    local code = sub(codes, mine, mine)
    if code == '0' or code == '1' or code == '2' then
      -- The calls of a tenant are let through one after the other.
      local _, later = string.gsub(sub(codes, mine + 1, tonumber(ARGV[place + 3])), '[12]', '')
      heard[tonumber(ARGV[place])] =
        { code = code, till = tonumber(words[2 + ARGV[place + 2]]), later = later, given_up = tonumber(words[1]) }
    end
  end
end

-- Which jobs are there and make no room.
local stays = {}
if call('EXISTS', unpack(KEYS, first_job + 1, first_before)) > 0 then
  for i = 1, calls do
    local job = KEYS[first_job + i]
    if call('EXISTS', job) == 1 then
      local id = sub(job, id_at)
      stays[i] = not (reuse ~= '0' and call('ZSCORE', failed, id) or reuse == '2' and call('ZSCORE', completed, id))
    end
  end
end

-- --- how ------------------------------------------------------------------------------------------------------------

-- The places that calls of this batch have in backlogs, those of a tenant together.
local texts = {}

-- Finds places in a backlog that has more jobs than it may, of which the last ones are these, by their numbers in `texts`: gives the
-- numbers of those that have none; or an error, which leaves all as it was, and the command that it is of.
local function make_places(backlog, most, length, first, last)
  local base, count = sub(completed, 1, id_at - 1), last - first + 1
  local looks = math.max(FEW_LOOKS, math.min(LOOKS, math.floor(ALL_LOOKS / backlogs)))

  -- Those that were not looked at for the longest time come first. Jobs that have ended or are gone, as far as that can be said,
  -- are taken out; the ones that are there go behind the others.
  local old = try('LRANGE', backlog, '0', tostring(looks - 1))
  if old.err then
    return nil, old, 'LRANGE'
  end
  local done = try('LTRIM', backlog, '0', tostring(-1 - count))
  if done.err then
    return nil, done, 'LTRIM'
  end
  for i = #old, length - count + 1, -1 do
    old[i] = nil
  end
  local alive, known = {}, {}
  for i = 1, #old do
    local mark, till, id = string.match(old[i], '^(r?)(%d+):(.*)$')
    local job = try('HMGET', base .. (id or ''), 'finishedOn', 'timestamp')
    local gone, is_due = job.err or not job[2], tonumber(till or '0') <= now_ms
    if not is_due then
      -- A job that is there may be that of another call, or of another tenant.
      if gone or mark == 'r' or not job[1] then
        alive[#alive + 1] = old[i]
      end
    elseif not gone and not job[1] and not known[id] then
      alive[#alive + 1], known[id] = '0:' .. id, true
    end
  end
  if #old > 0 then
    call('LTRIM', backlog, tostring(#old), '-1')
    if #alive > 0 then
      call('RPUSH', backlog, unpack(alive))
    end
  end

  -- Of two calls for one job at most one is more than a duplicate.
  local is_to_come, late = {}, call('LRANGE', backlog, tostring(-looks), '-1')
  for i = 1, #late do
    local till, id = string.match(late[i], '^r?(%d+):(.*)$')
    is_to_come[id or ''] = till and tonumber(till) > now_ms
  end
  local free, fit, without = most - (length - count - #old + #alive), {}, {}
  for i = first, last do
    local id = string.match(texts[i], ':(.*)$')
    if is_to_come[id] then
      fit[#fit + 1] = texts[i]
    elseif free > 0 then
      fit[#fit + 1], is_to_come[id], free = texts[i], true, free - 1
    else
      without[#without + 1] = i
    end
  end
  if #fit > 0 then
    call('RPUSH', backlog, unpack(fit))
  end
  return without
end

-- For the case that something fails: of each of these texts, the backlog that it may be in.
local pushed = {}
local function give_back()
  for i = 1, #texts do
    if pushed[i] then
      try('LREM', pushed[i], '-1', texts[i])
    end
  end
end

-- Has a backlog last for a week from now. Gives nothing, or an error and the command that it is of.
local function put_off_end(backlog)
  local allowed = try('PEXPIRE', backlog, WEEK)
  if type(allowed) == 'table' then
    return allowed, 'PEXPIRE'
  end
end

-- Gives jobs their places, and the numbers in `texts` of those that have none where that is not nothing; or an error, and the
-- command that it is of.
local function take_places(backlog, limits, first, last)
  local length
  if first == last then
    length = try('RPUSH', backlog, texts[first])
  else
    length = try('RPUSH', backlog, unpack(texts, first, last))
  end
  if type(length) == 'table' then
    return nil, length, 'RPUSH'
  end
  for i = first, last do
    pushed[i] = backlog
  end
  local is_new, without, why, command = length == last - first + 1, nil, nil, nil
  if length > limits.most then
    without, why, command = make_places(backlog, limits.most, length, first, last)
    if why then
      return nil, why, command
    end
  end
  if is_new or without or limits.renew then
    return without, put_off_end(backlog)
  end
  return without
end

local codes, ends, texts_of_ends, more = {}, {}, {}, {}
-- What is to be kept, and what a tenant's rate came to that comes with two limits.
local kept, last, known = {}, 0, run[2] and {}
-- The rate of the tenant whose turn it is, and of each text its call.
local rate, places = {}, {}
-- Where jobs make room, the one of another call may have ended by the time that this one's comes.
local admitted, to_come = '1', digits(given_up) .. ':'
if reuse ~= '0' then
  admitted, to_come = '2', 'r' .. to_come
end
local position, backlog_at, name_at, anything, text_at = 0, 5, 0, false, 0

for i = 1, #run do
  local limits = run[i]
  local step = limits.step
  for _ = 1, limits.tenants do
    local tenant = #ends + 1
    local first, last_call, taken, name = position + 1, position + byte(counts, tenant), 0, nil
    local first_text = text_at + 1
    rate.till, rate.changed = nil, false
    if step > 0 then
      name_at = name_at + 1
      name = ARGV[first_name + name_at - 1]
      rate.step, rate.reach, rate.till = step, limits.reach, known and known[name] or tills[1 + name_at] and tills[1 + name_at] + 0 or nil
    end
    while position < last_call do
      position = position + 1
      local code, before = '1', heard and heard[position]
      if before then
        code = before.code == '1' and '5' or before.code == '2' and '6' or '0'
        if code ~= '0' then
          more[#more + 1], more[#more + 2] = before.till - before.later * step, before.given_up
        end
      elseif stays[position] then
        code = '0'
      elseif step > 0 and pass(rate, now) then
        code = '3'
      else
        code = admitted
        taken = taken + 1
        if limits.most > 0 then
          text_at = text_at + 1
          texts[text_at], places[text_at] = to_come .. sub(KEYS[first_job + position], id_at), position
        end
      end
      codes[position] = code
    end
    if limits.most > 0 then
      backlog_at = backlog_at + 1
      local without, why, command
      if taken > 0 then
        without, why, command = take_places(KEYS[backlog_at], limits, first_text, text_at)
      elseif limits.renew then
        -- Whoever asks for it takes this as done.
        why, command = put_off_end(KEYS[backlog_at])
      end
      if why then
        give_back()
        return refused(why, command)
      elseif without and #without > 0 then
        for j = 1, #without do
          codes[places[without[j]]] = '4'
          rate.till = rate.till and rate.till - step
        end
        -- Whatever its rate says of the others, there is no place for them.
        for j = first, last_call do
          codes[j] = codes[j] == '3' and '4' or codes[j]
        end
        taken = taken - #without
      end
    end
    anything = anything or taken > 0
    local till = rate.till or 0
    local text = rate.changed and digits(till) or '0'
    if rate.changed then
      kept[#kept + 1], kept[#kept + 2] = name, text
      if till > last then
        last = till
      end
      if known then
        known[name] = till
      end
    end
    ends[tenant], texts_of_ends[tenant] = till, text
  end
end

codes = table.concat(codes)
local reply = { tonumber(ARGV[1]), now, given_up, codes, unpack(ends) }
for i = 1, #more do
  reply[#reply + 1] = more[i]
end
if anything then
  local text = digits(given_up) .. ' ' .. codes .. ' ' .. table.concat(texts_of_ends, ' ')
  local done = try('SET', said, text, 'PX', ARGV[3])
  if done.err then
    give_back()
    return refused(done, 'SET')
  end
end
if #kept > 0 then
  local why, command = keep_rates(rates, before, tills[1], kept, last, now)
  if why then
    give_back()
    -- It may be that which is refused.
    if type(try('PEXPIRE', said, '0')) == 'table' then
      try('SET', said, '0 -', 'PX', '1')
    end
    return refused(why, command)
  end
end

return reply
