-- Streams: iterated, left early, watched by on_event, and read by a function of the plan's own.
local spate = require("spate")

local part = spate.param("part", "iterate")

local function report(user, what, values)
  values.what = what
  user:post("/report", { json = values, name = "report" })
end

local parts = {}

function parts.iterate(user)
  local seen = {}
  local stream = user:stream { path = "/dify", stream = "dify", name = "stream" }
  for event in stream do seen[#seen + 1] = event.name .. ":" .. event.kind .. (event.text and ":" .. event.text or "") end
  local result = stream.result
  report(user, "iterated", { seen = spate.array(seen), ok = result.ok, text = result.text, tokens = result.tokens,
    usage = result.usage and result.usage.completion_tokens, conversation = result.conversation_id })
end

function parts.leave(user)
  for event in user:stream { path = "/endless", name = "stream" } do
    if event.data == "3" then break end
  end
  report(user, "left", {})
end

function parts.close(user)
  local stream = user:stream { path = "/endless", name = "stream" }
  stream()
  stream:close()
  report(user, "closed", { over = stream() == nil })
end

function parts.leave_by_return(user)
  for event in user:stream { path = "/endless", name = "stream" } do
    if event.data == "2" then return end
  end
end

function parts.leave_by_error(user)
  for event in user:stream { path = "/endless", name = "stream" } do
    if event.data == "2" then error("had enough") end
  end
end

function parts.slow_reader(user)
  local count, last = 0, nil
  for event in user:stream { path = "/counted", stream = "sse", name = "stream" } do
    count, last = count + 1, event.data
    if count == 1 then user:sleep(0.2) end
  end
  report(user, "slow", { count = count, last = last })
end

function parts.on_event(user)
  local names, times, sorted = {}, {}, true
  local result = user:request { path = "/dify", stream = "dify", name = "stream", on_event = function(event)
    names[#names + 1] = event.name
    times[#times + 1] = event.t
    if event.name == "node_finished" then names[#names] = event.node.title .. "/" .. event.node.type .. "/" .. event.node.elapsed end
    if event.name == "message" then names[#names] = event.json.answer end
  end }
  for i = 2, #times do sorted = sorted and times[i] >= times[i - 1] end
  report(user, "watched", { names = spate.array(names), sorted = sorted, ok = result.ok })
end

function parts.on_event_error(user)
  user:request { path = "/dify", stream = "dify", name = "stream", on_event = function() error("in on_event") end }
  report(user, "after", {})
end

function parts.own(user)
  local result = user:request { path = "/own", name = "stream", stream = function(event)
    if event.data == "bye" then return "end" end
    if event.type == "oops" then return "error" end
    return event.json and event.json.delta and "token" or nil
  end }
  report(user, "own", { ok = result.ok, outcome = result.outcome, tokens = result.tokens, text = result.text, error = result.error })
end

function parts.own_error(user)
  local result = user:request { path = "/oops", name = "stream", stream = function(event)
    return event.type == "oops" and "error" or "token"
  end }
  report(user, "own", { ok = result.ok, outcome = result.outcome })
end

function parts.own_without_end(user)
  user:request { path = "/own", name = "stream", stream = function(event) return event.data == "nothing" and "end" or "token" end }
end

function parts.own_that_breaks(user)
  user:request { path = "/own", name = "stream", stream = function(event) return event.nothing.at_all end }
end

function parts.own_that_is_silly(user)
  user:request { path = "/own", name = "stream", stream = function() return "tokn" end }
end

spate.user("Streamer", { tasks = { [part] = parts[part] } })
spate.load { iterations = 1 }
