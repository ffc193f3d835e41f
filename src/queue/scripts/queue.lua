-- What every script that adds jobs begins with: what the queue is like. It only reads. Behind `refusal.lua` and `keys.lua`, in one
-- text.
--
-- ARGV  1 job name; "" where each job comes with its own, from a Queue of BullMQ 6
--       2 how many events the queue is to keep, in decimal digits; "" where its meta says, and 10000 where that does not either

local name = ARGV[1]

-- LLEN, XLEN and ZCARD fail on a key of another type, here rather than half-way.
local settings = call('HMGET', meta, 'opts.maxLenEvents', 'paused', 'concurrency', 'version')
local waiting = call('LLEN', wait)
call('XLEN', events)
call('ZCARD', marker)

local max_events = ARGV[2] ~= '' and ARGV[2] or settings[1] or '10000'
if max_events ~= '0' and not (string.find(max_events, '^[1-9]%d*$') and #max_events < 19) then
  return redis.error_reply('ERR opts.maxLenEvents in the meta of the queue is not a number')
end

-- Whether `paused` keeps the jobs of a paused queue, which has so many in `wait`. BullMQ 5 parks them in `paused`, 6 leaves
-- them in `wait`, and resuming with 5 renames `paused` over `wait`. The list that holds jobs already is the one a resume of
-- either major keeps; with none, the major of the newest Queue decides, and when that is unknown, the one that is at hand, or
-- `paused`, which both majors take back.
local function keeps(parked, count, version)
  local major = tonumber(string.match(version or '', '^bullmq:(%d+)%.')) or (name == '' and 6 or 0)
  return call('LLEN', parked) > 0 or (count == 0 and major < 6)
end

local list, wake = wait, true
if settings[2] then
  wake = false
  if keeps(paused, waiting, settings[4]) then
    list = paused
  end
elseif settings[3] then
  wake = call('LLEN', active) < tonumber(settings[3])
end

-- What is said where the last id of the events is taken, so that no more can be told.
local function full_stream()
  local stream = try('XINFO', 'STREAM', events)
  for i = 1, is_error(stream) and 0 or #stream, 2 do
    if stream[i] == 'last-generated-id' and stream[i + 1] == '18446744073709551615-18446744073709551615' then
      return redis.error_reply('ERR the events of the queue are at their last possible id')
    end
  end
end
