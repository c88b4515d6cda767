-- A run that gives every metric something to show: streams with tokens and nodes, failures, a rate limit, a value of
-- its own.
local spate = require("spate")
local dify = require("spate.dify")

local simple = dify.app { key = "app-simple" }
local complex = dify.app { key = "app-complex" }
local scores = spate.metric("score", "points")

spate.user("ChatUser", {
  weight = 3,
  think = spate.between(0, 0.1),
  tasks = {
    simple = function(user)
      local answer = simple:chat(user, { query = "你好", name = 'simple "chat"', headers = { ["X-Mock-Plan"] = "first=60ms gap=7ms tokens=20" } })
      scores:add(#answer.text)
    end,
    broken = function(user)
      simple:chat(user, { query = "你好", name = "broken", headers = { ["X-Mock-Plan"] = "fault=500" } })
      simple:chat(user, { query = "你好", name = "limited", headers = { ["X-Mock-Plan"] = "fault=429" } })
    end,
  },
})

spate.user("FlowUser", {
  think = spate.between(0, 0.1),
  tasks = {
    flow = function(user)
      complex:chat(user, { query = "你好", name = "flow", headers = { ["X-Mock-Plan"] = "first=150ms gap=10ms tokens=12" } })
    end,
  },
})

spate.load { users = 8, run_time = "8s" }
