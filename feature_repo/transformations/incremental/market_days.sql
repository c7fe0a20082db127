-- Merge the days that no later row needs separately: 30 and more before the last seal.
--
-- Grain:  one row per market and recent midnight, and one more
-- Reads:  market_days
-- Params: summed -- a line per measure, see templates.py

select
    market,
    max(midnight) as midnight,
    $summed
    max(part) as part,
    max(event_timestamp) as event_timestamp

from market_days
group by
    market,
    case
        when midnight > (getvariable('last_seal') + 1) // 86400000000 - 30 then midnight
    end
