-- Apply one event to the live state, once, in any order of events.
--
-- KEYS[1]  prefix of the project's live keys
-- ARGV[1]  the event, MessagePack, as live/commands.py encodes it; checksum.lua,
--          live_tiles.lua and live_users.lua come before this text
-- Returns  1 applied · 0 duplicate · 2 a part is done: call again
--          -1 pruned since the lookup: look up again and retry
--
-- No call takes long, because Redis answers nobody meanwhile.  A slate comes in pieces, which change
-- nothing if they are repeated; its own call comes last and makes it an applied event.
--
-- Order does not matter, because the state is a function of the set of events.  Each event has a
-- record of what any call said of it: its links, merges and ranking.  Its contributions are derived
-- from the record, stored with it, and derived again when a call says more.  An event counts for an
-- item, a query or its session once it is applied; for a user also when a later link or merge looks
-- it up in the log.
--
-- Every value has a checksum (checksum.lua).  One that changed stays as it is, and so is read as missing,
-- until a refresh with news builds the live state again.
--
-- Keys after the prefix; `keys` has the oldest part in each, for pruning; <who> is user:<user> or
-- session:<session>:
--   pruned               newest part that the stored rows include
--   applied              sorted set: event id, by part
--   keys                 sorted set: key, by its oldest part
--   tile:<view>:<key>    tile, see counter_tiles.py
--   first:<who>          part -> the first event in it that names who {seen_at, id, part}, and
--                        e<event> -> an event that belongs to them by a link or merge
--   recent:<verb>:<who>  sorted set by seen_at of: the instant from which on it belongs to them
--                        NUL event id NUL position, counted from the end,
--                        NUL part NUL payload NUL checksum
--   owner:<session>      the newest link or unlink {seen_at, id, part, user, is_shared,
--                        first_linked_at}
--   item:<item>, user:<user>, newest:<view>:<entity>
--                        field -> its newest patch {event_time, seen_at, id, part, value}
--   request:<request>    record of the earliest ranking of a request
--   shown:<request>      hash: item -> record of its one impression
--   act:<event>          record of an interaction, or of a ranking as the first event of a user
--   acts:<request>       sorted set: its interactions, by the last part of their contributions
--   unfinished:<request> how many of its interactions were derived again, of a call that did a part
--   corrected:<event>    the first correction of an interaction {seen_at, id, part}
--   erased:<who>         tombstone of a user, or of a user's session {seen_at, id, part}
--   item_changes         number of changes of items
--   changed_items        sorted set: item, by the number of its last change

local prefix, event = KEYS[1], cmsgpack.unpack(ARGV[1])

-- Items whose last change is listed; a process that missed more reads the log.
local MOST_CHANGED_ITEMS = 100000

local ACTS = 20  -- interactions of a request that one call derives again

local FIRSTS = 20  -- stored events of a `first` key that belong to a user by a link or merge

local pruned = tonumber(redis.call("GET", prefix .. "pruned") or -1)
if pruned ~= event.pruned then return -1 end
if event.part <= pruned then return 0 end

-- Pending writes, each key once: oldest part, tile changes, list entries and first events by key.
local touched, tiles, entries, firsts = {}, {}, {}, {}

local function touch(name, part)
  touched[name] = math.min(touched[name] or part, part)
end

-- Return a value, and whether there is one that changed, which nothing replaces.
local function load_any(name)
  local text = redis.call("GET", prefix .. name)
  local value = text and unpacked(text)
  return value or nil, text and not value
end

-- Return a value from which contributions derive; those of one that changed cannot be taken back.
local function load(name)
  local value, is_changed = load_any(name)
  if is_changed then error(name .. " changed; the next refresh with news builds the live state again") end
  return value
end

local function save(name, value)
  redis.call("SET", prefix .. name, packed(value))
  touch(name, value.part)
end

-- A damaged tile stays as it is, and so is read as missing, until the stored rows replace it.
local function write_tile(name, changes)
  local tile = redis.call("GET", prefix .. name)
  local _, first = next(changes)
  local measures = #first.deltas
  if tile and not is_tile(tile, measures) then return end
  tile = tile or blank(measures)
  for _, c in pairs(changes) do tile = change_tile(tile, c) end
  redis.call("SET", prefix .. name, with_checksum(tile))
