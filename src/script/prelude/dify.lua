-- require("spate.dify"): the apps of a Dify deployment as a user of its API sees them (service API, /v1).
local core = require("spate.core")

local M = {}
local App = {}
App.__index = App

local function fail(text) error(core.place() .. text, 0) end

local APP_MEMBERS = { key = 1, auth = 1, host = 1, user = 1, timeout = 1, prefix = 1 }

function M.app(options)
  if type(options) ~= "table" or (type(options.key) ~= "string" and not options.auth) then
    fail("dify.app{ key = … }: the app's API key is needed")
  end
  if options.key and options.auth then fail("dify.app{…} takes one of key and auth: both are the Authorization header") end
  for key in pairs(options) do
    if not APP_MEMBERS[key] then fail("dify.app{…} has no member '" .. tostring(key) .. "'") end
  end
  return setmetatable({
    headers = { Authorization = options.key and "Bearer " .. options.key }, auth = options.auth,
    host = options.host, end_user = options.user, timeout = options.timeout, prefix = options.prefix,
  }, App)
end

--- dify.inputs(text): an app's input variables, given as JSON, as a table.
function M.inputs(text)
  local values, why = core.json_decode(text)
  if type(values) ~= "table" or not text:find("^%s*{") then
    fail("inputs must be a JSON object like {\"dept\": \"IT\"}: " .. (why or "this is none"))
  end
  return values
end

-- Dify shows its base URL with /v1 at the end; take the host with and without it.
local function base_of(app)
  local base = app.host or ""
  local shown = app.host or core.host
  local prefix = app.prefix or (shown and shown:match("/v1/?$") and "" or "/v1")
  return base:gsub("/+$", "") .. prefix
end

local function url(app, path)
  if not app.base then app.base = base_of(app) end -- the same for all of its requests
  return app.base .. path
end

local REQUEST_MEMBERS = { name = 1, timeout = 1, on_event = 1, headers = 1, first_byte_timeout = 1, silence_timeout = 1,
  hang_up = 1, read = 1, role = 1, on_429 = 1, http = 1, connection = 1, redirects = 1, cookies = 1 }

-- Where a running answer of each kind is stopped. Hanging up alone does not stop it.
local STOPS = { ["/chat-messages"] = "/chat-messages", ["/completion-messages"] = "/completion-messages",
  ["/workflows/run"] = "/workflows/tasks" }

-- hang_up = { …, stop = true }: the same user asks to stop the task that the stream spoke of, if it came that far.
local function stopping(app, spec, path)
  local rule = {}
  for key, value in pairs(spec.hang_up) do rule[key] = value end
  function rule.stop(result)
    if not result.task_id then return nil end
    return { method = "POST", path = url(app, path .. "/" .. core.url_encode(result.task_id) .. "/stop"),
      headers = spec.headers, auth = spec.auth, json = { user = spec.json.user }, name = "stop", role = spec.role }
  end
  return rule
end

-- A chat's body. Every member that it will have is named at once: a table that grows member by member is made anew each
-- time that it has grown to its double.
local function chat_body()
  return { auto_generate_name = false, query = false, inputs = false, user = false, response_mode = false }
end

-- Splits what a plan gives into the request's own members and the JSON body.
local function build(app, user, path, options, body)
  local spec = { method = "POST", path = url(app, path), headers = app.headers, auth = app.auth, timeout = app.timeout, json = body }
  for key, value in pairs(options) do
    if REQUEST_MEMBERS[key] then spec[key] = value else body[key] = value end
  end
  if options.headers then
    spec.headers = { Authorization = app.headers.Authorization }
    for key, value in pairs(options.headers) do spec.headers[key] = value end
  end
  body.inputs = body.inputs or {}
  if type(body.files) == "table" then setmetatable(body.files, core.array_mt) end -- Dify takes no {} for an empty list
  body.user = body.user or app.end_user or ("spate-" .. user.id)
  body.response_mode = body.response_mode or "streaming"
  if body.response_mode == "streaming" then spec.stream = "dify" else spec.answer = "dify" end
  if type(spec.hang_up) == "table" and spec.hang_up.stop == true then spec.hang_up = stopping(app, spec, STOPS[path]) end
  return spec
end

-- Dify answers a blocking call with JSON; give it the same members as a streamed one.
local function finish(user, result)
  if not result.ok then return result end
  local json = result.json
  if type(json) ~= "table" or result.text:match("^%s*(.)") ~= "{" then
    result.ok, result.outcome, result.error = false, "check", "the blocking answer is no JSON object"
    user:check(false, result.error)
  elseif type(json.answer) == "string" then
    result.text = json.answer
  end
  return result
end

local function send(app, user, path, options, body)
  local spec = build(app, user, path, options, body)
  if spec.stream then return user:request(spec) end
  return finish(user, user:request(spec))
end

local function chat_options(options)
  if type(options) == "string" then options = { query = options } end
  if type(options) ~= "table" or type(options.query) ~= "string" then fail("chat(user, { query = … }): query is needed") end
  return options
