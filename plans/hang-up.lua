-- Users who do not wait for the whole answer: a time, a number of tokens or an event is enough for them.
--   spate run plans/hang-up.lua -H http://dify.example.com -e key=app-… -u 20 -t 2m
-- Each of these requests is `abandoned`: neither ok nor failed, counted by why. With stop = true the target is told, as
-- Dify's own page does when its stop button is pressed; else it goes on answering nobody.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (a chat app that streams)" }) }

spate.user("Impatient", {
  think = spate.between(1, 3),
  tasks = {
    ["waits 2 s"] = function(user)
      app:chat(user, { query = "Tell me a long story", hang_up = { after = "2s", stop = true } })
    end,
    ["reads 10 tokens"] = function(user)
      local answer = app:chat(user, { query = "Tell me a long story", hang_up = { tokens = 10, stop = true } })
      if answer.outcome == "abandoned" then spate.log("read: " .. answer.text) end
    end,
    ["sees enough"] = function(user)
      app:chat(user, { query = "Tell me a long story", hang_up = { stop = true, event = function(event)
        return event.kind == "token" and event.text:find("%.") ~= nil
      end } })
    end,
    ["closes the page"] = function(user)
      local stream = app:chat_stream(user, { query = "Tell me a long story" })
      local tokens = 0
      for event in stream do
        if event.kind == "token" then tokens = tokens + 1 end
        if tokens == 5 then stream:close() break end
      end
    end,
  },
})

spate.load { users = 4, iterations = 12 }
