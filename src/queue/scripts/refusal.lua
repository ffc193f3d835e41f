-- How a script says that it was refused something, where nothing is changed yet.

local function refused(reply, command)
  if string.find(reply.err, "can't run this command", 1, true) then
    return redis.error_reply('NOPERM this user may not run ' .. command)
  end
  -- Redis 6 puts the place in the script before the code.
  return redis.error_reply((string.gsub(reply.err, '^@user_script: %d+: %-', '')))
end
