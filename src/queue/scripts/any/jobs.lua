-- The jobs of a batch as the arguments have them. A table for each would cost more than to add it, so that only those that meet
-- something have one.

local base = sub(wait, 1, id_at - 1)
local SUFFIXES, OF_PARENT = 6, 13

-- What may be in the batch: the letters of all its forms, and `more` where some job has more than one key.
local kinds = {}
local forms = {}
-- Where the jobs begin, once the forms are read.
local first_value = 6

do
  -- The letters of each word: of those there are few, even where jobs have forms of their own.
  local words = {}
  local function letters_of(word)
    local letters = words[word]
    if not letters then
      letters = {}
      for letter in string.gmatch(word, '.') do
        letters[letter] = true
      end
      words[word] = letters
    end
    return letters
  end
  for _ = 1, tonumber(ARGV[5]) do
    local at = first_value
    local is, has = letters_of(ARGV[at]), letters_of(ARGV[at + 7])
    local form = { is = is, front = ARGV[at + 1], back = ARGV[at + 2], delay = ARGV[at + 3], priority = ARGV[at + 4],
      timestamp = ARGV[at + 5], ttl = ARGV[at + 6], has = has, keys = 1, values = 1, name = name }
    first_value = at + 8
    if is.n then
      form.name, first_value = ARGV[first_value], first_value + 1
    end
    if is.g then
      form.keys = 0
    end
    for letter in pairs(is) do
      kinds[letter] = true
    end
    if is.r or is.R then
      form.suffixes, form.keys = 1, 1 + SUFFIXES
    end
    if is.i then
      form.id, form.values = 1, 2
    end
    if is.u then
      form.unique, form.unique_key = form.values, form.keys
      form.values, form.keys = form.values + 1, form.keys + 2
      if is.j then
        form.values = form.values + 1
      end
    end
    if is.c then
      form.parent, form.parent_key = form.values, form.keys
      form.values, form.keys = form.values + 2, form.keys + OF_PARENT
    end
    kinds.more = kinds.more or form.keys ~= 1
    forms[#forms + 1] = form
  end
  kinds.r = kinds.r or kinds.R
end

-- Calls this with the form of each job, and with where its keys and its values are.
local function each(visit)
  local key, at = 14, first_value
  while ARGV[at] do
    local form, jobs = forms[tonumber(ARGV[at])], tonumber(ARGV[at + 1])
    local keys, values = form.keys, form.values
    at = at + 2
    for _ = 1, jobs do
      visit(form, key, at)
      key, at = key + keys, at + values
    end
  end
end

-- The options of a job with this id, which are told of it where it was given one.
local function options_of(form, id, at)
  local told = form.is.g and '' or (form.id and ARGV[at + form.id] or id) .. '"}'
  if form.unique then
    return form.front .. ARGV[at + form.unique + (form.is.j and 1 or 0)] .. form.back .. told
  end
  return form.front .. told
end

-- A job as those need it that look at what is there.
local function job_at(form, id, key, at)
  local job = { form = form, key = form.is.g and base .. id or KEYS[key], id = id, data = ARGV[at],
    options = options_of(form, id, at), timestamp = form.timestamp, delay = form.delay, suffixes = form.suffixes and key + form.suffixes }
  if form.unique then
    key = key + form.unique_key
    job.unique = { form = form, key = KEYS[key], next = KEYS[key + 1], id = ARGV[at + form.unique], ttl = form.ttl,
      has = form.has }
  end
  if form.parent then
    key, at = key + form.parent_key, at + form.parent
    job.parent = { key = KEYS[key], dependencies = KEYS[key + 1], processed = KEYS[key + 2], keys = key + 3, id = ARGV[at],
      json = ARGV[at + 1] }
  end
  return job
end
