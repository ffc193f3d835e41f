-- The rates of tenants, by the generic cell rate algorithm: what is kept of a tenant is the time until which the calls that were
-- let through are made up for, and a call passes when that time, with its own, is no further away than a burst may take.
--
-- Texts are taken for numbers by adding to them, which is done in half the time that `tonumber` takes.
--
-- Times are whole eighths of a microsecond since 2020 by the server's own clock, all of them below 2^53: nothing is rounded. Of a
-- rate, `till` is the time that is kept, or nothing where there is nothing to make up for; `step` how long a call takes, and
-- `reach` how long a burst may.
--
-- They are kept in a hash, a field for each tenant. Every minute or so it becomes the one before, as soon as that is gone: as it
-- is when all in it are made good. What is in neither is made good too.

local SECOND, MILLISECOND, YEAR_2020 = 8000000, 8000, 1577836800
local MINUTE = 60 * SECOND

-- What C calls long has 32 bits on some machines.
local WHOLE = string.format('%d', 2 ^ 52) == '4503599627370496' and '%d' or '%.0f'

local function digits(number)
  return string.format(WHOLE, number)
end

-- Lets as many of some calls through as may be: gives how many, and until when the rate is made up for then.
local function pass(till, step, reach, calls, now)
  local latest = now + reach
  if not till or till < now then
    till = now
  elseif till > latest then
    -- No call was let through so far ahead: the clock was set back, or the limits were others then.
    till = latest
  end
  if till + calls * step > latest then
    calls = math.floor((latest - till) / step)
  end
  return calls, till + calls * step
end

-- Takes back what is not made up for yet of a call that was let through until `said`. Never more: by then others may have
-- been let through in its place.
local function take_back(till, step, said, now)
  return till - math.max(0, math.min(said - now, step))
end

local function now_of_server()
  -- Redis 6 may have been told to replicate scripts as they are, which then may not write once they know the time.
  if redis.replicate_commands then
    redis.replicate_commands()
  end
  local time = redis.call('TIME')
  return (time[1] - YEAR_2020) * SECOND + time[2] * 8
end

-- What the two hashes have of the tenants whose names stand there: the field `about` of the first, then a number or nothing for each.
local function kept_rates(rates, before, names, first, last)
  local tills = redis.call('HMGET', rates, 'about', unpack(names, first, last))
  local missing, places = {}, {}
  for i = first, last do
    local place = i - first + 2
    if tills[place] then
      tills[place] = tills[place] + 0
    else
      missing[#missing + 1], places[#places + 1] = names[i], place
    end
  end
  if #missing > 0 then
    local older = redis.call('HMGET', before, unpack(missing))
    for i = 1, #places do
      tills[places[i]] = older[i] and older[i] + 0
    end
  end
  return tills
end

-- Keeps rates, of which `last` is the latest: a name, a text, a name, ... Gives nothing, or an error, which leaves
-- all as it was, and the command that it is of.
--
-- `about` is when the hash is next to become the one before, and when all that is in it is made good. A text of its length
-- has Redis find fields at once, however few there are.
local function keep_rates(rates, before, about, names_and_tills, last, now)
  local turn, till = string.match(about or '', '^(%d+) (%d+) ')
  turn, till = tonumber(turn or nil), tonumber(till or nil)
  local anew = not turn or last > till
  -- One that is far away was noted before the clock was set back.
  if turn and (now >= turn or turn > now + 2 * MINUTE) then
    local moved = redis.pcall('RENAMENX', rates, before)
    anew, turn, till = true, nil, moved == 1 and 0 or till
  end
  if anew then
    turn, till = turn or now + MINUTE, math.max(till or 0, last + MINUTE)
    local left = digits(math.ceil((till - now) / MILLISECOND))
    -- This says whether the user may.
    local allowed = redis.pcall('PEXPIRE', rates, left)
    if type(allowed) == 'table' then
      return allowed, 'PEXPIRE'
    end
    local count = #names_and_tills
    names_and_tills[count + 1] = 'about'
    names_and_tills[count + 2] = digits(turn) .. ' ' .. digits(till) .. string.rep(' ', 64)
    local done = redis.pcall('HSET', rates, unpack(names_and_tills))
    if type(done) == 'table' then
      return done, 'HSET'
    end
    redis.call('PEXPIRE', rates, left)
  else
    local done = redis.pcall('HSET', rates, unpack(names_and_tills))
    if type(done) == 'table' then
      return done, 'HSET'
    end
  end
end