end

local function write_entries(name, changes)
  for _, c in ipairs(changes) do
    if c.sign < 0 then redis.call("ZREM", prefix .. name, c.member)
    else redis.call("ZADD", prefix .. name, c.seen_at, c.member) end
  end
  redis.call("ZREMRANGEBYRANK", prefix .. name, 0, -(changes[1].keep + 1))
end

-- Store the earliest events only: a user was first seen at the first that remains.
local function write_firsts(name, changes)
  local stored, is_changed = load_any(name)
  if is_changed then return end
  local latest
  stored = stored or {}
  for key, first in pairs(changes) do stored[key] = first or nil end
  repeat
    local count = 0
    latest = nil
    for key, first in pairs(stored) do
      if key:sub(1, 1) == "e" then
        count = count + 1
        if not latest or before(stored[latest], first) then latest = key end
      end
    end
    if count > FIRSTS then stored[latest] = nil end
  until count <= FIRSTS
  if next(stored) then redis.call("SET", prefix .. name, packed(stored))
  else redis.call("DEL", prefix .. name) end
end

local function write_all()
  for name, changes in pairs(tiles) do write_tile(name, changes) end
  for name, changes in pairs(entries) do write_entries(name, changes) end
  for name, changes in pairs(firsts) do write_firsts(name, changes) end
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

-- Of equal instants, what was linked later comes first, as in the stored rows.
local function change_list(record, done, who, since, part, sign)
  local from_the_end = string.format("%05d", 99999 - record.position)
  local seen_from = string.format("%017d", since)
  local entry = { seen_from, record.id, from_the_end, string.format("%d", part), done.payload }
  local name = "recent:" .. record.verb .. ":" .. who
  entries[name] = entries[name] or {}
  table.insert(entries[name], {
    seen_at = record.seen_at, keep = record.keep, sign = sign,
    member = entry_with_checksum(table.concat(entry, "\0"), record.seen_at),
  })
  touch(name, part)
end

local function change_first(record, user, part, sign)
  local name = "first:user:" .. user
  firsts[name] = firsts[name] or {}
  firsts[name]["e" .. record.id] = sign > 0
    and { seen_at = record.seen_at, id = record.id, part = part }
  touch(name, part)
end

-- Add or remove what `done` says of a record: whose counts and lists have it, from which parts on.
local function add(record, done, sign)
  local function count(c, who, part)
    if not who or part <= pruned then return end
    local name = "tile:" .. c.view .. ":" .. who
    change(name, { part = part, bucket = record.bucket, deltas = c.deltas }, sign)
    touch(name, part)
  end
  for _, c in ipairs(record.counts or {}) do
    if c.entity ~= "user" then count(c, done[c.entity], record.part) end
    for _, user in ipairs(c.entity == "user" and done.users or {}) do
      if user.is_named or not c.is_named then count(c, user.id, user.part) end
    end
  end
  if done.payload and done.session and record.part > pruned then
    change_list(record, done, "session:" .. done.session, record.seen_at, record.part, sign)
  end
  for _, user in ipairs(done.users) do
    if user.part > pruned then
      if done.payload then
        change_list(record, done, "user:" .. user.id, user.since, user.part, sign)
      end
      if record.is_event and not user.is_named then
        change_first(record, user.id, user.part, sign)
      end
    end
  end
end

-- Return the earliest ranking of the interaction's request, if it was shown before the interaction.
-- A correction inherits what the event inherits that it corrects.
local function context_of(act)
  local context = act.request and load("request:" .. act.request)
  if not context or (act.context and before(act.context, context)) then context = act.context end
  if context and context.seen_at <= (act.stated or act).seen_at then
    return {
      id = context.id, seen_at = context.seen_at, user = context.user, session = context.session,
      query = context.query, links = context.links, merges = context.merges,
    }
  end
end

-- Derive a record's contributions from what is said of it, and replace the earlier ones.
local function derive(record)
  local context = record.context or {}
  local done = { users = users_of(record, context), payload = record.payload }
  if record.own then
    done.item, done.session = record.item, record.session or context.session
    done.arm = record.arm
    done.query = record.query or context.query
  end
  if record.done then add(record, record.done, -1) end
  add(record, done, 1)
  record.done = done
  record.last_part = math.max(record.last_part or 0, record.part, event.part)
  for _, user in ipairs(done.users) do record.last_part = math.max(record.last_part, user.part) end
