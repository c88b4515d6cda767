-- spate.load { shape = … }: a function of the time that says the load's level. C asks it on the main thread, once a
-- period (src/script/plan_shape.c); the engine threads' copies are never called.
local LEVELS = { users = 1, rate = 1, in_flight = 1 }
local MEMBERS = { users = 1, rate = 1, in_flight = 1, every = 1 }
local SPIKE_MEMBERS = { base = 1, peak = 1, at = 1, hold = 1, every = 1, spawn_rate = 1 }
local AT_ONCE = 1e6 -- users a second: a spike's users come together

return function(tools)
  local M = {}
  local fail, expect = tools.fail, tools.expect

  local function shown(value)
    return (type(value) == "number" or value == nil) and tostring(value) or "a " .. type(value)
  end

  local function is_level(value) return type(value) == "number" and value >= 0 and value < math.huge end

  -- What C calls: the level and the spawn rate (0: as the load says), or nil at the run's end.
  local function checked(fn)
    local info = debug.getinfo(fn, "S")
    local place = info.short_src .. ":" .. info.linedefined .. ": "
    return function(t)
      local level, spawn_rate = fn(t)
      if level == nil then return nil end
      if not is_level(level) then
        error(place .. "the shape must give a number of 0 or more, or nil for the end, not " .. shown(level), 0)
      end
      if spawn_rate ~= nil and not (is_level(spawn_rate) and spawn_rate > 0) then
        error(place .. "the shape's second value, the spawn rate, must be over 0, not " .. shown(spawn_rate), 0)
      end
      return level, spawn_rate or 0
    end
  end

  -- shape = fn (users), or { users|rate|in_flight = fn, every = seconds }
  function M.read(shape)
    if type(shape) == "function" then shape = { users = shape } end
    if type(shape) ~= "table" then
      fail("load.shape must be a function of the time, or a table with one, not a %s", type(shape))
    end
    tools.check_members(shape, MEMBERS, "load.shape")
    local kind
    for name in pairs(LEVELS) do
      if shape[name] ~= nil and kind then fail("load.shape takes one of users, rate and in_flight") end
      if shape[name] ~= nil then kind = name end
    end
    if not kind then fail("load.shape needs a function of the time: users, rate or in_flight") end
    local every = tools.seconds(shape.every or 1, "load.shape.every")
    if every < 0.1 or every > 1 then fail("load.shape.every must be 100ms to 1s: how often the shape is asked") end
    return { kind = kind, ask = checked(expect(shape[kind], "function", "load.shape." .. kind)), every = every }
  end

  --- spate.spike { base =, peak =, at =, hold = [, every =, spawn_rate =] }: a shape's function
  -- `base`, and `peak` from `at` for `hold`; with `every` again and again.
  function M.spike(options)
    expect(options, "table", "spike{…}")
    tools.check_members(options, SPIKE_MEMBERS, "spike{…}")
    local base, peak = options.base or 0, expect(options.peak, "number", "spike.peak")
    if not is_level(base) or not is_level(peak) then fail("spike{…}: base and peak must be numbers of 0 or more") end
    local at = tools.seconds(options.at or 0, "spike.at")
    local hold = tools.seconds(options.hold, "spike.hold")
    local every = options.every and tools.seconds(options.every, "spike.every")
    if hold <= 0 then fail("spike.hold must be more than 0") end
    if every and every <= hold then fail("spike.every must be longer than spike.hold") end
    local spawn_rate = options.spawn_rate or AT_ONCE
    return function(t)
      local since = t - at
      if every and since >= 0 then since = since % every end
      return since >= 0 and since < hold and peak or base, spawn_rate
    end
  end

  return M
end
