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
--       4     how many calls each tenant has, at least one: a byte each
--       5     how many times the limits change from one tenant to the next
--       then for each of those: how many tenants have them; how many jobs one may have that have not ended, or "0"; "1" where its
--             backlog is not to run out soon; and step and reach of its rate as in `rate.lua`, or "0" alone where it has none
--       then the name of each tenant that has a rate
--       then for each batch that a call may have been in: the number of the call, and there its own, that of its tenant and that of
--             its tenant's last call, all from 1
--
-- Reply: that number; the time now; a text, of words with a space between them; and for each "5" and "6" two numbers: when the rate
-- was made up for when that was said, and when its job is given up. The words of the text, which is also what is said here, are the
-- time in ms from which a job that was to come and is not there is given up; a character for each call; and for each tenant when its
-- rate is made up for, or 0 where it has none. The characters:
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

local call, try, sub, type, unpack = redis.call, redis.pcall, string.sub, type, unpack
local KEYS, ARGV = KEYS, ARGV
local completed, failed, said, rates, before = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local reuse, counts = ARGV[2], { string.byte(ARGV[4], 1, -1) }
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
  calls = calls + counts[i]
end
local first_before = first_job + calls

local tills = rated > 0 and kept_rates(rates, before, ARGV, first_name, first_name + rated - 1)

