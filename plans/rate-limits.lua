-- A target that refuses with 429: users that give up, users that wait as long as Retry-After asks, users that back off.
--   spate run plans/rate-limits.lua -H http://dify.example.com -e key=app-… -u 50 -t 2m
-- Each attempt is a request of its own: the refused ones are `http_status` and `rate_limited`, the others `retries`.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the app's API key" }) }

local function chat(user)
  local answer = app:chat(user, { query = "What is a spate?" })
  if answer.ok then user:check(answer.text ~= "", "empty answer") end
end

spate.user("GivesUp", { think = spate.between(1, 3), tasks = { ["gives up"] = chat } })
spate.user("Waits", { think = spate.between(1, 3), on_429 = "wait", tasks = { ["waits as told"] = chat } })
spate.user("BacksOff", {
  think = spate.between(1, 3), on_429 = { policy = "back_off", at_most = "20s", retries = 4 },
  tasks = { ["backs off"] = chat },
})

spate.load { users = 6, iterations = 12 }
