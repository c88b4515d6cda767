-- Tasks that wait, compute or do nothing: a run must end all the same.
local spate = require("spate")

local what = spate.param("what", "sleep")
local think = spate.param("think", 0)

local acts = {
  sleep = function(user)
    user:get("/")
    user:sleep(60)
  end,
  think = function(user)
    user:get("/")
    user:think()
  end,
  nothing = function() end,
  tiny = function(user) user:sleep(0) end,
  spin = function()
    while true do end
  end,
}

spate.user("Idle", { think = spate.constant(think), tasks = { idle = acts[what] } })
