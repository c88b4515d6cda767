-- One prompt to a server that speaks OpenAI's chat completions.
local spate = require("spate")
local openai = require("spate.openai")

local text = spate.param("text", "-", "what the answer must read; -: anything")
local model = openai.app { key = "sk-test", model = "m-1" }

spate.user("Asker", {
  tasks = {
    ask = function(user)
      local answer = model:chat(user, { messages = { { role = "user", content = "hi" } }, temperature = 0, headers = { ["X-Own"] = "1" } })
      if answer.ok and text ~= "-" then user:check(answer.text == text, "the text reads '" .. answer.text .. "'") end
    end,
  },
})

spate.load { iterations = 2 }
