-- Users with several streams open at once: two tabs, a quick question beside a long answer, the next turn of a
-- conversation while the first is still being written.
--   spate run plans/several-streams.lua -H http://dify.example.com -e key=app-… -u 20 -t 2m
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (a chat app that streams)" }) }

spate.user("TwoTabs", {
  think = spate.between(1, 3),
  tasks = {
    -- both go on by themselves; what is waited for gives its result
    ["two tabs"] = function(user)
      local left = app:chat_start(user, { query = "A long answer, please", name = "left tab" })
      local right = app:chat_start(user, { query = "Another one", name = "right tab" })
      local a, b = user:wait(left, right)
      if a.ok and b.ok then user:check(b.text ~= "", "the right tab stayed empty") end
    end,
    -- a request beside the stream does not end it
    ["asks beside"] = function(user)
      local long = app:chat_start(user, { query = "A long answer, please", name = "long answer" })
      user:sleep(0.3)
      app:chat(user, { query = "Quickly: yes or no?", name = "quick question" })
      long:result()
    end,
    -- the next turn as soon as the first one has told its conversation's id
    ["does not wait"] = function(user)
      local conversation
      local first = app:chat_start(user, { query = "Begin", name = "first turn", on_event = function(event)
        if event.kind == "token" and not conversation then conversation = event.json.conversation_id end
      end })
      while not conversation and not first:done() do user:sleep(0.05) end
      if conversation then
        app:chat(user, { query = "And then?", conversation_id = conversation, name = "next turn" })
      end
      first:result()
    end,
  },
})

spate.load { users = 4, iterations = 12 }
