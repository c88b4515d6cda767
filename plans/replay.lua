-- A recorded load, asked again at the times at which it was asked: each line of the trace has a time and what to ask.
--   spate mock &
--   spate run plans/replay.lua -H http://127.0.0.1:5001 -e key=app-simple
local spate = require("spate")
local dify  = require("spate.dify")

local app   = dify.app { key = spate.param("key", { description = "the app's API key" }) }
local trace = spate.replay(spate.param("trace", "plans/replay.jsonl", "JSONL with a time and a query a line"), {
  time  = "timestamp",
  speed = spate.param("speed", 1, "2: in half the time"),
})

spate.user("Recorded", { tasks = {
  ask = function(user)
    local row = user:row()
    app:chat(user, { query = row.query, user = row.user })
  end,
} })

spate.load { replay = trace }
