-- Names that outputs have to write with care, with every kind of end among them.
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = "app-simple" }
local ends = {
  { "a, b" }, { "=SUM(A1)" }, { 'say "hi"' }, { "复杂对话 流程" }, { "100% {x}\\y" },
  { "-broken", "truncate" }, { "@broken", "500" }, { "+limited", "429" },
}

spate.user("Name, of a class", {
  tasks = {
    ["every name"] = function(user)
      for _, wanted in ipairs(ends) do
        local fault = wanted[2] and "fault=" .. wanted[2] or ""
        app:chat(user, { query = "你好", name = wanted[1], headers = { ["X-Mock-Plan"] = "first=5ms gap=2ms tokens=8 " .. fault } })
      end
    end,
  },
})