end

-- Return a record with what a call adds to it, and whether that is anything.  The item's values are
-- those of the event's own call: a later lookup may miss them.
local function revised(stored, fresh)
  if not stored then return fresh, true end
  local is_new = fresh.own and not stored.own
  if fresh.payload and (is_new or not stored.payload) then
    stored.payload, is_new = fresh.payload, true
  end
  if fresh.counts and not stored.counts then
    stored.counts, stored.bucket, stored.part = fresh.counts, fresh.bucket, fresh.part
    stored.done, is_new = nil, true
  end
  stored.own = stored.own or fresh.own
  for _, field in ipairs({ "links", "merges" }) do
    for id, c in pairs(fresh[field] or {}) do
      stored[field] = stored[field] or {}
      if not stored[field][id] then stored[field][id], is_new = c, true end
    end
  end
  return stored, is_new
end

local function save_record(name, record)
  redis.call("SET", prefix .. name, packed(record))
  touch(name, record.last_part)
end

-- Derive the interactions of a request again from number `done` on, counted from the newest: pruning
-- removes the oldest and moves none of the others.
local acts_left, is_unfinished = ACTS, false

local function derive_acts(request, done)
  local left, ids = "unfinished:" .. request, {}
  if acts_left > 0 then
    ids = redis.call("ZREVRANGE", prefix .. "acts:" .. request, done, done + acts_left - 1)
  end
  for _, id in ipairs(ids) do
    local act = load("act:" .. id)
    if act then
      act.context = context_of(act)
      derive(act)
      save_record("act:" .. id, act)
    end
  end
  acts_left = acts_left - #ids
  if acts_left == 0 then
    is_unfinished = true
    save(left, { part = event.part, done = done + #ids })
  else redis.call("DEL", prefix .. left) end
end

local function continue_acts(request)
  local left = load("unfinished:" .. request)
  if left then derive_acts(request, left.done) end
end

-- Return what a call says of an event, as a record with further fields.
local function record_of(e, fields)
  for _, name in ipairs({
    "seen_at", "id", "part", "bucket", "own", "user", "session", "links", "merges", "keep",
  }) do
    fields[name] = e[name]
  end
  return fields
end

-- Return the record in place of which a new one comes: the same event's, or that of a later event,
-- whose contributions are removed.  The second result is true if the place has an earlier event's.
local function place_of(stored, fresh)
  if not stored or stored.id == fresh.id then return stored, false end
  if not before(fresh, stored) then return nil, true end
  add(stored, stored.done, -1)
  return nil, false
end

-- Store the earliest ranking of a request; only this one counts as a search.
local function store_ranking(request, fresh)
  local stored, is_later = place_of(load("request:" .. request), fresh)
  if is_later then return end
  local ranking, is_new = revised(stored, fresh)
  if not is_new then return continue_acts(request) end
  derive(ranking)
  save_record("request:" .. request, ranking)
  derive_acts(request, 0)
end

local function show(e, shown)
  local name = "shown:" .. e.request
  local text = redis.call("HGET", prefix .. name, shown.item)
  local before_this = text and unpacked(text)
  if text and not before_this then error(name .. " changed") end
  local fresh = record_of(e, {
    verb = "shown", item = shown.item, query = e.query, position = shown.position,
    payload = shown.payload, counts = e.impression,
  })
  local stored, is_later = place_of(before_this or nil, fresh)
  if is_later then return end
  local impression, is_new = revised(stored, fresh)
  if not is_new then return end
  derive(impression)
  redis.call("HSET", prefix .. name, shown.item, packed(impression))
  touch(name, impression.last_part)
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
  local patches, is_changed = load_any(name)
  if is_changed then return end
  patches = patches or {}
  for field, value in pairs(values) do
    local patch = patch_of(value)
    if not patches[field] or is_older(patches[field], patch) then patches[field] = patch end
  end
  redis.call("SET", prefix .. name, packed(patches))
  touch(name, event.part)
end

-- Number the change, so that every process can read what changed since it last read.
local function list_change(item)
  local number = redis.call("INCR", prefix .. "item_changes")
  redis.call("ZADD", prefix .. "changed_items", number, item)
  redis.call("ZREMRANGEBYRANK", prefix .. "changed_items", 0, -(MOST_CHANGED_ITEMS + 1))
end

-- Per part, because pruning removes state part by part.
local function store_first_event(who)
  local name, part = "first:" .. who, string.format("%d", event.part)
  local first = { seen_at = event.seen_at, id = event.id, part = event.part }
  local stored = load_any(name)
  if stored and stored[part] and not before(first, stored[part]) then return end
  firsts[name] = firsts[name] or {}
  firsts[name][part] = first
  touch(name, event.part)
end

local function store_owner(owner)
  local name = "owner:" .. owner.session
  local stored, is_changed = load_any(name)
  if is_changed then return end
  local is_later = not stored or before(stored, owner)
    or (stored.id == owner.id and owner.is_shared and not stored.is_shared)
    or (stored.id == owner.id and owner.first_linked_at < stored.first_linked_at)
  if is_later then save(name, owner) end
end

local apply = {}

function apply.shown(e)
  for _, shown in ipairs(e.shown) do show(e, shown) end
end

function apply.ranking(e)
  if e.context then store_ranking(e.request, e.context) end
  apply.shown(e)
  store_ranking(e.request, record_of(e, { query = e.query, counts = e.search }))
  if (e.session and not e.user) or next(e.merges or {}) then
    local first, is_new = revised(load("act:" .. e.id), record_of(e, { is_event = true }))
    if is_new then
      derive(first)
      save_record("act:" .. e.id, first)
    end
  end
end

-- Return whether an event is the first correction of another; a later one that was applied before it
-- is taken back.
local function is_first_correction(e)
  local name = "corrected:" .. e.stated.id
  local stored = load(name)
  if stored and stored.id == e.id then return true end
  if stored and before(stored, e) then return false end
  local later = stored and load("act:" .. stored.id)
  if later then
    add(later, later.done, -1)
    redis.call("DEL", prefix .. "act:" .. stored.id)
  end
  save(name, { seen_at = e.seen_at, id = e.id, part = e.part })
  return true
end

function apply.interaction(e)
  if e.stated and not is_first_correction(e) then return end
  if e.context then store_ranking(e.request, e.context) end
  local act = revised(load("act:" .. e.id), record_of(e, {
    verb = "clicked", item = e.item, position = 0, payload = e.payload, counts = e.counts,
    request = e.request, stated = e.stated, is_event = not e.stated, arm = e.arm,
  }))
  act.context = context_of(act)
  derive(act)
  save_record("act:" .. e.id, act)
  if e.request then
    redis.call("ZADD", prefix .. "acts:" .. e.request, "GT", act.last_part, e.id)
    touch("acts:" .. e.request, act.last_part)
  end
end

-- Earlier events of a session or user, of which a link or merge says more.
function apply.history(e)
  for _, earlier in ipairs(e.events) do apply[earlier.kind](earlier) end
end

-- A later event of an old request may still write keys of the user; the tombstone hides them.
function apply.erase(e)
  for _, name in ipairs(e.names) do redis.call("DEL", prefix .. name) end
  for _, who in ipairs(e.erased) do
    save("erased:" .. who, { seen_at = e.seen_at, id = e.id, part = e.part })
  end
end

function apply.nothing() end

local applied = prefix .. "applied"
if event.kind == "shown" then
  if redis.call("ZSCORE", applied, event.id) then return 0 end
elseif not event.is_piece and redis.call("ZADD", applied, "NX", event.part, event.id) == 0 then
  if event.request then continue_acts(event.request) end
  write_all()
  return is_unfinished and 2 or 0
end
for _, who in ipairs(event.named or {}) do store_first_event(who) end
for _, change in ipairs(event.patches or {}) do
  patch_fields(change.name, change.patch)
  local item = change.name:match("^item:(.*)$")
  if item then list_change(item) end
end
if event.owner then store_owner(event.owner) end
apply[event.kind](event)
write_all()
return is_unfinished and 2 or 1
