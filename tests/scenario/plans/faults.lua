-- One request for each fault of a list, each under the fault's name, and a well one after each: a fault must leave
-- nothing behind that harms the next request.
local spate = require("spate")
local dify = require("spate.dify")
local openai = require("spate.openai")

local kind = spate.param("app", "chat", "chat, workflow, completion, openai")
local key = spate.param("key", "app-complex")
local list = spate.param("faults", "ok", "names, each with its @K, by commas")
local mode = spate.param("mode", "streaming")
local schedule = spate.param("schedule", "")
local text = spate.param("text", "", "what a whole answer reads")
local whole = spate.param("whole", "", "faults that leave the answer whole, by commas")
local shuffle = spate.param("shuffle", false)
local well = spate.param("well", true)
local connection = spate.param("connection", "user")

local app = kind == "openai" and openai.app { key = key, model = "mock-model" } or dify.app { key = key }

local function options_of(fault)
  local options = { name = fault, timeout = 40 }
  options.headers = { ["X-Mock-Plan"] = schedule .. (fault ~= "ok" and " fault=" .. fault or "") }
  if fault:match("^stall") then options.silence_timeout = 0.3 end
  if fault:match("^silence") or fault:match("^endless") then options.timeout = 1 end
  return options
end

local function send(user, options)
  if kind == "openai" then
    options.prompt = "hello"
    if mode == "blocking" then options.stream = false end
    return app:chat(user, options)
  end
  options.response_mode = mode
  if kind == "chat" then options.query = "你好" end
  return app[kind](app, user, options)
end

local function in_order(user)
  local faults = {}
  for fault in list:gmatch("[^,]+") do faults[#faults + 1] = fault end
  if shuffle then
    for i = #faults, 2, -1 do
      local j = user.random(i)
      faults[i], faults[j] = faults[j], faults[i]
    end
  end
  return faults
end

spate.user("Victim", {
  connection = connection,
  tasks = {
    faults = function(user)
      for _, fault in ipairs(in_order(user)) do
        local answer = send(user, options_of(fault))
        if answer.ok and text ~= "" and ("," .. whole .. ","):find("," .. fault .. ",", 1, true) then
          user:check(answer.text == text, "the text reads '" .. answer.text .. "'")
        end
        if well then
          local after = options_of("ok")
          after.name = "after"
          send(user, after)
        end
      end
    end,
  },
})
