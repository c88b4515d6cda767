-- The pleasant part of a plan's API, on top of the C primitives in spate.core.
-- What a plan says is collected in `plan`; C reads it from there (src/script/plan_read.c).
local core = require("spate.core")
local retry = require("spate.retry")
local streams = require("spate.streams")

local spate = {}
local plan = { classes = {}, params = {}, load = {}, slo = {}, watch = {}, hooks = {}, metrics = {} }
spate._plan = plan
spate.version = core.version

-- -- small helpers ------------------------------------------------------------------------------------

-- An error with the plan's own line in front, however deep in here it is found.
local function fail(format, ...)
  error(core.place() .. string.format(format, ...), 0)
end

local function expect(value, kind, what)
  if type(value) ~= kind then
    fail("%s must be a %s, not %s", what, kind, value == nil and "nothing" or "a " .. type(value))
  end
  return value
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function check_members(t, known, what)
  for key in pairs(t) do
    if not known[key] then
      local names = table.concat(sorted_keys(known), ", ")
      fail("%s has no member '%s' (it has: %s)", what, tostring(key), names)
    end
  end
end

-- "5m30s", "250ms" or a number of seconds -> seconds
local function seconds(value, what)
  if type(value) == "string" then
    local s, why = core.duration(value)
    if not s then fail("%s: %s", what, why) end
    return s
  end
  expect(value, "number", what)
  if value < 0 or value ~= value then fail("%s must not be negative", what) end
  return value
end

-- For the prelude's other files.
local tools = { fail = fail, expect = expect, check_members = check_members, sorted_keys = sorted_keys, seconds = seconds }
local reach = require("spate.reach").open(tools) -- how requests reach the target

-- -- think time ---------------------------------------------------------------------------------------

function spate.constant(s) return { kind = "constant", a = seconds(s, "constant(seconds)") } end

function spate.pace(s) return { kind = "pace", a = seconds(s, "pace(seconds)") } end

function spate.exponential(mean) return { kind = "exponential", a = seconds(mean, "exponential(mean)") } end

function spate.between(low, high)
  local a, b = seconds(low, "between(low, high)"), seconds(high, "between(low, high)")
  if b < a then fail("between(%s, %s): the second must not be less than the first", tostring(low), tostring(high)) end
  return { kind = "between", a = a, b = b }
end

-- -- parameters ---------------------------------------------------------------------------------------

local function convert(name, text, default, secret)
  local shown = secret and "what was given" or "'" .. text .. "'"
  if type(default) == "number" then
    return tonumber(text) or fail("parameter '%s' must be a number, not %s", name, shown)
  elseif type(default) == "boolean" then
    if text == "true" or text == "1" or text == "yes" then return true end
    if text == "false" or text == "0" or text == "no" then return false end
    fail("parameter '%s' must be true or false, not %s", name, shown)
  end
  return text
end