end

--- app:chat(user, { query =, inputs =, conversation_id =, files =, response_mode =, … })
-- chat, agent and chatflow apps: POST /v1/chat-messages. auto_generate_name is off: it would cost the target a second
-- model call for each new conversation.
function App:chat(user, options)
  return send(self, user, "/chat-messages", chat_options(options), chat_body())
end

--- app:chat_stream(user, options): as chat, but `for event in … do` goes through the events.
function App:chat_stream(user, options)
  options = chat_options(options)
  return user:stream(build(self, user, "/chat-messages", options, chat_body()))
end

--- app:chat_start(user, options): as chat, but goes on by itself; gives a handle (user:start).
function App:chat_start(user, options)
  local spec = build(self, user, "/chat-messages", chat_options(options), chat_body())
  if not spec.stream then fail("chat_start(user, …): only a streamed answer goes on by itself (response_mode)") end
  return user:start(spec)
end

function App:completion(user, options)
  if type(options) ~= "table" then fail("completion(user, { inputs = … }): inputs are needed") end
  return send(self, user, "/completion-messages", options, {})
end

function App:workflow(user, options)
  if type(options or {}) ~= "table" then fail("workflow(user, { inputs = … }): a table is needed") end
  return send(self, user, "/workflows/run", options or {}, {})
end

--- app:retrieve(user, dataset_id, { query =, retrieval_model = })
function App:retrieve(user, dataset_id, options)
  if type(dataset_id) ~= "string" or dataset_id == "" then fail("retrieve(user, dataset_id, …): the dataset's id is needed") end
  if type(options) ~= "table" or type(options.query) ~= "string" then fail("retrieve(user, dataset, { query = … }): query is needed") end
  local spec = { method = "POST", path = url(self, "/datasets/" .. core.url_encode(dataset_id) .. "/retrieve"),
    headers = self.headers, auth = self.auth, timeout = self.timeout, json = {} }
  for key, value in pairs(options) do
    if REQUEST_MEMBERS[key] then spec[key] = value else spec.json[key] = value end
  end
  return user:request(spec)
end

--- app:stop(user, task_id): tells Dify to stop a running answer (a client's hang-up alone does not).
function App:stop(user, task_id, path)
  if type(task_id) ~= "string" then fail("stop(user, task_id): the id of a running answer is needed") end
  return user:request { method = "POST", path = url(self, (path or "/chat-messages") .. "/" .. task_id .. "/stop"),
    headers = self.headers, auth = self.auth, json = { user = self.end_user or ("spate-" .. user.id) }, name = "stop" }
end

-- -- files ------------------------------------------------------------------------------------------

local UPLOAD_MEMBERS = { file = 1, data = 1, filename = 1, type = 1, user = 1 }
local KINDS = { image = "image", audio = "audio", video = "video" }

--- app:upload(user, PATH) or app:upload(user, { file = PATH | data =, filename =, type =, … }): POST /v1/files/upload.
-- The result has `id`, and `file` to be used in a chat: app:chat(user, { query = "…", files = { result.file } }). Dify
-- knows a file only for the same end user.
function App:upload(user, options)
  if type(options) == "string" then options = { file = options } end
  if type(options) ~= "table" or not (options.file or options.data) then fail("upload(user, PATH): a file is needed") end
  local spec = { path = url(self, "/files/upload"), headers = self.headers, auth = self.auth, timeout = self.timeout,
    file = options.file, data = options.data, filename = options.filename, type = options.type,
    fields = { user = options.user or self.end_user or ("spate-" .. user.id) } }
  for key, value in pairs(options) do
    if REQUEST_MEMBERS[key] then
      spec[key] = value
    elseif not UPLOAD_MEMBERS[key] then
      fail("upload(user, {…}) has no member '" .. tostring(key) .. "'")
    end
  end
  local result = user:upload(spec)
  local json = result.ok and result.json
  if type(json) ~= "table" or type(json.id) ~= "string" then
    if result.ok then refuse(user, result, "the answer has no id of a file") end
    return result
  end
  result.id = json.id
  local kind = tostring(json.mime_type or ""):match("^%a+")
  result.file = { type = KINDS[kind] or "document", transfer_method = "local_file", upload_file_id = json.id }
  return result
end

-- A conversation carries its id from turn to turn.
local Talk = {}
Talk.__index = Talk

function App:conversation(user, defaults)
  return setmetatable({ app = self, user = user, defaults = defaults or {}, turns = 0 }, Talk)
end

function Talk:say(query, options)
  local request = {}
  for key, value in pairs(self.defaults) do request[key] = value end
  for key, value in pairs(options or {}) do request[key] = value end
  request.query = query
  request.conversation_id = self.id or ""
  local answer = self.app:chat(self.user, request)
  self.id = answer.conversation_id or self.id
  self.turns = self.turns + 1
  return answer
end

return M
