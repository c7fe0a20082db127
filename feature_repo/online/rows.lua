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

local function has_created(head) return string.byte(head, 2) % 2 == 1 end

local function created(head, tail)
    if has_created(head) and #tail >= 8 then return instant(tail, #tail - 7) end
    return instant(head, 7)
end

local function is_older(row, held, key)
    local high, low = instant(row, 7)
    local held_high, held_low = instant(held, 7)
    local late = order(high, low, horizon_high, horizon_low) > 0
    local held_late = order(held_high, held_low, horizon_high, horizon_low) > 0
    if late ~= held_late then return late end
    local by_event = order(high, low, held_high, held_low)
    if by_event ~= 0 then return by_event < 0 end
    local tail = has_created(held) and redis.call('GETRANGE', key, -8, -1) or ''
    local created_high, created_low = created(row, row)
    return order(created_high, created_low, created(held, tail)) < 0
end

local function is_same_schema(row, held)
    return #held == HEADER and string.byte(row, 1) == string.byte(held, 1)
        and string.sub(row, 3, 6) == string.sub(held, 3, 6)
end

local stored = 0
for n, key in ipairs(KEYS) do
    local row = ARGV[n + 2]
    local held = redis.pcall('GETRANGE', key, 0, HEADER - 1)
    if type(held) == 'table' then held = '' end
    if not (is_same_schema(row, held) and is_older(row, held, key)) then
        if expiry > 0 then
            redis.call('SET', key, row, 'EX', expiry)
        else
            redis.call('SET', key, row)
        end
        stored = stored + 1
    end
end
return stored