-- A parameter that is asked for again (in a module, in a task) is still one.
local function keep_param(param)
  for i, known in ipairs(plan.params) do
    if known.name == param.name then plan.params[i] = param return end
  end
  plan.params[#plan.params + 1] = param
end

local function fail_missing(name, options)
  local near = core.near_setting(name)
  fail("the plan needs the parameter '%s'%s: give it with -e %s=VALUE or in the environment as SPATE_%s%s", name,
    options.description and " (" .. options.description .. ")" or "", name, (name:upper():gsub("[^%w]", "_")),
    near and " (was -e " .. near .. "=… meant?)" or "")
end

--- spate.param(name [, default | { default=, description=, secret=, optional= }] [, description])
-- The value given with -e name=VALUE, else of SPATE_NAME in the environment, else the default.
function spate.param(name, options, description)
  expect(name, "string", "param(name)")
  if type(options) ~= "table" then options = { default = options, description = description } end
  check_members(options, { default = 1, description = 1, secret = 1, optional = 1 }, "param '" .. name .. "'")
  local secret = options.secret
  if secret == nil then secret = core.name_is_secret(name) end
  local kind = type(options.default)
  if kind == "table" or kind == "function" then fail("the default of param '%s' cannot be a %s", name, kind) end
  local text = core.param(name)
  keep_param {
    name = name, description = options.description or "", secret = secret,
    default = options.default ~= nil and tostring(options.default) or nil,
    required = options.default == nil and not options.optional,
    value = text,
  }
  if text ~= nil then return convert(name, text, options.default, secret) end
  if options.default ~= nil or options.optional then return options.default end
  if core.describing then return "" end
  fail_missing(name, options)
end

-- -- user classes -------------------------------------------------------------------------------------

local USER_MEMBERS = { weight = 1, think = 1, tasks = 1, host = 1, connection = 1, timeout = 1, on_429 = 1,
  on_start = 1, on_stop = 1, http = 1, redirects = 1, cookies = 1, auth = 1 }
local THINK_KINDS = { constant = 1, pace = 1, exponential = 1, between = 1, custom = 1 }

local function weight_of(value, what)
  if value == nil then return 1 end
  if type(value) ~= "number" or value < 0 or value ~= math.floor(value) or value > 1e6 then
    fail("the weight of %s must be a whole number from 0 to 1,000,000", what)
  end
  return value
end

local function read_think(think, what)
  if think == nil then return { kind = "none" } end
  if type(think) == "number" then return spate.constant(think) end
  if type(think) == "function" then return { kind = "custom", fn = think } end
  if type(think) ~= "table" or not THINK_KINDS[think.kind] then
    fail("think of %s must be spate.constant, between, exponential or pace, a number of seconds or a function", what)
  end
  return think
end

local Request = {} -- metatable of what spate.request gives

local function read_task(key, task, class)
  local what = string.format("task '%s' of %s", tostring(key), class)
  if type(task) == "function" or getmetatable(task) == Request then task = { run = task } end
  expect(task, "table", what)
  check_members(task, { weight = 1, run = 1, name = 1 }, what)
  local request = getmetatable(task.run) == Request and task.run or nil
  if not request then expect(task.run, "function", "run of " .. what) end
  if task.name ~= nil then expect(task.name, "string", "name of " .. what) end
  local name = task.name or (type(key) == "number" and "task " .. key or tostring(key))
  return { name = name, weight = weight_of(task.weight, what), run = request and request.run or task.run,
    request = request and request.spec }
end

function spate.user(name, def)
  expect(name, "string", "user(name, …)")
  expect(def, "table", "user('" .. name .. "', …)")
  check_members(def, USER_MEMBERS, "user '" .. name .. "'")
  for _, other in ipairs(plan.classes) do
    if other.name == name then fail("there are two user classes named '%s'", name) end
  end
  expect(def.tasks, "table", "tasks of '" .. name .. "'")
  local tasks = {}
  for _, key in ipairs(sorted_keys(def.tasks)) do
    local task = read_task(key, def.tasks[key], name)
    for _, other in ipairs(tasks) do
      if other.name == task.name then fail("user '%s' has two tasks named '%s'", name, task.name) end
    end
    tasks[#tasks + 1] = task
  end
  if #tasks == 0 then fail("user '%s' has no tasks", name) end
  for member, kind in pairs { host = "string", on_start = "function", on_stop = "function" } do
    if def[member] ~= nil then expect(def[member], kind, member .. " of '" .. name .. "'") end
  end
  reach.check(def, "user '" .. name .. "'")
  plan.classes[#plan.classes + 1] = {
    name = name, weight = weight_of(def.weight, "user '" .. name .. "'"), tasks = tasks,
    think = read_think(def.think, "user '" .. name .. "'"), host = def.host,
    connection = def.connection, http = def.http, redirects = def.redirects, cookies = def.cookies, auth = def.auth,
    timeout = def.timeout and seconds(def.timeout, "timeout of '" .. name .. "'"),
    on_429 = retry.read(def.on_429, "on_429 of '" .. name .. "'", { check_members = check_members, seconds = seconds }),
    on_start = def.on_start, on_stop = def.on_stop,
  }
end

-- -- load and service levels --------------------------------------------------------------------------

local LOAD_MEMBERS = { users = 1, spawn_rate = 1, run_time = 1, iterations = 1, stop_timeout = 1, warm_up = 1, host = 1,
  seed = 1, stages = 1, rate = 1, arrivals = 1, in_flight = 1, max_in_flight = 1, shape = 1, replay = 1,
  timeout = 1, connect_timeout = 1, first_byte_timeout = 1, silence_timeout = 1, connection = 1, stall = 1,
  on_429 = 1, http = 1, redirects = 1 }
local LOAD_TIMES = { "run_time", "stop_timeout", "warm_up", "timeout", "connect_timeout", "first_byte_timeout",
  "silence_timeout", "stall" }

local shapes = require("spate.shape")(tools)
spate.spike = shapes.spike
local replays = require("spate.replay")(tools)

function spate.replay(path, options)
  local opened = replays.open(path, options) -- no tail call: its errors name the plan's line
  return opened
end

function spate.load(options)
  expect(options, "table", "load{…}")
  check_members(options, LOAD_MEMBERS, "load{…}")
  for key, value in pairs(options) do plan.load[key] = value end
  for _, key in ipairs(LOAD_TIMES) do
    if options[key] ~= nil then plan.load[key] = seconds(options[key], "load." .. key) end
  end
  for _, key in ipairs { "users", "spawn_rate", "iterations", "seed", "in_flight", "max_in_flight" } do
    local value = options[key]
    if value ~= nil then
      expect(value, "number", "load." .. key)
      if not (value >= 0) then fail("load.%s must not be negative", key) end
      if key ~= "spawn_rate" and (value % 1 ~= 0 or value > 2^53) then fail("load.%s must be a whole number up to 2^53", key) end
    end
  end
  if options.shape ~= nil then plan.load.shape = shapes.read(options.shape) end
  if options.replay ~= nil then plan.load.replay = replays.read(options.replay) end
  if options.host ~= nil then expect(options.host, "string", "load.host") end
  plan.load.on_429 = retry.read(plan.load.on_429, "load.on_429", { check_members = check_members, seconds = seconds })
  reach.check(options, "load{…}")
  core.host = core.host or options.host
end

function spate.slo(list)
  if type(list) == "string" then list = { list } end
  expect(list, "table", "slo{…}")
  for _, expression in ipairs(list) do
    local fault = core.slo_fault(expect(expression, "string", "each of slo{…}"))
    if fault then fail("%s", fault) end
    plan.slo[#plan.slo + 1] = expression
  end
end

local read_watchers = require("spate.watch")(tools, plan.watch)
function spate.watch(watchers)
  read_watchers(watchers) -- no tail call: its errors name the plan's line
end

local HOOKS = { start = 1, stop = 1, user_start = 1, user_stop = 1 }

function spate.on(event, fn)
  if not HOOKS[event] then fail("on('%s', …): there is start, stop, user_start and user_stop", tostring(event)) end
  expect(fn, "function", "on('" .. event .. "', fn)")
  plan.hooks[event] = plan.hooks[event] or {}
  table.insert(plan.hooks[event], fn)
end

-- -- metrics of the plan's own ------------------------------------------------------------------------

local Metric = {}
Metric.__index = Metric
function Metric:add(value)
  expect(value, "number", "metric:add(value)")
  if not (value >= 0 and value < math.huge) then fail("metric:add(%s): a metric takes numbers from 0", tostring(value)) end
  core.metric(self.name, self.unit, value)
end

function spate.metric(name, unit)
  expect(name, "string", "metric(name, unit)")
  return setmetatable({ name = name, unit = unit or "" }, Metric)
end

-- -- JSON ---------------------------------------------------------------------------------------------

spate.json = { encode = core.json_encode, decode = core.json_decode, null = core.null }
function spate.array(t) return setmetatable(t or {}, core.array_mt) end

function spate.now() return core.now() end
function spate.log(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  core.log(table.concat(parts, " "))
end
print = spate.log -- standard output belongs to the summary, or to the document that was asked for there

-- -- what a request gives back ------------------------------------------------------------------------

local function parse_headers(raw)
  local headers = {}
  for name, value in raw:gmatch("([^:\r\n]+):[ \t]*([^\r\n]*)") do
    local key = name:lower()
    headers[key] = headers[key] and headers[key] .. ", " .. value or value
  end
  return setmetatable(headers, { __index = function(t, key) return rawget(t, tostring(key):lower()) end })
end

core.result_mt.__index = function(result, key)
  if key == "headers" then
    local headers = parse_headers(rawget(result, "_headers") or "")
    result.headers = headers
    return headers
  elseif key == "json" then
    local value = core.json_decode(rawget(result, "text") or "")
    result.json = value
    return value
  end
end

core.event_mt.__index = function(event, key)
  if key == "json" then
    local value = core.json_decode(rawget(event, "data") or "")
    event.json = value
    return value
  end
end

-- -- the user object ----------------------------------------------------------------------------------

local User = {}
User.__index = User

-- Each member and its type; a time is a number of seconds or a text like "5s".
local REQUEST_MEMBERS = { method = "string", path = "string", url = "string", json = "any", body = "string", form = "table",
  headers = "table", name = "string", timeout = "time", stream = "any", on_event = "function", first_byte_timeout = "time",
  silence_timeout = "time", connection = "string", gzip = "boolean", content_type = "string",
  hang_up = "table", read = "table", role = "string", on_429 = "any",
  http = "string", redirects = "any", cookies = "boolean", auth = "table", multipart = "table",
  answer = "string" }
local STREAMS = { dify = 1, openai = 1, sse = 1 }

local function form_encode(form)
  local parts = {}
  for _, key in ipairs(sorted_keys(form)) do
    parts[#parts + 1] = core.url_encode(tostring(key)) .. "=" .. core.url_encode(tostring(form[key]))
  end
  return table.concat(parts, "&")
end

local tools = { check_members = check_members, seconds = seconds }

local function check_spec(spec)
  expect(spec, "table", "request{…}")
  if getmetatable(spec) then -- only its own members count
    local own = {}
    for key, value in pairs(spec) do own[key] = value end
    spec = own
  end
  for key, value in pairs(spec) do
    local kind = REQUEST_MEMBERS[key]
    if not kind then check_members(spec, REQUEST_MEMBERS, "request{…}") end
    if kind == "time" then
      if type(value) ~= "number" or not (value >= 0) then spec[key] = seconds(value, "request." .. key) end
    elseif kind ~= "any" and type(value) ~= kind then
      expect(value, kind, "request." .. key)
    end
  end
  if spec.connection or spec.http or spec.redirects ~= nil or spec.auth then reach.check(spec, "request{…}") end
  local stream = spec.stream
  if stream and type(stream) ~= "function" and not STREAMS[stream] then
    fail("request{stream = %s}: there is \"dify\", \"openai\", \"sse\" or a function", tostring(stream))
  end
  if spec.answer and (stream or spec.answer ~= "dify") then
    fail("request{answer = '%s'}: there is \"dify\", for an answer that is no stream", spec.answer)
  end
  if spec.json ~= nil and (spec.body or spec.form) or spec.multipart and (spec.json ~= nil or spec.body or spec.form) then
    fail("request{…} takes one of json, body, form and multipart")
  end
  if spec.form then
    spec.body = form_encode(spec.form)
    spec.content_type = "application/x-www-form-urlencoded"
  end
  if spec.on_429 then spec.on_429 = retry.read(spec.on_429, "on_429", tools) end
  if spec.hang_up or spec.read or spec.role then streams.check(spec, tools) end
  return spec
end
tools.check_spec = check_spec

-- The pointer that C knows the user by; a user that has left has none.
local function handle(self)
  local u = type(self) == "table" and rawget(self, "_u")
  if u then return u end
  if u == false and type(self) == "table" then fail("this user has left the run") end
  fail("call this on a user: user:request{…}")
end

tools.handle = handle

-- The spec to ask with again, after a pause; nil where the result stands.
function tools.retry(user, spec, result, state)
  if result.status ~= 429 then return nil end
  return retry.again(user, spec.on_429 or user._on_429 or plan.load.on_429, spec, result, state, function(s)
    core.sleep(handle(user), s)
  end)
end

local function ask(user, spec)
  local u = handle(user)
  spec = check_spec(spec)
  local result = core.request(u, spec)
  if result.status ~= 429 then return result end
  local state, again = {}, nil
  repeat
    again = tools.retry(user, spec, result, state)
    if again then result = core.request(u, again) end
  until not again
  return result
end

function User:request(spec)
  return ask(self, spec)
end

--- spate.request{…}: a task that is this one request, the same each time.
function spate.request(spec)
  local own = {}
  for key, value in pairs(expect(spec, "table", "request{…}")) do own[key] = value end
  own = check_spec(own)
  return setmetatable({ spec = own, run = function(user) ask(user, own) end }, Request)
end

-- The spec that C can start by itself (src/script/ready_request.c); nil where the task's function has to.
function spate._ready_request(class_index, task_index)
  local class = plan.classes[class_index]
  local spec = class.tasks[task_index].request
  if not spec or spec.on_event or spec.hang_up or type(spec.stream) == "function" then return nil end
  local policy = spec.on_429 or class.on_429 or plan.load.on_429
  if policy and policy.policy ~= "fail" then return nil end
  return spec
end

local function short_spec(method, path, options)
  local spec = { method = method, path = path }
  if options ~= nil then expect(options, "table", "what stands behind the path") end
  for key, value in pairs(options or {}) do spec[key] = value end
  return spec
end

function User:get(path, options) return ask(self, short_spec("GET", path, options)) end

function User:post(path, options) return ask(self, short_spec("POST", path, options)) end

-- for event in user:stream{…} do … end; afterwards stream.result. Leaving the loop early hangs up (abandoned).
local Stream = {}
Stream.__index = Stream
function Stream:__call()
  if self.result then return nil end
  local event, result = core.next_event(handle(self._user), self._x)
  if event then return event end
  local again = result and tools.retry(self._user, self._spec, result, self)
  if again then
    self._x = core.stream(handle(self._user), again)
    return self()
  end
  self.result = result
end
function Stream:close()
  if not self.result then core.hang_up(handle(self._user), self._x) end
end
-- Back-pressure: the next event that is asked for reads on.
function Stream:pause()
  if not self.result then core.pause(handle(self._user), self._x) end
end
function Stream:resume()
  if not self.result then core.resume(handle(self._user), self._x) end
end

function User:stream(spec)
  if type(spec) == "table" and not spec.stream then spec.stream = "sse" end
  local u = handle(self)
  spec = check_spec(spec)
  return setmetatable({ _user = self, _spec = spec, _x = core.stream(u, spec) }, Stream)
end
streams.extend(User, tools)

reach.add_methods(User, handle)

function User:sleep(s) core.sleep(handle(self), seconds(s, "sleep(seconds)")) end
function User:think() core.think(handle(self)) end

-- The row of the plan's replay that the task under way serves, as a table.
function User:row()
  local row = replays.row(handle(self))
  return row
end

function User:check(condition, message)
  if condition then return true end
  core.check(handle(self), message and tostring(message) or "check failed")
  return false
end

function spate._make_user(u, id, class, task_names)
  local user = setmetatable({ _u = u, id = id, class = class, data = {} }, User)
  for _, known in ipairs(plan.classes) do
    if known.name == class then user._on_429 = known.on_429 end
  end
  user.random = function(a, b, c)
    if a == user then a, b = b, c end
    return core.random(handle(user), a, b)
  end
  return user
end

-- One coroutine a user runs its tasks, hooks included; C resumes it with the next function to run. An error ends
-- the task, not the user.
local function describe_error(err)
  if type(err) == "string" then return err end
  return type(err) == "table" and "an error that is a table" or tostring(err) -- its address would tell all of them apart
end

function spate._runner(user, run)
  while true do
    local ok, err = xpcall(run, describe_error, user)
    run = core.done(user._u, ok, err)
  end
end

local function chain(list, own)
  if not list and not own then return nil end
  return function(user)
    for _, fn in ipairs(list or {}) do fn(user) end
    if own then own(user) end
  end
end

function spate._user_hook(which, class_index)
  local class = plan.classes[class_index]
  local own = { user_start = class.on_start, user_stop = class.on_stop }
  return chain(plan.hooks[which], own[which])
end

-- -- data files ---------------------------------------------------------------------------------------

local feed = require("spate.feed")
function spate.feed(path, options)
  local opened = feed.open(path, options, 2) -- no tail call: its errors name the plan's line
  return opened
end

return spate
