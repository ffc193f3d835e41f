-- Puts right what was taken for calls that were admitted, once it is known how each ended.
--
-- Behind `refusal.lua` and `rate.lua`, in one text: what is not defined here is there.
--
-- KEYS  1, 2 the rates of tenants, and those before (hashes)
--       then for each call whose place in a backlog is not to stay as it is: that backlog (list)
-- ARGV  1     a number, which the reply begins with
--       then for each call: "" where its place is to stay as it is; else what `admit.lua` wrote there, and what is to be there
--             instead, or "" where it is given up; then the step of the rate as in `rate.lua`, the tenant and the time that was said
--             of it, or "0" alone where nothing goes back
--
-- Reply: that number.

local call = redis.call
local rates, before = KEYS[1], KEYS[2]
local now = now_of_server()
local back, till_of, names = {}, {}, {}
-- As in `admit.lua`.
local WEEK = '604800000'

local key, at = 3, 2
while at <= #ARGV do
  local place = ARGV[at]
  at = at + 1
  if place ~= '' then
    -- It may have been taken out as ended. The newest are last.
    if call('LREM', KEYS[key], '-1', place) == 1 and ARGV[at] ~= '' and call('RPUSH', KEYS[key], ARGV[at]) == 1 then
      -- It was the only one, and the list, with its time, gone for a moment.
      call('PEXPIRE', KEYS[key], WEEK)
    end
    key, at = key + 1, at + 1
  end
  if ARGV[at] == '0' then
    at = at + 1
  else
    back[#back + 1] = { step = tonumber(ARGV[at]), name = ARGV[at + 1], said = tonumber(ARGV[at + 2]) }
    at = at + 3
  end
end

if #back > 0 then
  for i = 1, #back do
    names[i] = back[i].name
  end
  local tills, kept, last = kept_rates(rates, before, names, 1, #names), {}, 0
  for i = 1, #back do
    local name = names[i]
    local till = till_of[name] or tills[1 + i]
    if till then
      -- Those before may have it as it was, and are to be asked no sooner than that is made good.
      last = math.max(last, till)
      till = take_back(till, back[i].step, back[i].said, now)
      till_of[name] = till
      kept[#kept + 1], kept[#kept + 2] = name, digits(till)
    end
  end
  if #kept > 0 then
    local why, command = keep_rates(rates, before, tills[1], kept, last, now)
    if why then
      return refused(why, command)
    end
  end
end

return { tonumber(ARGV[1]) }
