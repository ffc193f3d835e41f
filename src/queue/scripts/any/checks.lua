-- What may stand in the way of a batch. The counter is added to first, and taken back in here where a later write would be
-- refused: behind this, all of them are done.

-- What becomes a job in this batch: asked for where another key may be that of one too.
local hashes
local function is_job(key)
  if not hashes then
    hashes = {}
    each(function(form, at)
      if not form.is.g then
        hashes[KEYS[at]] = true
      end
    end)
  end
  return hashes[key]
end

local function expect(key, kind)
  local found = call('TYPE', key).ok
  if found == 'none' and is_job(key) then
    found = 'hash'
  end
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is no ' .. kind .. ' but a ' .. found)
  end
end

-- How many jobs there are, whether some of their ids are there, and some of their deduplication ids.
local count, any_there, any_unique = 0, false, false
if not kinds.more then
  count = #KEYS - 13
  any_there = call('EXISTS', unpack(KEYS, 14)) > 0
else
  local names, uniques = {}, {}
  local odd = false
  each(function(form, key)
    count = count + 1
    if form.unique then
      uniques[#uniques + 1] = KEYS[key + form.unique_key]
    end
    if not form.is.g then
      names[#names + 1] = KEYS[key]
      -- A job may be called as the key of a deduplication is.
      odd = odd or sub(KEYS[key], id_at, id_at + 2) == 'de:'
    end
  end)
  any_there = #names > 0 and call('EXISTS', unpack(names)) > 0
  any_unique = #uniques > 0 and (odd or call('EXISTS', unpack(uniques)) > 0)
end
-- Whether jobs of the batch may meet each other, or one that is deduplicated to.
local meets = ARGV[4] == '1' or any_unique

local function wrong_type()
  local wrong
  local function check(...)
    wrong = wrong or expect(...)
  end
  for _, zset in ipairs({ delayed, prioritized, completed, failed, parents }) do
    check(zset, 'zset')
  end
  check(priorities, 'string')
  check(active, 'list')
  check(paused, 'list')
  if not (meets or kinds.c) then
    return wrong
  end
  each(function(form, key)
    if form.unique and meets then
      check(KEYS[key + form.unique_key], 'string')
      check(KEYS[key + form.unique_key + 1], 'hash')
    end
    if form.parent then
      if not form.is.g then
        check(KEYS[key], 'hash')
      end
      for i, kind in ipairs({ 'hash', 'set', 'hash', 'list', 'list', 'hash', 'list', 'stream', 'zset', 'zset', 'zset', 'zset',
        'string' }) do
        check(KEYS[key + form.parent_key + i - 1], kind)
      end
    end
  end)
  return wrong
end

local wrong = wrong_type()
if wrong then
  return wrong
end
-- Nor can these be, for a job of one's own or a parent that has a priority.
local function wrong_counter(key)
  local highest = call('GET', key)
  return highest and not (string.find(highest, '^%d+$') and #highest < 16)
end
local wrong_number = kinds.p and wrong_counter(priorities)
if kinds.c then
  each(function(form, key)
    wrong_number = wrong_number or (form.parent and wrong_counter(KEYS[key + form.parent_key + OF_PARENT - 1]))
  end)
end
if wrong_number then
  return redis.error_reply('ERR the counter pc of the queue is not a number')
end
local full = full_stream()
if full then
  return full
end

-- A user who lacks one of these commands would otherwise leave something half done. Each with arguments that are taken back
-- after it was looked at who asks, or that do nothing: for servers that cannot be asked, once the counter is a string.
local needed = { { 'HSET', counter, '', '' }, { 'XADD', events, '?', '', '' }, { 'ZADD', counter, '0', '' },
  { 'XTRIM', events, 'MAXLEN', '?' }, { 'LPUSH', counter, '' }, { 'EXISTS', counter } }
local function need(...)
  needed[#needed + 1] = { ... }
end
if kinds.l or kinds.c then
  need('RPUSH', counter, '')
end
if kinds.d or kinds.u or kinds.c then
  need('ZREVRANGEBYSCORE', delayed, '0', '0')
  need('ZRANGE', delayed, '0', '0')
end
if kinds.r or kinds.u or kinds.c then
  need('ZREM', counter, '')
  need('GET', counter)
end
if kinds.u then
  need('SET', counter, '', 'EX')
  need('PERSIST', events)
  need('PTTL', events)
  need('ZSCORE', delayed, '')
end
if kinds.c then
  need('SADD', counter, '')
  need('SCARD', counter)
  need('HGET', meta, '')
  need('ZSCORE', delayed, '')
end

local may = redis.acl_check_cmd
if kinds.r or kinds.u then
  -- Of a key that is not there: tried before there is anything to take back, which takes it.
  local nothing = counter
  repeat
    nothing = nothing .. ':'
  until call('EXISTS', nothing) == 0
  -- What Redis 6 says before it looks at the arguments, such as OOM, it says only until a command ran that may write.
  for _, command in ipairs(may and {} or { { 'XADD', events, '?', '', '' }, { 'DEL', nothing } }) do
    local reply = try(unpack(command))
    local why = is_error(reply) and reply.err or ''
    if string.find(why, "can't run this command", 1, true) or string.find(why, '^@user_script: %d+: %-') then
      return refused(reply, command[1])
    end
  end
  need('DEL', nothing)
end
-- The key of a job that has no id yet is not declared: the user may lack it. No job is called so.
local unnamed = base .. '0'
local lacking = kinds.g and try('EXISTS', unnamed)
if is_error(lacking) then
  return refused(lacking, 'EXISTS')
end
if may then
  if kinds.g then
    need('HSET', unnamed, '', '')
  end
  for _, command in ipairs({ { 'INCRBY', counter, '1' }, unpack(needed) }) do
    if not may(unpack(command)) then
      return redis.error_reply('NOPERM this user may not run ' .. command[1])
    end
  end
end

local number = try('INCRBY', counter, tostring(count))
if is_error(number) then
  return refused(number, 'INCRBY')
end
if not may then
  for _, command in ipairs(needed) do
    local reply = try(unpack(command))
    if is_error(reply) and string.find(reply.err, "can't run this command", 1, true) then
      call('INCRBY', counter, '-' .. count)
      if number == count then
        try('DEL', counter)
      end
      return refused(reply, command[1])
    end
  end
end
