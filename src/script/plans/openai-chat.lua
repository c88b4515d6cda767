-- openai:chat · one prompt to any server with OpenAI's chat completions, streamed.
local spate = require("spate")
local openai = require("spate.openai")

local app = openai.app {
  key = spate.param("key", { optional = true, description = "the API key, where the server wants one" }),
  model = spate.param("model", "default", "the model's name"),
}
local prompt = spate.param("prompt", "Tell me about yourself in three sentences.", "what each user says")
local max_tokens = spate.param("max_tokens", 256, "the longest answer")
local think_min = spate.param("think_min", 1, "shortest pause between two prompts, seconds")
local think_max = spate.param("think_max", 3, "longest pause, seconds")

spate.user("ChatUser", {
  think = spate.between(think_min, think_max),
  tasks = {
    chat = function(user)
      app:chat(user, { prompt = prompt, max_tokens = max_tokens })
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
