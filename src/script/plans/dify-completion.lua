-- dify:completion · one call of a Dify completion app, streamed.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (app-…)" }) }
local query = spate.param("query", "Write one sentence about rivers.", "the text input named query")
local inputs = dify.inputs(spate.param("inputs", "{}", "further input variables, as JSON"))
inputs.query = inputs.query or query
local think_min = spate.param("think_min", 1, "shortest pause between two calls, seconds")
local think_max = spate.param("think_max", 3, "longest pause, seconds")

spate.user("CompletionUser", {
  think = spate.between(think_min, think_max),
  tasks = {
    completion = function(user)
      app:completion(user, { inputs = inputs })
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
