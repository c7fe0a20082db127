-- Find the users to whom an event belongs, and from when on.  live.lua continues this text.
--
-- An event without a user belongs to the owner of its session; without an owner, to the next one from
-- the link on.  From a merge on, what belongs to the merged user also belongs to the other one.
--
-- record, context  an event and its ranking: seen_at, id, user, session, links, merges; of a correction
--                  also the event that it corrects, `stated` {seen_at, id}
-- links            event id -> link or unlink {seen_at, id, part, user}
-- merges           event id -> merge {seen_at, id, part, user, into}

-- Return whether `a` comes before `b` by (seen_at, id); Lua's own `<` on text follows the locale.
local function before(a, b)
  if a.seen_at ~= b.seen_at then return a.seen_at < b.seen_at end
  for n = 1, math.min(#a.id, #b.id) do
    local x, y = a.id:byte(n), b.id:byte(n)
    if x ~= y then return x < y end
  end
  return #a.id < #b.id
end

local function sorted(changes, others)
  local all, distinct = {}, {}
  for id, c in pairs(changes or {}) do distinct[id] = c end
  for id, c in pairs(others or {}) do distinct[id] = c end
  for _, c in pairs(distinct) do all[#all + 1] = c end
  table.sort(all, before)
  return all
end

-- Return user -> the merge of the user into another; one that would close a circle does not count.
local function merges_of(record, context)
  local into = {}
  for _, merge in ipairs(sorted(record.merges, context.merges)) do
    local user = merge.into
    while user and user ~= merge.user do user = into[user] and into[user].into end
    if not user and not into[merge.user] then into[merge.user] = merge end
  end
  return into
end

-- Return the link by which an event of a session belongs to a user: the last one before the event,
-- unless an unlink ended it, else the first one after.  A correction belongs to whom the event belongs
-- that it corrects.
local function link_of(record, context)
  local owner
  local stated = record.stated or record
  for _, link in ipairs(sorted(record.links, not record.session and context.links)) do
    if not before(stated, link) then owner = link.user and link
    elseif not owner and link.user then return link end
  end
  return owner
end

-- Return the users to whom an event belongs, each with the part from which on.
local function users_of(record, context)
  local users, part, seen_at = {}, record.part, record.seen_at
  local user = record.user or context.user
  local is_named = user ~= nil
  if not user then
    local link = link_of(record, context)
    user = link and link.user
    if link and link.seen_at > seen_at then part, seen_at = link.part, link.seen_at end
  end
  local merges = user and merges_of(record, context)
  while user do
    users[#users + 1] = { id = user, part = part, since = seen_at, is_named = is_named }
    local merge = merges[user]
    if merge and merge.seen_at > seen_at then part, seen_at = merge.part, merge.seen_at end
    user, is_named = merge and merge.into, false
  end
  return users
end
