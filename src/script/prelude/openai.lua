-- require("spate.openai"): any server that speaks OpenAI's chat completions.
local core = require("spate.core")

local M = {}
local App = {}
App.__index = App

local function fail(text) error(core.place() .. text, 0) end

local APP_MEMBERS = { key = 1, auth = 1, model = 1, host = 1, timeout = 1, prefix = 1 }

function M.app(options)
  if type(options) ~= "table" then fail("openai.app{ key =, model = }: a table is needed") end
  for key in pairs(options) do
    if not APP_MEMBERS[key] then fail("openai.app{…} has no member '" .. tostring(key) .. "'") end
  end
  if options.key and options.key ~= "" and options.auth then
    fail("openai.app{…} takes one of key and auth: both are the Authorization header")
  end
  return setmetatable({
    auth = options.auth,
    headers = options.key and options.key ~= "" and { Authorization = "Bearer " .. options.key } or {},
    model = options.model or "default", host = options.host, timeout = options.timeout, prefix = options.prefix,
  }, App)
end

local function url(app, path)
  local shown = app.host or core.host
  local prefix = app.prefix or (shown and shown:match("/v1/?$") and "" or "/v1")
  return (app.host or ""):gsub("/+$", "") .. prefix .. path
end

local REQUEST_MEMBERS = { name = 1, timeout = 1, on_event = 1, headers = 1, first_byte_timeout = 1, silence_timeout = 1,
  hang_up = 1, read = 1, role = 1, on_429 = 1, http = 1, connection = 1, redirects = 1, cookies = 1 }

local function build(app, path, options, body)
  local spec = { method = "POST", path = url(app, path), headers = app.headers, auth = app.auth, timeout = app.timeout, json = body }
  body.model = app.model
  body.stream = true
  body.stream_options = { include_usage = true }
  for key, value in pairs(options) do
    if REQUEST_MEMBERS[key] then spec[key] = value else body[key] = value end
  end
  if options.headers then -- beside the key, not in its place
    spec.headers = {}
    for _, headers in ipairs { app.headers, options.headers } do
      for key, value in pairs(headers) do spec.headers[key] = value end
    end
  end
  if not body.stream then body.stream_options = nil else spec.stream = "openai" end
  return spec
end

local function messages_of(options)
  if type(options) == "string" then return { { role = "user", content = options } }, {} end
  if type(options) ~= "table" or not (options.messages or options.prompt) then
    fail("chat(user, { messages = … }): messages, a prompt or a text is needed")
  end
  if options.messages then return options.messages, options end
  return { { role = "user", content = options.prompt } }, options
end

local function chat_spec(app, options)
  local messages, rest = messages_of(options)
  local spec = build(app, "/chat/completions", rest, {})
  spec.json.messages, spec.json.prompt = messages, nil
  return spec
end

--- app:chat(user, "hello") or app:chat(user, { messages = {…}, max_tokens = … }): POST /v1/chat/completions
function App:chat(user, options)
  return user:request(chat_spec(self, options))
end

--- app:chat_start(user, options): as chat, but goes on by itself; gives a handle (user:start).
function App:chat_start(user, options)
  return user:start(chat_spec(self, options))
end

function App:completion(user, options)
  if type(options) == "string" then options = { prompt = options } end
  if type(options) ~= "table" or not options.prompt then fail("completion(user, { prompt = … }): a prompt is needed") end
  return user:request(build(self, "/completions", options, {}))
end

-- A conversation keeps the messages so far.
local Talk = {}
Talk.__index = Talk

function App:conversation(user, system)
  local messages = system and { { role = "system", content = system } } or {}
  return setmetatable({ app = self, user = user, messages = messages }, Talk)
end

function Talk:say(content, options)
  if type(content) ~= "string" then fail("say(text): a text is needed") end
  table.insert(self.messages, { role = "user", content = content })
  local request = { messages = self.messages }
  for key, value in pairs(options or {}) do request[key] = value end
  local answer = self.app:chat(self.user, request)
  if answer.ok then table.insert(self.messages, { role = "assistant", content = answer.text }) end
  return answer
end

return M
