-- Remove the live state of a project, in one step.
--
-- KEYS[1]  prefix of the project's live keys, see live.lua
-- Returns  how many keys were removed

local prefix, removed = KEYS[1], 0

while true do
  local names = redis.call("ZRANGE", prefix .. "keys", 0, 999)
  if #names == 0 then break end
  for _, name in ipairs(names) do removed = removed + redis.call("UNLINK", prefix .. name) end
  redis.call("ZREM", prefix .. "keys", unpack(names))
end
return removed + redis.call("UNLINK", prefix .. "applied", prefix .. "pruned")
