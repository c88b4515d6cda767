-- dify:completion · one call of a Dify completion app, streamed.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (app-…)" }) }
local query = spate.param("query", "Write one sentence about rivers.", "the text input named query")
local inputs = spate.param("inputs", "{}", "further input variables, as JSON")
local think_min = spate.param("think_min", 1, "shortest pause between two calls, seconds")
local think_max = spate.param("think_max", 3, "longest pause, seconds")

spate.user("CompletionUser", {
  think = spate.between(think_min, think_max),
  tasks = {
    completion = function(user)
      local values = spate.json.decode(inputs)
      values.query = values.query or query
      app:completion(user, { inputs = values })
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
