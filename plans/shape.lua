-- A load shape of the plan's own: the level as a function of the time in seconds; nil ends the run.
--   spate mock &
--   spate run plans/shape.lua -H http://127.0.0.1:5001 -e key=app-simple
local spate = require("spate")
local dify  = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key" }) }
local day = spate.param("day", 60, "seconds that a day lasts here")

spate.user("Visitor", { tasks = {
  ask = function(user) app:chat(user, { query = "What is a spate?" }) end,
} })

-- A day of arrivals: few at night, many at noon. `users = function(t)` and `in_flight = …` are the same for users
-- (a second value is their spawn rate) and open tasks; `shape = function(t)` alone means users.
spate.load { shape = {
  rate  = function(t)
    if t >= day then return nil end
    return 6 - 5 * math.cos(2 * math.pi * t / day)
  end,
  every = "200ms", -- how often it is asked
} }
