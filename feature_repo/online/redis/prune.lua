-- Remove the events from the live state that the stored rows include, some keys per call.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- ARGV[1]  newest part that the stored rows include
-- ARGV[2]  maximum number of keys to clean
-- Returns  number of keys cleaned; 0 when none is left

local prefix, part, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])

local SEALED = -2147483648

local function older(a, b)
  return a and math.min(a, b) or b
end

-- Each cleaner returns the oldest live part that remains in the key; nil if none remains.
local function clean_tile(key)
  local tile = redis.call("GET", key) or ""
  local measures = tile:byte(2) or 0
  local header, record = 8 + 8 * measures, 12 + 8 * measures
  local records, oldest = { tile:sub(1, header) }, nil
  for at = header + 1, #tile - record + 1, record do
    local of = struct.unpack("<i4", tile, at)
    if of > part or of == SEALED then records[#records + 1] = tile:sub(at, at + record - 1) end
    if of > part then oldest = older(oldest, of) end
  end
  local sealed = #tile >= header and #tile > 8 and struct.unpack("<i4", tile, 5) > SEALED
  if oldest or sealed then redis.call("SET", key, table.concat(records)) else redis.call("DEL", key) end
  return oldest
end

local function clean_recent(key)
  local oldest
  for _, member in ipairs(redis.call("ZRANGE", key, 0, -1)) do
    local of = tonumber(member:match("^.*%z%d+%z(%d+)%z") or -1)
    if of > part then oldest = older(oldest, of) else redis.call("ZREM", key, member) end
  end
  return oldest
end

local function clean_patches(key)
  local oldest
  local patches = cmsgpack.unpack(redis.call("GET", key) or "\128")
  for field, patch in pairs(patches) do
    if patch.part > part then oldest = older(oldest, patch.part) else patches[field] = nil end
  end
  if oldest then redis.call("SET", key, cmsgpack.pack(patches)) else redis.call("DEL", key) end
  return oldest
end

local function last_part_of(packed)
  local value = cmsgpack.unpack(packed)
  return value.last_part or value.part
end

local function clean_hash(key)
  local oldest
  local pairs_of = redis.call("HGETALL", key)
  for n = 1, #pairs_of, 2 do
    local of = last_part_of(pairs_of[n + 1])
    if of > part then oldest = older(oldest, of) else redis.call("HDEL", key, pairs_of[n]) end
  end
  return oldest
end

local function clean_value(key)
  local packed = redis.call("GET", key)
  local of = packed and last_part_of(packed)
  if of and of > part then return of end
  redis.call("DEL", key)
end

local function clean_set(key)
  redis.call("ZREMRANGEBYSCORE", key, "-inf", part)
  return tonumber(redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2])
end

local cleaners = {
  tile = clean_tile, recent = clean_recent, item = clean_patches, user = clean_patches,
  newest = clean_patches, first = clean_patches, shown = clean_hash, request = clean_value, act = clean_value,
  acts = clean_set, corrected = clean_value, erased = clean_value, owner = clean_value,
}

local pruned = tonumber(redis.call("GET", prefix .. "pruned") or -1)
if part > pruned then redis.call("SET", prefix .. "pruned", part) end

local ids = redis.call("ZRANGEBYSCORE", prefix .. "applied", "-inf", part, "LIMIT", 0, most)
if #ids > 0 then redis.call("ZREM", prefix .. "applied", unpack(ids)) end

local names = redis.call("ZRANGEBYSCORE", prefix .. "keys", "-inf", part, "LIMIT", 0, most)
for _, name in ipairs(names) do
  local oldest = cleaners[name:match("^%l+")](prefix .. name)
  if oldest then
    redis.call("ZADD", prefix .. "keys", oldest, name)
  else
    redis.call("ZREM", prefix .. "keys", name)
  end
end
return #names + #ids
