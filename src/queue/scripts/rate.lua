-- The rates of tenants, by the generic cell rate algorithm: what is kept of a tenant is the time until which the calls that were
-- let through are made up for, and a call passes when that time, with its own, is no further away than a burst may take.
--
-- Times are whole eighths of a microsecond since 2020 by the server's own clock, all of them below 2^53: nothing is rounded. A
-- rate is { step, reach, till, changed }: how long a call takes, and how long a burst may; the time that is kept, or nil where
-- there is nothing to make up for; and whether it has to be kept anew.

local SECOND, MILLISECOND, YEAR_2020 = 8000000, 8000, 1577836800

-- Lets a call through, or gives the milliseconds after which one would be.
local function pass(rate, now)
  local till = rate.till
  if not till or till < now then
    till = now
  elseif till - now > rate.reach then
    -- No call was let through so far ahead: the clock was set back, or the limits were others then.
    till = now + rate.reach
    rate.till, rate.changed = till, true
  end
  local wait = till + rate.step - rate.reach - now
  if wait > 0 then
    return math.ceil(wait / MILLISECOND)
  end
  rate.till, rate.changed = till + rate.step, true
end

-- Takes back what is not made up for yet of a call that was let through until `till`. Never more: by then others may have
-- been let through in its place.
local function take_back(rate, till, now)
  if rate.till and till > now then
    rate.till = rate.till - math.min(till - now, rate.step)
  end
end

local function digits(number)
  return string.format('%.0f', number)
end

local function now_of_server()
  -- Redis 6 may have been told to replicate scripts as they are, which then may not write once they know the time.
  if redis.replicate_commands then
    redis.replicate_commands()
  end
  local time = redis.call('TIME')
  return (tonumber(time[1]) - YEAR_2020) * SECOND + tonumber(time[2]) * 8
end
