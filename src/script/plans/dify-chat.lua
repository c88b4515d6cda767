-- dify:chat · one question to a Dify chat app (chatbot, agent or chatflow), streamed.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (app-…)" }) }
local query = spate.param("query", "请简单介绍一下你自己", "what each user asks")
local inputs = dify.inputs(spate.param("inputs", "{}", "the app's input variables, as JSON"))
local think_min = spate.param("think_min", 1, "shortest pause between two questions, seconds")
local think_max = spate.param("think_max", 3, "longest pause, seconds")
local timeout = spate.param("timeout", 120, "seconds until an answer is given up")

spate.user("ChatUser", {
  think = spate.between(think_min, think_max),
  timeout = timeout,
  tasks = {
    chat = function(user)
      app:chat(user, { query = query, inputs = inputs })
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