-- Calls that take nothing any more, by their number: their job is there and makes no room, or they went out before and the answer
-- was lost. Of calls that were refused then nothing was taken, and they are looked at anew.
local settled, there = nil, { code = '0' }
local said_before = { ['0'] = '0', ['1'] = '5', ['2'] = '6' }
for i = 1, #KEYS - first_before do
  settled = settled or {}
  local text = call('GET', KEYS[first_before + i])
  if text then
    local words = {}
    for word in string.gmatch(text, '%S+') do
      words[#words + 1] = word
    end
    local place = first_name + rated + 4 * (i - 1)
    local mine, codes = tonumber(ARGV[place + 1]), words[2] or ''
    local code, till = said_before[sub(codes, mine, mine)], tonumber(words[2 + ARGV[place + 2]] or nil)
    if code == '0' then
      settled[tonumber(ARGV[place])] = there
    elseif code and till then
      -- The calls of a tenant are let through one after the other.
      local _, later = string.gsub(sub(codes, mine + 1, tonumber(ARGV[place + 3])), '[12]', '')
      settled[tonumber(ARGV[place])] = { code = code, till = till, later = later, given_up = tonumber(words[1]) }
    end
  end
end
if call('EXISTS', unpack(KEYS, first_job + 1, first_before)) > 0 then
  settled = settled or {}
  for i = 1, calls do
    local job = KEYS[first_job + i]
    if not settled[i] and call('EXISTS', job) == 1 then
      local id = sub(job, id_at)
      if not (reuse ~= '0' and call('ZSCORE', failed, id) or reuse == '2' and call('ZSCORE', completed, id)) then
        settled[i] = there
      end
    end
  end
end

-- --- how ------------------------------------------------------------------------------------------------------------

-- The places that calls of this batch have in backlogs, those of a tenant together, and how many.
local texts, text_at = {}, 0

-- Finds places in a backlog that has more jobs than it may, of which the last ones are these, by their numbers in `texts`: gives
-- those that have none, a set of numbers, or nothing; or an error, which leaves all as it was, and the command that it is of.
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
  local free, fit, without = most - (length - count - #old + #alive), {}, nil
  for i = first, last do
    local id = string.match(texts[i], ':(.*)$')
    if is_to_come[id] then
      fit[#fit + 1] = texts[i]
    elseif free > 0 then
      fit[#fit + 1], is_to_come[id], free = texts[i], true, free - 1
    else
      without = without or {}
      without[i] = true
    end
  end
  if #fit > 0 then
    call('RPUSH', backlog, unpack(fit))
  end
  return without
end

-- For the case that something fails: the backlog that a text is in, and those after it up to the next one's.
local pushed = {}
local function give_back()
  local backlog
  for i = 1, text_at do
    backlog = pushed[i] or backlog
    try('LREM', backlog, '-1', texts[i])
  end
end

-- Has a backlog last for a week from now. Gives nothing, or an error and the command that it is of.
local function put_off_end(backlog)
  local allowed = try('PEXPIRE', backlog, WEEK)
  if type(allowed) == 'table' then
    return allowed, 'PEXPIRE'
  end
end

-- Of each call what is said of it, and of each tenant when its rate is made up for, as a text. A table that has its size from the
-- start does not grow, which would cost as much as all that is done with it: these begin with as many as there are tenants.
local codes, ends, more = { unpack(counts) }, { unpack(counts) }, {}
-- What is to be kept, and what a tenant's rate came to that comes with two limits.
local kept, kept_to, last, known = {}, 0, 0, run[2] and {}
-- The text of the tenant before: those that had nothing to make up for have one in common.
local time, text_of_time = 0, '0'
-- Where jobs make room, the one of another call may have ended by the time that this one's comes.
local admitted, to_come = '1', digits(given_up) .. ':'
if reuse ~= '0' then
  admitted, to_come = '2', 'r' .. to_come
end
local tenant, position, backlog_at, name_at, anything = 0, 0, 5, first_name - 1, false

for i = 1, #run do
  local limits = run[i]
  local most, step, reach, renew = limits.most, limits.step, limits.reach, limits.renew
  for _ = 1, limits.tenants do
    tenant = tenant + 1
    local first, last_call = position + 1, position + counts[tenant]
    position = last_call

    -- The calls that take something, if they may.
    local asking = counts[tenant]
    if settled then
      for j = first, last_call do
        asking = settled[j] and asking - 1 or asking
      end
    end
    local taken, name, till, until_then = asking, nil, nil, nil
    if step > 0 then
      name_at = name_at + 1
      name = ARGV[name_at]
      until_then = known and known[name] or tills[name_at - first_name + 2] or nil
      till = until_then
      if asking == 1 and (not till or till < now) then
        -- As `pass` has it, in half the time: a burst is of one call at least.
        till = now + step
      elseif asking > 0 then
        taken, till = pass(till, step, reach, asking, now)
      end
    end

    local passing, first_text = taken, text_at + 1
    for j = first, last_call do
      local is = settled and settled[j]
      if is then
        codes[j] = is.code
        if is.till then
          more[#more + 1], more[#more + 2] = is.till - is.later * step, is.given_up
        end
      elseif passing > 0 then
        codes[j], passing = admitted, passing - 1
        if most > 0 then
          text_at = text_at + 1
          texts[text_at] = to_come .. sub(KEYS[first_job + j], id_at)
        end
      else
        codes[j] = '3'
      end
    end

    if most > 0 then
      backlog_at = backlog_at + 1
      local backlog, length, without, why, command = KEYS[backlog_at], nil, nil, nil, nil
      if taken > 0 then
        if taken == 1 then
          length = try('RPUSH', backlog, texts[text_at])
        else
          length = try('RPUSH', backlog, unpack(texts, first_text, text_at))
        end
        if type(length) == 'table' then
          why, command, text_at = length, 'RPUSH', first_text - 1
        else
          pushed[first_text] = backlog
          if length > most then
            without, why, command = make_places(backlog, most, length, first_text, text_at)
          end
        end
      end
      -- A list that is new has no end yet, and one in which places were made may be. Whoever asks for it takes it as done.
      if not why and (renew or length and (length == taken or length > most)) then
        why, command = put_off_end(backlog)
      end
      if why then
        give_back()
        return refused(why, command)
      elseif without then
        -- Whatever its rate says of the others, there is no place for them.
        local number = first_text - 1
        for j = first, last_call do
          if codes[j] == admitted then
            number = number + 1
            if without[number] then
              codes[j], taken, till = '4', taken - 1, till and till - step
            end
          elseif codes[j] == '3' then
            codes[j] = '4'
          end
        end
      end
    end
    anything = anything or taken > 0

    if (till or 0) ~= time then
      time = till or 0
      text_of_time = digits(time)
    end
    ends[tenant] = text_of_time
    if till ~= until_then then
      kept[kept_to + 1], kept[kept_to + 2] = name, text_of_time
      kept_to = kept_to + 2
      if till > last then
        last = till
      end
      if known then
        known[name] = till
      end
    end
  end
end

local text = digits(given_up) .. ' ' .. table.concat(codes) .. ' ' .. table.concat(ends, ' ')
if anything then
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

return { tonumber(ARGV[1]), now, text, unpack(more) }
