-- Store each row unless a newer one is stored; the event time decides, then the created time.
--
-- KEYS   of n rows
-- ARGV   seconds after which they expire (0: never) · horizon, i64 µs · n rows
-- Returns number of rows stored
--
-- A row with the same times as the stored one replaces it: it may be a correction.  Times beyond the
-- horizon are mistakes; any other time wins over them, so that they cannot block an entity.  A string
-- that is not a row of the same version and schema is replaced, because it cannot be read.

local HEADER = 18  -- with the checksum
local expiry = tonumber(ARGV[1])

-- An i64 as two numbers, because one would lose digits.
local function instant(text, at)
    local low, high = struct.unpack('<I4i4', text, at)
    return high, low
end

local function order(high, low, other_high, other_low)
    if high ~= other_high then return high < other_high and -1 or 1 end
    if low ~= other_low then return low < other_low and -1 or 1 end
    return 0
end

local horizon_high, horizon_low = instant(ARGV[2], 1)

local function created(row)
    return instant(row, string.byte(row, 2) % 2 == 1 and #row - 11 or 7)
end

local function is_row_like(current, row)
    return #current >= HEADER
        and string.byte(current, 1) == string.byte(row, 1)
        and string.sub(current, 3, 6) == string.sub(row, 3, 6)
end

local function is_late(high, low)
    return order(high, low, horizon_high, horizon_low) > 0
end

local function is_mistaken(row)
    return is_late(instant(row, 7)) or is_late(created(row))
end

local function is_older(row, current)
    local mistaken = is_mistaken(row)
    if mistaken ~= is_mistaken(current) then return mistaken end
    local high, low = instant(row, 7)
    local by_event = order(high, low, instant(current, 7))
    if by_event ~= 0 then return by_event < 0 end
    local created_high, created_low = created(row)
    return order(created_high, created_low, created(current)) < 0
end

-- One read and one write for all rows: each call costs as much as storing a row.
local stored_rows = redis.call('MGET', unpack(KEYS))
local stored, writes, latest = 0, {}, {}
for n, key in ipairs(KEYS) do
    local row, current = ARGV[n + 2], latest[key] or stored_rows[n]
    if not (current and is_row_like(current, row) and is_older(row, current)) then
        stored, latest[key] = stored + 1, row
        if current ~= row or expiry > 0 then
            writes[#writes + 1] = key
            writes[#writes + 1] = row
        end
    end
end
if expiry > 0 then
    for n = 1, #writes, 2 do redis.call('SET', writes[n], writes[n + 1], 'EX', expiry) end
elseif #writes > 0 then
    redis.call('MSET', unpack(writes))
end
return stored
