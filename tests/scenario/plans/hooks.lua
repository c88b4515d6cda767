-- Users whose first or last request, or whose stream, may hang: how a run ends then.
local spate = require("spate")

local hang = spate.param("hang", "nothing", "login, logout, task, stream, sleep")

local function path(part) return hang == part and "/hang" or "/" .. part end

spate.on("user_start", function(user)
  user:get(path("login"), { name = "login" })
  if hang == "sleep" then user:sleep(300) end
end)
spate.on("user_stop", function(user)
  user:get(path("logout"), { name = "logout" })
  user:get("/bye", { name = "bye" })
end)

spate.user("Guest", {
  think = 0.02,
  tasks = {
    visit = function(user)
      user:get(path("task"), { name = "visit" })
      for event in user:stream { path = hang == "stream" and "/half" or "/events", name = "stream" } do
        if event.data == "stop" then break end
      end
    end,
  },
})
