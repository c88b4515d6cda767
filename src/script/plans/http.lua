-- http · GET one URL, again and again.
local spate = require("spate")

local path = spate.param("path", "", "the path behind --host, or a whole URL; else --host itself")
local think = spate.param("think", 0, "pause between two requests, seconds")

spate.user("HttpUser", {
  think = spate.constant(think),
  tasks = {
    get = spate.request { path = path },
  },
})

spate.load { users = 1, run_time = "10s" }
