-- Remove the live state of a project, some keys per call; the sealed records of its tiles and the list
-- of changed items stay.  This text continues checksum.lua.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- ARGV[1]  maximum number of keys to clean
-- Returns  number of keys cleaned; 0 when none is left
--
-- No event is applied from the first call to the last: it would be removed in part.

local prefix, most = KEYS[1], tonumber(ARGV[1])

local SEALED = -2147483648

-- Return the sealed records of a tile; nil if there are none, or if the key holds no tile.
local function sealed_of(key)
  local tile = redis.call("TYPE", key).ok == "string" and redis.call("GET", key) or ""
  if #tile < 8 or not is_whole(tile) or struct.unpack("<i4", tile, 5) == SEALED then return end
  local header, record = 8 + 8 * tile:byte(2), 12 + 8 * tile:byte(2)
  local records = { tile:sub(1, header) }
  for at = header + 1, #tile - record + 1, record do
    if struct.unpack("<i4", tile, at) == SEALED then
      records[#records + 1] = tile:sub(at, at + record - 1)
    end
  end
  return with_checksum(table.concat(records))
end

local function clean(name)
  local sealed = name:sub(1, 5) == "tile:" and sealed_of(prefix .. name)
  if sealed then redis.call("SET", prefix .. name, sealed)
  else redis.call("UNLINK", prefix .. name) end
end

redis.call("SET", prefix .. "pruned", "flushing")
local names = redis.call("ZRANGE", prefix .. "keys", 0, most - 1)
for _, name in ipairs(names) do clean(name) end
if #names > 0 then redis.call("ZREM", prefix .. "keys", unpack(names))
else redis.call("UNLINK", prefix .. "applied", prefix .. "pruned", prefix .. "pruning") end
return #names
