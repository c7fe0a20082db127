-- Remove the events from the live state that the stored rows include, some values per call.  This text
-- continues checksum.lua.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- ARGV[1]  newest part that the stored rows include
-- ARGV[2]  number of values to look at: keys, and members of large ones
-- Returns  number of values looked at; 0 when none is left
--
-- `pruning` has the cursor of each hash that a call did not scan to its end.

local prefix, part, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local work = 0

local SEALED = -2147483648

local function older(a, b)
  return a and math.min(a, b) or b
end

local function whole(text, key)
  return unpacked(text) or error(key .. " changed")
end

-- Each cleaner returns the oldest live part that remains in the key, or an earlier one; nil if none
-- remains.  The second result is true if the key needs another call.
local function clean_tile(key)
  local tile = redis.call("GET", key) or ""
  if tile ~= "" and not is_whole(tile) then return end
  local measures = tile:byte(2) or 0
  local header, record = 8 + 8 * measures, 12 + 8 * measures
  local records, oldest = { tile:sub(1, header) }, nil
  for at = header + 1, #tile - record + 1, record do
    local of = struct.unpack("<i4", tile, at)
    if of > part or of == SEALED then records[#records + 1] = tile:sub(at, at + record - 1) end
    if of > part then oldest = older(oldest, of) end
  end
  local sealed = #tile >= header and #tile > 8 and struct.unpack("<i4", tile, 5) > SEALED
  if oldest or sealed then redis.call("SET", key, with_checksum(table.concat(records))) else redis.call("DEL", key) end
  return oldest
end

local function clean_recent(key)
  local oldest
  local entries = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
  for n = 1, #entries, 2 do
    local member = entries[n]
    if not is_whole_entry(member, entries[n + 1]) then error(key .. " changed") end
    local of = tonumber(member:match("^.*%z%d+%z(%d+)%z") or -1)
    if of > part then oldest = older(oldest, of) else redis.call("ZREM", key, member) end
  end
  return oldest
end

local function clean_patches(key)
  local oldest
  local text = redis.call("GET", key)
  local patches = text and whole(text, key) or {}
  for field, patch in pairs(patches) do
    if patch.part > part then oldest = older(oldest, patch.part) else patches[field] = nil end
  end
  if oldest then redis.call("SET", key, packed(patches)) else redis.call("DEL", key) end
  return oldest
end

local function last_part_of(text, key)
  local value = whole(text, key)
  return value.last_part or value.part
end

local function clean_hash(key)
  local cursor = redis.call("HGET", prefix .. "pruning", key) or "0"
  local scanned = redis.call("HSCAN", key, cursor, "COUNT", most)
  cursor = scanned[1]
  for n = 1, #scanned[2], 2 do
    work = work + 1
    if last_part_of(scanned[2][n + 1], key) <= part then redis.call("HDEL", key, scanned[2][n]) end
  end
  if cursor ~= "0" then
    redis.call("HSET", prefix .. "pruning", key, cursor)
    return nil, true
  end
  redis.call("HDEL", prefix .. "pruning", key)
  if redis.call("EXISTS", key) == 1 then return part + 1 end
end

local function clean_value(key)
  local text = redis.call("GET", key)
  local of = text and last_part_of(text, key)
  if of and of > part then return of end
  redis.call("DEL", key)
end

local function clean_set(key)
  local old = redis.call("ZRANGEBYSCORE", key, "-inf", part, "LIMIT", 0, most)
  work = work + #old
  if #old > 0 then redis.call("ZREM", key, unpack(old)) end
  return tonumber(redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2]), #old == most
end

local cleaners = {
  tile = clean_tile, recent = clean_recent, item = clean_patches, user = clean_patches,
  newest = clean_patches, first = clean_patches, shown = clean_hash, request = clean_value, act = clean_value,
  acts = clean_set, corrected = clean_value, erased = clean_value, owner = clean_value,
  unfinished = clean_value,
}

local pruned = tonumber(redis.call("GET", prefix .. "pruned") or -1)
if part > pruned then redis.call("SET", prefix .. "pruned", part) end

local ids = redis.call("ZRANGEBYSCORE", prefix .. "applied", "-inf", part, "LIMIT", 0, most)
if #ids > 0 then redis.call("ZREM", prefix .. "applied", unpack(ids)) end

local names = redis.call("ZRANGEBYSCORE", prefix .. "keys", "-inf", part, "LIMIT", 0, most)
for _, name in ipairs(names) do
  if work >= most then break end
  work = work + 1
  local oldest, again = cleaners[name:match("^%l+")](prefix .. name)
  if again then break end
  if oldest then
    redis.call("ZADD", prefix .. "keys", oldest, name)
  else
    redis.call("ZREM", prefix .. "keys", name)
  end
end
return work + #ids
