-- spate.replay(path, options): a recorded load, for spate.load { replay = … }; user:row() is what a task serves.
-- The file is read and kept by C (src/script/replay.c), once for all threads.
local core = require("spate.core")

local MEMBERS = { time = 1, unit = 1, speed = 1 }
local UNITS = { s = 1, ms = 1e-3, us = 1e-6, ns = 1e-9 }

return function(tools)
  local M = {}
  local fail, expect = tools.fail, tools.expect
  local Replay = {}

  --- spate.replay(path [, { time = "timestamp", unit = "s"|"ms"|"us"|"ns", speed = 1 }])
  function M.open(path, options)
    expect(path, "string", "replay(path)")
    options = expect(options or {}, "table", "replay's options")
    tools.check_members(options, MEMBERS, "replay(path, {…})")
    local time = expect(options.time or "timestamp", "string", "replay.time")
    local speed = expect(options.speed or 1, "number", "replay.speed")
    if not (speed > 0 and speed < math.huge) then fail("replay.speed must be more than 0") end
    if options.unit and not UNITS[options.unit] then fail("replay.unit: there is s, ms, us and ns") end
    if core.describing then return setmetatable({ path = path, count = 0, length = 0 }, Replay) end
    local handle, count, length = core.replay(path, time, options.unit and UNITS[options.unit] or 0, speed)
    if not handle then fail("cannot replay: %s", count) end
    return setmetatable({ path = path, handle = handle, count = count, length = length }, Replay)
  end

  function M.read(replay)
    if getmetatable(replay) ~= Replay then fail("load.replay must be what spate.replay(path) gave") end
    return replay
  end

  function M.row(handle)
    local row, why = core.json_decode(core.row(handle))
    if row == nil then fail("the replay's row: %s", why) end
    return row
  end

  return M
end
