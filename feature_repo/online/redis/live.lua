-- Apply one event to the live state, once, in any order of events.
--
-- KEYS[1]  prefix of the project's live keys
-- ARGV[1]  the event, MessagePack, as live/commands.py encodes it
-- Returns  1 applied · 0 duplicate · -1 pruned since the lookup: look up again and retry
--
-- Order does not matter, because the state is a function of the set of events: the contribution
-- of an event is derived from the current state and stored with the event.  When an earlier ranking
-- of its request arrives later, the contributions are removed and derived again.
--
-- Keys after the prefix; `keys` has the oldest part in each, for pruning:
--   pruned               newest part that the stored rows include
--   applied              sorted set: event id, by part
--   keys                 sorted set: key, by its oldest part
--   tile:<view>:<key>    tile, see counter_tiles.py
--   first:<user>         part -> the first event in it that names the user
--                        {event_time, seen_at, id, part}
--   recent:<verb>:<user> sorted set by seen_at of: event id NUL position, counted from the end,
--                        NUL part NUL payload
--   item:<item>, user:<user>, newest:<view>:<entity>
--                        field -> its newest patch {event_time, seen_at, id, part, value}
--   request:<request>    the earliest ranking of a request {seen_at, id, part, user, query, ...}
--   shown:<request>      hash: item -> its one impression {seen_at, id, part, done}
--   act:<event>          an interaction of a request {seen_at, id, part, bucket, ..., done}
--   acts:<request>       sorted set: its interactions, by part
--   corrected:<event>    the first correction of an interaction {seen_at, id, part}
--   erased:<user>        tombstone of a user {seen_at, id, part}
--   item_changes         number of changes of items
--   changed_items        sorted set: item, by the number of its last change

local prefix, event = KEYS[1], cmsgpack.unpack(ARGV[1])

-- Items whose last change is listed; a process that missed more reads the log.
local MOST_CHANGED_ITEMS = 100000

-- Pending writes, each key once: oldest part, tile changes and list entries by key.
local touched, tiles, entries = {}, {}, {}

local function touch(name, part)
  touched[name] = math.min(touched[name] or part, part)
end

local function load(name)
  local packed = redis.call("GET", prefix .. name)
  return packed and cmsgpack.unpack(packed)
end

local function save(name, value)
  redis.call("SET", prefix .. name, cmsgpack.pack(value))
  touch(name, value.part)
end

