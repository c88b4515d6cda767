-- dify:workflow · one run of a Dify workflow app, streamed.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (app-…)" }) }
local inputs = dify.inputs(spate.param("inputs", "{}", "the workflow's input variables, as JSON"))
local think_min = spate.param("think_min", 1, "shortest pause between two runs, seconds")
local think_max = spate.param("think_max", 3, "longest pause, seconds")

spate.user("WorkflowUser", {
  think = spate.between(think_min, think_max),
  tasks = {
    workflow = function(user)
      app:workflow(user, { inputs = inputs })
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
