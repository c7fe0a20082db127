-- Change the records of tiles, see counter_tiles.py.  This text continues checksum.lua, and
-- live.lua continues this text.

-- Return the sizes of a tile's header and record, and the format of a record; see counter_tiles.py.
local function layout(measures)
  return 8 + 8 * measures, 12 + 8 * measures, "<i4i4i4" .. string.rep("i8", measures)
end

local function blank(measures)
  return string.char(3, measures, 0, 0, 0, 0, 0, 128) .. string.rep("\0", 8 * measures)
end

local function is_tile(tile, measures)
  local header, record = layout(measures)
  return #tile >= header and tile:byte(1) == 3 and tile:byte(2) == measures
    and (#tile - header) % record == 0 and is_whole(tile)
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
