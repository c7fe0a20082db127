-- Store rows, each unless a newer one is there; newer is told by event time, then created time.
--
-- KEYS   of n rows
-- ARGV   seconds after which they expire (0: never) · horizon, i64 µs · n rows
-- Answer how many were stored
--
-- A row as new as the one there replaces it: a correction may have the same times.  Times beyond
-- the horizon are mistakes and lose to any that is not, so that none blocks its entity.  What is no
-- row of the same version and schema cannot be read by anyone and is replaced.

local HEADER = 14
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
    return instant(row, string.byte(row, 2) % 2 == 1 and #row - 7 or 7)
end

local function is_row_like(held, row)
    return #held >= HEADER
        and string.byte(held, 1) == string.byte(row, 1)
        and string.sub(held, 3, 6) == string.sub(row, 3, 6)
end

local function is_late(high, low)
    return order(high, low, horizon_high, horizon_low) > 0
end

local function is_mistaken(row)
    return is_late(instant(row, 7)) or is_late(created(row))
end

local function is_older(row, held)
    local mistaken = is_mistaken(row)
    if mistaken ~= is_mistaken(held) then return mistaken end
    local high, low = instant(row, 7)
    local by_event = order(high, low, instant(held, 7))
    if by_event ~= 0 then return by_event < 0 end
    local created_high, created_low = created(row)
    return order(created_high, created_low, created(held)) < 0
end

-- One read and one write for all rows: each call from here costs as much as storing a row.
local found = redis.call('MGET', unpack(KEYS))
local stored, wanted, latest = 0, {}, {}
for n, key in ipairs(KEYS) do
    local row, held = ARGV[n + 2], latest[key] or found[n]
    if not (held and is_row_like(held, row) and is_older(row, held)) then
        stored, latest[key] = stored + 1, row
        if held ~= row or expiry > 0 then
            wanted[#wanted + 1] = key
            wanted[#wanted + 1] = row
        end
    end
end
if expiry > 0 then
    for n = 1, #wanted, 2 do redis.call('SET', wanted[n], wanted[n + 1], 'EX', expiry) end
elseif #wanted > 0 then
    redis.call('MSET', unpack(wanted))
end
return stored
