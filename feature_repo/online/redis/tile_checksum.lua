-- The checksum of a tile, see counter_tiles.py.  Scripts that write tiles continue this text.

local function checksum(tile)
  local digits = redis.sha1hex(tile:sub(1, 2) .. tile:sub(5))
  return string.char(tonumber(digits:sub(1, 2), 16), tonumber(digits:sub(3, 4), 16))
end

-- Return whether nothing but these scripts changed a tile.
local function is_whole(tile)
  return tile:sub(3, 4) == checksum(tile)
end

local function with_checksum(tile)
  return tile:sub(1, 2) .. checksum(tile) .. tile:sub(5)
end
