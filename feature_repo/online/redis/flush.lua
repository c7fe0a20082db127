-- Remove the live state of a project, in one step; the sealed records of its tiles and the list of
-- changed items stay.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- Returns  number of keys cleaned

local prefix, cleaned = KEYS[1], 0

local SEALED = -2147483648

-- Return the sealed records of a tile; nil if there are none, or if the key holds no tile.
local function sealed_of(key)
  local tile = redis.call("TYPE", key).ok == "string" and redis.call("GET", key) or ""
  if #tile < 8 or struct.unpack("<i4", tile, 5) == SEALED then return end
  local header, record = 8 + 8 * tile:byte(2), 12 + 8 * tile:byte(2)
  local records = { tile:sub(1, header) }
  for at = header + 1, #tile - record + 1, record do
    if struct.unpack("<i4", tile, at) == SEALED then
      records[#records + 1] = tile:sub(at, at + record - 1)
    end
  end
  return table.concat(records)
end

local function clean(name)
  local sealed = name:sub(1, 5) == "tile:" and sealed_of(prefix .. name)
  if sealed then redis.call("SET", prefix .. name, sealed)
  else redis.call("UNLINK", prefix .. name) end
end

while true do
  local names = redis.call("ZRANGE", prefix .. "keys", 0, 999)
  if #names == 0 then break end
  for _, name in ipairs(names) do clean(name) end
  redis.call("ZREM", prefix .. "keys", unpack(names))
  cleaned = cleaned + #names
end
return cleaned + redis.call("UNLINK", prefix .. "applied", prefix .. "pruned")
