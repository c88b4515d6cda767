-- What a user does in the middle of a stream, one part a run; what it found goes to /report.
local spate = require("spate")
local dify = require("spate.dify")

local part = spate.param("part", "tokens")
local app = dify.app { key = "app-test" }

local function report(user, values) user:post("/report", { json = values, name = "report", role = "probe" }) end

local function seen(result)
  return { outcome = result.outcome, hung_up = result.hung_up, text = result.text, tokens = result.tokens,
    status = result.status }
end

local parts = {}

local function hang_up(user, rule)
  report(user, seen(user:request { path = "/endless", stream = "sse", name = "stream", hang_up = rule }))
end
function parts.tokens(user) hang_up(user, { tokens = 3 }) end
function parts.after(user) hang_up(user, { after = "80ms" }) end
function parts.after_nothing(user) report(user, seen(user:get("/hang", { name = "stream", hang_up = { after = 0.05 } }))) end
function parts.event(user) hang_up(user, { event = "node" }) end
function parts.judged(user) hang_up(user, { event = function(event) return event.data == "4" end }) end
function parts.first_of_all(user) hang_up(user, { after = 30, event = "never", tokens = 2 }) end
function parts.too_late(user)
  report(user, seen(user:request { path = "/short", stream = "sse", name = "stream", hang_up = { after = 30, tokens = 99 } }))
end
function parts.broken_judge(user) hang_up(user, { event = function(event) return event.no.such end, after = 0.2 }) end

