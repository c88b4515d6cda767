-- One request a task, as the parameters say; its status and text are checked where asked for.
local spate = require("spate")

local path = spate.param("path", "/")
local method = spate.param("method", "GET")
local stream = spate.param("stream", "", "dify, openai, sse; empty: none")
local body = spate.param("body", "", "of POST")
local timeout = spate.param("timeout", 30)
local first = spate.param("first", 0)
local silence = spate.param("silence", 0)
local gzip = spate.param("gzip", false)
local status = spate.param("status", 0, "that the answer must have")
local text = spate.param("text", "", "that the answer must read")
local pause = spate.param("pause", 0, "seconds between two tasks")
local repeats = spate.param("repeats", 1)
local size = spate.param("size", 0, "bytes of a body made up")

local statuses = spate.metric("status", "")
local lengths = spate.metric("length", "bytes")

local function spec()
  local wanted = { method = method, path = path, name = "one", timeout = timeout }
  if stream ~= "" then wanted.stream = stream end
  if body ~= "" then wanted.body = body end
  if size > 0 then wanted.body = ("x"):rep(size) end
  if first > 0 then wanted.first_byte_timeout = first end
  if silence > 0 then wanted.silence_timeout = silence end
  if gzip then wanted.gzip = true end
  return wanted
end

spate.user("One", {
  think = spate.constant(pause),
  tasks = {
    one = function(user)
      for _ = 1, repeats do
        local answer = user:request(spec())
        if answer.status then statuses:add(answer.status) end
        if answer.text then lengths:add(#answer.text) end
        if answer.ok and status > 0 then user:check(answer.status == status, "the status is " .. tostring(answer.status)) end
        if answer.ok and text ~= "" then user:check(answer.text == text, "the text reads '" .. tostring(answer.text) .. "'") end
      end
    end,
  },
})
