-- The stream of make bench: one chat request after the other, by an exact schedule that the mock is told in a header.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { default = "app-simple", description = "the app's API key" }) }
local plan = spate.param("plan", "head=0s queue=0s node=0s first=100ms gap=20ms tail=0s tokens=50",
  "X-Mock-Plan: the schedule of each answer")

spate.user("StreamUser", {
  tasks = {
    chat = function(user)
      app:chat(user, { query = "请简单介绍一下你自己", headers = { ["X-Mock-Plan"] = plan } })
    end,
  },
})