-- Return whether `a` comes before `b` by (seen_at, id); Lua's own `<` on text follows the locale.
local function before(a, b)
  if a.seen_at ~= b.seen_at then return a.seen_at < b.seen_at end
  for n = 1, math.min(#a.id, #b.id) do
    local x, y = a.id:byte(n), b.id:byte(n)
    if x ~= y then return x < y end
  end
  return #a.id < #b.id
end

-- Return the sizes of a tile's header and record, and the format of a record; see counter_tiles.py.
local function layout(measures)
  return 8 + 8 * measures, 12 + 8 * measures, "<i4i4i4" .. string.rep("i8", measures)
end

local function blank(measures)
  return string.char(2, measures, 0, 0, 0, 0, 0, 128) .. string.rep("\0", 8 * measures)
end

local function is_tile(tile, measures)
  local header, record = layout(measures)
  return tile and #tile >= header and tile:byte(1) == 2 and tile:byte(2) == measures
    and (#tile - header) % record == 0
end

local function change_tile(tile, c)
  local measures = #c.deltas
  local header, record, fields = layout(measures)
  local at, values = header + 1, { c.part, c.bucket, 0 }
  for n = 1, measures do values[3 + n] = 0 end
  while at <= #tile do
    local part, bucket = struct.unpack("<i4i4", tile, at)
    if part == c.part and bucket == c.bucket then
      values = { struct.unpack(fields, tile, at) }
      values[#values] = nil
      break
    end
    at = at + record
  end
  values[3] = values[3] + c.events
  for n = 1, measures do values[3 + n] = values[3 + n] + c.deltas[n] end
  local changed = values[3] == 0 and "" or struct.pack(fields, unpack(values))
  return tile:sub(1, at - 1) .. changed .. tile:sub(at + record)
end

local function write_tile(name, changes)
  local tile = redis.call("GET", prefix .. name)
  for _, c in pairs(changes) do
    if not is_tile(tile, #c.deltas) then tile = blank(#c.deltas) end
    tile = change_tile(tile, c)
  end
  redis.call("SET", prefix .. name, tile)
end

local function write_entries(name, changes)
  for _, c in ipairs(changes) do
    if c.sign < 0 then redis.call("ZREM", prefix .. name, c.member)
    else redis.call("ZADD", prefix .. name, c.seen_at, c.member) end
  end
  redis.call("ZREMRANGEBYRANK", prefix .. name, 0, -(changes[1].keep + 1))
end

local function write_all()
  for name, changes in pairs(tiles) do write_tile(name, changes) end
  for name, changes in pairs(entries) do write_entries(name, changes) end
  for name, part in pairs(touched) do redis.call("ZADD", prefix .. "keys", "LT", part, name) end
end

-- Sum the changes of one record of a tile, so that a slate writes each tile once.
local function change(name, c, sign)
  tiles[name] = tiles[name] or {}
  local record = c.part .. ":" .. c.bucket
  local sum = tiles[name][record]
  if not sum then
    sum = { part = c.part, bucket = c.bucket, events = 0, deltas = {} }
    for n = 1, #c.deltas do sum.deltas[n] = 0 end
    tiles[name][record] = sum
  end
  sum.events = sum.events + sign
  for n, delta in ipairs(c.deltas) do sum.deltas[n] = sum.deltas[n] + sign * delta end
end

local function add(contributions, sign)
  for _, c in ipairs(contributions) do
    if c.view then
      local name = "tile:" .. c.view .. ":" .. c.entity
      change(name, c, sign)
      touch(name, c.part)
    else
      local name = "recent:" .. c.verb .. ":" .. c.user
      entries[name] = entries[name] or {}
      table.insert(entries[name], {
        seen_at = c.seen_at, member = c.member, keep = c.keep, sign = sign,
      })
      touch(name, c.part)
    end
  end
end

-- Return an event's deltas for the counts of its entities: `who` maps a kind of entity to its key, and
-- each of `counts` has a view, its kind of entity and a delta for each measure.
local function counted(what, counts, who)
  local contributions = {}
  for _, c in ipairs(counts) do
    if who[c.entity] then
      contributions[#contributions + 1] = {
        view = c.view, entity = who[c.entity], part = what.part, bucket = what.bucket,
        deltas = c.deltas,
      }
    end
  end
  return contributions
end

local function list_entry(what, verb, user, position, payload, keep)
  local from_the_end = string.format("%05d", 99999 - position)
  local part = string.format("%d", what.part)
  local member = table.concat({ what.id, from_the_end, part, payload }, "\0")
  return {
    verb = verb, user = user, part = what.part, seen_at = what.seen_at, member = member, keep = keep,
  }
end

-- Return the earliest ranking of the interaction's request, if it was shown before the interaction.
-- A correction inherits what the event inherits that it corrects.
local function context_of(act)
  local context = act.request and load("request:" .. act.request)
  if not context or (act.context and before(act.context, context)) then context = act.context end
  if context and context.seen_at <= act.stated_at then return context end
end

-- Derive an interaction's contribution from the current state, and replace the earlier one.
local function derive(act)
  act.context = context_of(act)
  local user = act.user or (act.context and act.context.user)
  local contributions = counted(act, act.counts, {
    item = act.item, user = user, query = act.context and act.context.query,
  })
  if user and act.payload then
    contributions[#contributions + 1] = list_entry(act, "clicked", user, 0, act.payload, act.keep)
  end
  add(act.done, -1)
  add(contributions, 1)
  act.done = contributions
  if act.request or act.corrects then save("act:" .. act.id, act) end
end

local function derive_all(name)
  for _, id in ipairs(redis.call("ZRANGE", prefix .. name, 0, -1)) do
    local act = load("act:" .. id)
    if act then derive(act) end
  end
end

-- Store the earliest ranking of a request.  Only this ranking counts as a search, and only if
-- it was applied here, not looked up in the log.
local function store_ranking(request, ranking)
  local stored = load("request:" .. request)
  local now_applied = stored and stored.id == ranking.id and stored.looked_up
  if stored and not now_applied and not before(ranking, stored) then return end
  if stored then add(stored.done, -1) end
  ranking.done = {}
  if not ranking.looked_up then
    local who = { user = ranking.user, query = ranking.query }
    ranking.done = counted(ranking, event.search, who)
  end
  add(ranking.done, 1)
  save("request:" .. request, ranking)
  derive_all("acts:" .. request)
end

local function show(request, ranking, shown, keep)
  local name = "shown:" .. request
  local packed = redis.call("HGET", prefix .. name, shown.item)
  local stored = packed and cmsgpack.unpack(packed)
  if stored and not before(ranking, stored) then return end
  if stored then add(stored.done, -1) end
  local done = counted(ranking, event.impression, {
    item = shown.item, user = ranking.user, query = ranking.query,
  })
  if ranking.user then
    done[#done + 1] =
      list_entry(ranking, "shown", ranking.user, shown.position, shown.payload, keep)
  end
  add(done, 1)
  local impression =
    { seen_at = ranking.seen_at, id = ranking.id, part = ranking.part, done = done }
  redis.call("HSET", prefix .. name, shown.item, cmsgpack.pack(impression))
  touch(name, ranking.part)
end

local function patch_of(value)
  return {
    event_time = event.event_time, seen_at = event.seen_at, id = event.id, part = event.part,
    value = value,
  }
end

-- Return whether patch `a` is older than `b`: by event time, then in the order they were seen.
local function is_older(a, b)
  if a.event_time ~= b.event_time then return a.event_time < b.event_time end
  return before(a, b)
end

local function patch_fields(name, values)
  local patches = load(name) or {}
  for field, value in pairs(values) do
    local patch = patch_of(value)
    if not patches[field] or is_older(patches[field], patch) then patches[field] = patch end
  end
  redis.call("SET", prefix .. name, cmsgpack.pack(patches))
  touch(name, event.part)
end

-- Number the change, so that every process can read what changed since it last read.
local function list_change(item)
  local number = redis.call("INCR", prefix .. "item_changes")
  redis.call("ZADD", prefix .. "changed_items", number, item)
  redis.call("ZREMRANGEBYRANK", prefix .. "changed_items", 0, -(MOST_CHANGED_ITEMS + 1))
end

-- Per part, because pruning removes state part by part.
local function store_first_event(user)
  local name, part = "first:" .. user, string.format("%d", event.part)
  local firsts = load(name) or {}
  local first = patch_of("null")
  if firsts[part] and not before(first, firsts[part]) then return end
  firsts[part] = first
  redis.call("SET", prefix .. name, cmsgpack.pack(firsts))
  touch(name, event.part)
end

local apply = {}

function apply.ranking()
  local ranking = {
    seen_at = event.seen_at, id = event.id, part = event.part, bucket = event.bucket,
    user = event.user, query = event.query,
  }
  for _, shown in ipairs(event.shown) do show(event.request, ranking, shown, event.keep) end
  store_ranking(event.request, ranking)
end

-- Return whether an act is the first correction of an event; a later one that was applied before it
-- is taken back.
local function is_first_correction(act)
  local name = "corrected:" .. act.corrects
  local stored = load(name)
  if stored and before(stored, act) then return false end
  local later = stored and load("act:" .. stored.id)
  if later then
    add(later.done, -1)
    redis.call("DEL", prefix .. "act:" .. stored.id)
  end
  save(name, { seen_at = act.seen_at, id = act.id, part = act.part })
  return true
end

function apply.interaction()
  local act = {
    seen_at = event.seen_at, id = event.id, part = event.part, bucket = event.bucket,
    item = event.item, user = event.user, request = event.request, counts = event.counts,
    payload = event.payload, keep = event.keep, done = {}, corrects = event.corrects,
    stated_at = event.stated_at or event.seen_at,
  }
  if act.corrects and not is_first_correction(act) then return end
  derive(act)
  if act.request then
    redis.call("ZADD", prefix .. "acts:" .. act.request, act.part, act.id)
    touch("acts:" .. act.request, act.part)
  end
end

-- A later event of an old request may still write keys of the user; the tombstone hides them.
function apply.erase()
  for _, name in ipairs(event.names) do redis.call("DEL", prefix .. name) end
  local erased = { seen_at = event.seen_at, id = event.id, part = event.part }
  save("erased:" .. event.user, erased)
end

function apply.nothing() end

local pruned = tonumber(redis.call("GET", prefix .. "pruned") or -1)
if pruned ~= event.pruned then return -1 end
if event.part <= pruned then return 0 end
if redis.call("ZADD", prefix .. "applied", "NX", event.part, event.id) == 0 then return 0 end
if event.context then
  event.context.looked_up = true
  event.context.part = event.part
  store_ranking(event.request, event.context)
end
if event.heard_of then store_first_event(event.heard_of) end
for _, change in ipairs(event.patches or {}) do
  patch_fields(change.name, change.patch)
  local item = change.name:match("^item:(.*)$")
  if item then list_change(item) end
end
apply[event.kind]()
write_all()
return 1
