-- Conversations: Dify carries an id, OpenAI the messages.
local spate = require("spate")
local dify = require("spate.dify")
local openai = require("spate.openai")

local app = dify.app { key = "app-test" }
local model = openai.app { key = "sk-test", model = "m-1" }

spate.user("Talker", {
  tasks = {
    dify = function(user)
      local talk = app:conversation(user, { inputs = { dept = "IT" } })
      talk:say("one")
      user:think()
      talk:say("two")
      local third = talk:say("three", { inputs = { dept = "HR" }, files = {}, name = "third" })
      user:check(talk.turns == 3 and third.conversation_id == talk.id, "the conversation is not kept")
      local stream = app:chat_stream(user, { query = "four", conversation_id = talk.id })
      for _ in stream do end
      app:stop(user, "task-1")
    end,
    openai = function(user)
      local talk = model:conversation(user, "be brief")
      talk:say("one")
      talk:say("two", { max_tokens = 5 })
      model:completion(user, "once upon")
    end,
  },
})
