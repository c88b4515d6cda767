-- Requests that are not the load: a set-up before it, a probe beside it. They have rows of their own (role), and are
-- in no total, rate, SLO or goodput.
--   spate run plans/probes.lua -H http://dify.example.com -e key=app-… -u 20 -t 2m
local spate = require("spate")
local dify = require("spate.dify")

local key = spate.param("key", { description = "the app's API key" })
local app = dify.app { key = key }
local headers = { Authorization = "Bearer " .. key }

spate.user("ChatUser", {
  weight = 9,
  think = spate.between(1, 3),
  on_start = function(user)
    user:get("/v1/parameters", { name = "parameters", role = "setup", headers = headers })
  end,
  tasks = { chat = function(user) app:chat(user, { query = "What is a spate?" }) end },
})

-- How does the API itself feel meanwhile? This costs the target next to nothing.
spate.user("Watch", {
  think = spate.pace(1),
  tasks = { look = function(user) user:get("/v1/info", { name = "info", role = "probe", headers = headers }) end },
})

spate.load { users = 10, iterations = 30 }
spate.slo { "failed_share < 1%" }
