-- Readers behind a slow line, and one that looks away: does the target keep its other users waiting for them?
--   spate run plans/slow-reader.lua -H http://dify.example.com -e key=app-… -u 20 -t 2m
-- The buffers on the way fill first, so short answers never press back. Compare the first tokens of "steady" with a run
-- without the other two.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key (a chat app that streams)" }) }

spate.user("Reader", {
  think = spate.between(0.5, 1.5),
  tasks = {
    steady = { weight = 4, run = function(user) app:chat(user, { query = "A long answer, please" }) end },
    ["slow line"] = function(user)
      app:chat(user, { query = "A long answer, please", read = { bytes_per_s = spate.param("bytes_per_s", 8000) } })
    end,
    ["looks away"] = function(user)
      local stream = app:chat_start(user, { query = "A long answer, please" })
      user:sleep(0.2)
      stream:pause()
      user:sleep(1)
      stream:resume()
      stream:result()
    end,
  },
})

spate.load { users = 4, iterations = 12 }
