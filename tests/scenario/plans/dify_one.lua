-- One request to a Dify app, whose answer's text and ids are checked where the parameters say what they must be.
local spate = require("spate")
local dify = require("spate.dify")

local kind = spate.param("app", "chat")
local text = spate.param("text", "-", "what the answer must read; -: anything")
local conversation = spate.param("conversation", "", "the conversation's id that must come back")
local stall = spate.param("stall_s", 1)

local app = dify.app { key = "app-test", user = "someone" }

spate.user("Asker", {
  tasks = {
    ask = function(user)
      local answer = kind == "chat" and app:chat(user, "你好") or app[kind](app, user, {})
      if not answer.ok then return end
      if text ~= "-" then user:check(answer.text == text, "the text reads '" .. answer.text .. "'") end
      if conversation ~= "" then
        user:check(answer.conversation_id == conversation, "the conversation is " .. tostring(answer.conversation_id))
      end
    end,
  },
})

spate.load { iterations = 2, stall = stall }
