-- Replace tiles by sealed ones, each in one step, and add the live records that they do not include.
-- This text continues checksum.lua.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- ARGV     name after the prefix and sealed tile, see counter_tiles.py, alternating
-- Returns  number of tiles replaced; a stored tile with a later sealed part stays
--
-- A key without a valid tile is replaced: the sealed sums are the source of truth.

local prefix, replaced = KEYS[1], 0

local function tile_at(key, sealed)
  if redis.call("TYPE", key).ok ~= "string" then return end
  local tile = redis.call("GET", key)
  local header, record = 8 + 8 * sealed:byte(2), 12 + 8 * sealed:byte(2)
  local is_tile = tile:sub(1, 2) == sealed:sub(1, 2) and #tile >= header
  return is_tile and (#tile - header) % record == 0 and is_whole(tile) and tile
end

local function live_records(tile, part)
  local header, record = 8 + 8 * tile:byte(2), 12 + 8 * tile:byte(2)
  local records = {}
  for at = header + 1, #tile, record do
    if struct.unpack("<i4", tile, at) > part then
      records[#records + 1] = tile:sub(at, at + record - 1)
    end
  end
  return table.concat(records)
end

for n = 1, #ARGV, 2 do
  local key, sealed = prefix .. ARGV[n], ARGV[n + 1]
  local part = struct.unpack("<i4", sealed, 5)
  local stored = tile_at(key, sealed)
  if not stored then
    redis.call("DEL", key)
    redis.call("SET", key, sealed)
    replaced = replaced + 1
  elseif struct.unpack("<i4", stored, 5) <= part then
    redis.call("SET", key, with_checksum(sealed .. live_records(stored, part)))
    replaced = replaced + 1
  end
end
return replaced
