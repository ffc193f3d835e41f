-- Puts right what was taken for calls that were admitted, once it is known how each ended.
--
-- Behind `rate.lua`, in one text: what is not defined here is there.
--
-- KEYS  1 the rates of tenants (zset)
--       then for each call whose tenant has one: its backlog (zset)
-- ARGV  1         a number, which the reply begins with
--       then for each call: what is to become of its place in the backlog: "" as it is, "k" it is kept, "g" it is given up, these two
--                 with its job's id; and the step of the rate as in `rate.lua`, the tenant and the time that was said of it, or "0"
--                 alone where nothing goes back
--
-- Reply: that number.

local call = redis.call
local now = now_of_server()
local now_ms = math.floor(now / MILLISECOND)
local kept = {}

local key, at = 2, 2
while at <= #ARGV do
  local place = ARGV[at]
  at = at + 1
  if place ~= '' then
    local backlog, id = KEYS[key], ARGV[at]
    if place == 'k' then
      local ids = kept[backlog] or {}
      ids[#ids + 1], ids[#ids + 2] = digits(now_ms), id
      kept[backlog] = ids
    else
      -- Not where its job is there, or another call has the place too: `admit.lua` says how that is known.
      local till = tonumber(call('ZSCORE', backlog, id) or nil)
      if till and till > now_ms and till % 1 < 0.5 then
        call('ZREM', backlog, id)
      end
    end
    key, at = key + 1, at + 1
  end
  if ARGV[at] == '0' then
    at = at + 1
  else
    local name = ARGV[at + 1]
    local rate = { step = tonumber(ARGV[at]), till = tonumber(call('ZSCORE', KEYS[1], name) or nil) }
    if rate.till then
      take_back(rate, tonumber(ARGV[at + 2]), now)
      if rate.till > now then
        call('ZADD', KEYS[1], digits(rate.till), name)
      else
        call('ZREM', KEYS[1], name)
      end
    end
    at = at + 3
  end
end
for backlog, ids in pairs(kept) do
  call('ZADD', backlog, 'XX', unpack(ids))
end

return { tonumber(ARGV[1]) }
