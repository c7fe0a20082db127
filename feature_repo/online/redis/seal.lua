-- Put sealed tiles in place, each in one step, with the live records that they do not contain.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- ARGV     name after the prefix and sealed tile, see tiles.py, by turns
-- Returns  how many were put in place; one that holds more already, as of a later part, stays
--
-- A key that holds no tile is replaced: what is sealed is the truth.

local prefix, put = KEYS[1], 0

local function tile_at(key, wanted)
  if redis.call("TYPE", key).ok ~= "string" then return end
  local tile = redis.call("GET", key)
  local header, record = 8 + 8 * wanted:byte(2), 12 + 8 * wanted:byte(2)
  local is_tile = tile:sub(1, 2) == wanted:sub(1, 2) and #tile >= header
  return is_tile and (#tile - header) % record == 0 and tile
end

local function live_records(tile, part)
  local header, record = 8 + 8 * tile:byte(2), 12 + 8 * tile:byte(2)
  local kept = {}
  for at = header + 1, #tile, record do
    if struct.unpack("<i4", tile, at) > part then
      kept[#kept + 1] = tile:sub(at, at + record - 1)
    end
  end
  return table.concat(kept)
end

for n = 1, #ARGV, 2 do
  local key, wanted = prefix .. ARGV[n], ARGV[n + 1]
  local part = struct.unpack("<i4", wanted, 5)
  local found = tile_at(key, wanted)
  if not found then
    redis.call("DEL", key)
    redis.call("SET", key, wanted)
    put = put + 1
  elseif struct.unpack("<i4", found, 5) <= part then
    redis.call("SET", key, wanted .. live_records(found, part))
    put = put + 1
  end
end
return put
