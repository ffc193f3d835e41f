-- Says which commands the user who asks may run inside a script, and on these keys. It changes nothing.
--
-- KEYS  those that the commands in ARGV name, of any type
-- ARGV  for each command: how many of these there are, in decimal digits; its name; the number of its key in KEYS, from 1,
--       or 0 where it has none; and what comes behind that. Redis 6, which cannot be asked, has each tried: so it must be one
--       that reads, that has nothing to remove, or that is refused for its arguments. One that is none of these has "?" before
--       its name, and is not tried.
--
-- Reply: for each command 1 when it may be run, 0 when it may not, -1 when that cannot be known.

local may, try = redis.acl_check_cmd, redis.pcall
local reply, at = {}, 1
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  local name = string.gsub(ARGV[at + 1], '^%?', '')
  local command = { name, KEYS[tonumber(ARGV[at + 2])] }
  for i = 3, words do
    command[#command + 1] = ARGV[at + i]
  end
  local allowed
  if may then
    -- A command that the server does not know is one that nobody may run.
    local known, answer = pcall(may, unpack(command))
    allowed = known and answer and 1 or 0
  elseif name ~= ARGV[at + 1] then
    allowed = -1
  else
    local refusal = try(unpack(command))
    local why = type(refusal) == 'table' and refusal.err or ''
    local denied = string.find(why, "can't run this command", 1, true) or string.find(why, "can't access", 1, true)
      or string.find(why, 'Unknown Redis command', 1, true)
    allowed = denied and 0 or 1
  end
  reply[#reply + 1] = allowed
  at = at + words + 1
end
return reply
