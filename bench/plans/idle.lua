-- Users that have had one answer and then keep their connection open without a word.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { default = "app-simple", description = "the app's API key" }) }

local plan = "head=0s queue=0s node=0s first=5ms gap=1ms tokens=5"

spate.user("IdleUser", {
  tasks = {
    idle = function(user)
      app:chat(user, { query = "请简单介绍一下你自己", headers = { ["X-Mock-Plan"] = plan } })
      user:sleep(3600)
    end,
  },
})
