-- Users: data of their own, ids, random numbers, hooks with and without requests, metrics, checks.
local spate = require("spate")

local seconds = spate.metric("answer length", "chars")
local signed = spate.metric("odd numbers", "")
local started = 0

spate.on("start", function() spate.log("the run starts") end)
spate.on("stop", function() spate.log("the run stops") end)

spate.on("user_start", function(user)
  local answer = user:post("/login", { json = { user = user.id }, name = "login" })
  user.data.token = answer.json.token
end)
spate.on("user_start", function(user) user.data.order = "second" end)
spate.on("user_stop", function(user) user:post("/logout", { json = { user = user.id, tasks = user.data.tasks }, name = "logout" }) end)

spate.user("Customer", {
  on_start = function(user) user.data.order = user.data.order .. " own" end,
  on_stop = function(user) user:get("/bye", { name = "bye" }) end,
  tasks = {
    buy = function(user)
      started = started + 1
      user.data.tasks = (user.data.tasks or 0) + 1
      local answer = user:get("/buy", { headers = { Authorization = "Bearer " .. user.data.token } })
      seconds:add(#answer.text)
      user:post("/report", { name = "report", json = { id = user.id, class = user.class, order = user.data.order, token = user.data.token,
        whole = user.random(10), between = user:random(5, 6), share = user.random() } })
      user:check(answer.status == 200, "no 200")
    end,
  },
})