function parts.iterated(user)
  local got = {}
  local stream = user:stream { path = "/lump", name = "stream", hang_up = { tokens = 3 } }
  for event in stream do got[#got + 1] = event.data .. (event.t and "" or "!") end
  local values = seen(stream.result)
  values.got = table.concat(got, ",")
  report(user, values)
end

function parts.closed(user)
  local stream = user:stream { path = "/endless", name = "stream" }
  stream()
  stream:close()
  local handle = user:start { path = "/endless", stream = "sse", name = "stream" }
  user:sleep(0.05)
  handle:close()
  local values = seen(handle:result())
  values.again = handle:result().outcome
  report(user, values)
end

-- Dify's stop endpoint
function parts.stop(user)
  report(user, seen(app:chat(user, { query = "x", user = "someone", name = "stream", hang_up = { tokens = 1, stop = true } })))
  local stream = app:chat_stream(user, { query = "x", name = "stream", hang_up = { stop = true } })
  for event in stream do
    if event.kind == "token" then stream:close() break end
  end
  app:workflow(user, { name = "stream", hang_up = { event = "workflow_started", stop = true } })
end
function parts.stop_too_early(user)
  report(user, seen(user:request { path = "/hang", name = "stream", stream = "dify",
    hang_up = { after = 0.05, stop = function(result) return result.task_id and { path = "/v1/stop" } end } }))
end

-- several at once
function parts.several(user)
  local handles = {}
  for i = 1, 5 do handles[i] = user:start { path = "/short?" .. i, stream = "sse", name = "stream" } end
  local between = user:get("/text", { name = "between" })
  local open = 0
  for _, handle in ipairs(handles) do open = open + (handle:done() and 0 or 1) end
  local a, b, c, d, e = user:wait(unpack(handles))
  local all = user:parallel { { path = "/short", stream = "sse", name = "stream" }, { path = "/text", name = "between" } }
  report(user, { ok = a.ok and b.ok and c.ok and d.ok and e.ok and all[1].ok and all[2].ok, between = between.ok,
    text = e.text, open = open })
end
function parts.left_running(user) user:start { path = "/short", stream = "sse", name = "stream" } end
function parts.task_breaks(user)
  user:start { path = "/endless", stream = "sse", name = "stream" }
  user:sleep(0.05)
  error("broke on purpose")
end
function parts.iterated_beside(user)
  local stream = user:stream { path = "/short", name = "stream" }
  local text = ""
  for event in stream do
    if text == "" then text = user:start { path = "/short", stream = "sse", name = "beside" }:result().text .. "/" end
    text = text .. event.data
  end
  report(user, { text = text, ok = stream.result.ok })
end
function parts.checked(user)
  local handle = user:start { path = "/short", stream = "sse", name = "stream" }
  user:check(handle:result().text == "other", "not that text")
end
function parts.too_many(user)
  for _ = 1, 200 do user:start { path = "/hang", name = "stream" } end
end
local kept
function parts.another_task(user)
  if kept then kept:result() end
  kept = user:start { path = "/text", name = "stream" }
end

-- reading slowly
function parts.slow(user)
  local result = user:get("/big", { name = "stream", read = { bytes_per_s = 4e6 } })
  report(user, { ok = result.ok, bytes = #result.text })
end
function parts.paused(user)
  local handle = user:start { path = "/short", stream = "sse", name = "stream" }
  handle:pause()
  handle:pause()
  user:sleep(1)
  local open = not handle:done()
  handle:resume()
  local result = handle:result()
  local stream = user:stream { path = "/short", name = "stream" }
  stream:pause()
  user:sleep(0.1)
  for _ in stream do end -- asking for an event reads on
  local forgotten = user:start { path = "/short", stream = "sse", name = "stream" }
  forgotten:pause()      -- the task's end reads on
  report(user, { ok = result.ok and stream.result.ok, open = open, text = result.text })
end

-- rate limits
local function ask(user, path, on_429, stream)
  local spec = { path = path, name = "stream", on_429 = on_429 }
  local result
  if stream == "iterate" then
    local events = user:stream(spec)
    for _ in events do end
    result = events.result
  elseif stream == "start" then
    result = user:start(spec):result()
  else
    result = user:request(spec)
  end
  report(user, seen(result))
end
function parts.limited(user) ask(user, "/limited") end
function parts.limited_wait(user) ask(user, "/limited", "wait") end
function parts.limited_back_off(user) ask(user, "/limited", { policy = "back_off", at_most = 0.2 }) end
function parts.limited_iterated(user) ask(user, "/limited-sse", "wait", "iterate") end
function parts.limited_started(user) ask(user, "/limited", "wait", "start") end
function parts.limited_for_good(user) ask(user, "/never", { policy = "wait", at_most = 0.05, retries = 3 }) end

-- probes
function parts.probes(user)
  user:get("/text", { name = "same" })
  user:get("/text", { name = "same", role = "probe" })
  user:get("/text", { name = "same", role = "setup" })
  user:get("/missing", { name = "lost", role = "probe" })
  user:request { path = "/short", stream = "sse", name = "watched", role = "probe" }
end

-- everything in any order, for as long as it goes
function parts.mixed(user)
  local verbs = {
    function() user:get("/text") end,
    function() user:get("/hang", { hang_up = { after = user.random(1, 60) / 1000 } }) end,
    function() user:request { path = "/endless", stream = "sse", hang_up = { tokens = user.random(1, 4) } } end,
    function() user:start { path = "/short", stream = "sse", read = { bytes_per_s = 200 } } end,
    function() user:start { path = "/hang", hang_up = { after = user.random(1, 300) / 1000 } } end,
    function() user:start { path = "/endless", stream = "sse" }:close() end,
    function() user:parallel { { path = "/short", stream = "sse" }, { path = "/text" }, { path = "/limited", on_429 = "fail" } } end,
    function() user:wait(user:start { path = "/short", stream = "sse", hang_up = { event = "node" } }) end,
    function() for event in user:stream { path = "/endless" } do if event.data == "2" then break end end end,
    function() local h = user:start { path = "/short", stream = "sse" } h:pause() user:sleep(0.02) h:resume() end,
    function() app:chat(user, { query = "x", hang_up = { tokens = 1, stop = true } }) end,
    function() user:get("/text", { role = "probe" }) end,
    function() user:request { path = "/reset" } end,
    function() user:sleep(user.random(1, 30) / 1000) end,
    function() error("a task breaks") end,
  }
  for _ = 1, user.random(1, 6) do verbs[user.random(1, #verbs)]() end
end

spate.user("U", {
  on_429 = part == "limited_class" and "wait" or nil,
  on_start = function(user)
    if part ~= "mixed" then return end
    user:get("/text", { role = "setup" })
    user:start { path = "/short", stream = "sse", hang_up = { tokens = 2 } }
  end,
  on_stop = function(user)
    if part == "mixed" then user:start { path = "/short", stream = "sse" } end
  end,
  tasks = { t = parts[part] or parts.limited },
})
