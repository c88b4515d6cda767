-- A recorded load whose every request can be found again in the mock's log.
local spate = require("spate")

spate.user("Asker", { connection = "request", tasks = { ask = function(user)
  user:request {
    path = "/v1/completion-messages", stream = "dify",
    json = { inputs = { query = "hi" }, user = "me", response_mode = "streaming" },
    headers = {
      Authorization = "Bearer app-completion", ["X-Request-Id"] = tostring(user:row().n),
      ["X-Mock-Plan"] = "head=0ms queue=0ms first=5ms gap=1ms tokens=2 tail=0ms",
    },
  }
end } })

spate.load { replay = spate.replay(spate.param("trace")) }
