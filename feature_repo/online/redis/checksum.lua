-- The checksums of live values: of a tile, see counter_tiles.py, of a packed value and of an entry of a
-- list, see live_keys.py.  Scripts that write live values continue this text.

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

local function digits_of(text)
  return redis.sha1hex(text):sub(1, 8)
end

-- Return a value as MessagePack, after its checksum.
local function packed(value)
  local text = cmsgpack.pack(value)
  return digits_of(text) .. text
end

-- Return a packed value; nil where it changed.
local function unpacked(text)
  local rest = text:sub(9)
  if text:sub(1, 8) == digits_of(rest) then return cmsgpack.unpack(rest) end
end

-- Return an entry of a list, followed by the checksum of it and its instant.
local function entry_with_checksum(entry, seen_at)
  return entry .. "\0" .. digits_of(entry .. "\0" .. string.format("%.0f", seen_at))
end

local function is_whole_entry(member, seen_at)
  return member == entry_with_checksum(member:sub(1, -10), tonumber(seen_at))
end
