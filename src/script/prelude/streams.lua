-- What a plan does in the middle of a stream: hang up, read slowly, have several at once. spate.lua puts it on its users.
local core = require("spate.core")

local M = {}

local function fail(format, ...)
  error(core.place() .. string.format(format, ...), 0)
end

-- -- hang_up = { after =, event =, tokens =, stop = } and read = { bytes_per_s = } of a request --------

local HANG_UP_MEMBERS = { after = 1, event = 1, tokens = 1, stop = 1 }

local function check_event(event)
  if event ~= nil and type(event) ~= "string" and type(event) ~= "function" then
    fail("hang_up.event must be an event's name or a function, not a %s", type(event))
  end
end

-- `tools` are spate.lua's: seconds, check_members, check_spec. The plan's own table stays as it is: it may be used again.
local function check_hang_up(spec, tools)
  local rule = spec.hang_up
  if getmetatable(rule) == M then return end -- looked at before
  tools.check_members(rule, HANG_UP_MEMBERS, "hang_up")
  check_event(rule.event)
  local tokens = rule.tokens
  if tokens ~= nil and (type(tokens) ~= "number" or tokens < 1 or tokens % 1 ~= 0 or tokens > 2^53) then
    fail("hang_up.tokens must be a whole number from 1")
  end
  if rule.stop ~= nil and type(rule.stop) ~= "function" then
    fail("hang_up.stop must be a function from the result to the request that stops it (or true with spate.dify)")
  end
  if not (rule.after or rule.event or tokens or rule.stop) then fail("hang_up{…} needs after, event or tokens") end
  if (rule.event or tokens) and not spec.stream then fail("hang_up by event or tokens needs a stream") end
  spec.hang_up = setmetatable({
    after = rule.after and tools.seconds(rule.after, "hang_up.after"), event = rule.event, tokens = tokens,
    stop = rule.stop and function(result)
      local stop = rule.stop(result)
      return stop and tools.check_spec(stop)
    end,
  }, M)
end

local function check_read(spec, tools)
  tools.check_members(spec.read, { bytes_per_s = 1 }, "read")
  local rate = spec.read.bytes_per_s
  if type(rate) ~= "number" or not (rate > 0) then fail("read.bytes_per_s must be a number above 0") end
end

local ROLES = { load = 1, probe = 1, setup = 1 }

function M.check(spec, tools)
  if spec.hang_up then check_hang_up(spec, tools) end
  if spec.read then check_read(spec, tools) end
  if spec.role and not ROLES[spec.role] then
    fail("request{role = '%s'}: there is load, probe and setup", spec.role)
  end
end

-- -- a started request --------------------------------------------------------------------------------

local Handle = {}
Handle.__index = Handle

-- Waits for its end; asks again where it was refused (on_429).
function Handle:result()
  while not self._result do
    local result = core.wait(self._of(self._user), self._x)
    if not result then fail("this request ended with the task that had started it: wait for it there") end
    local again = self._retry(self._user, self._spec, result, self)
    if again then self._x = core.start(self._of(self._user), again) else self._result = result end
  end
  return self._result
end

function Handle:done() return self._result ~= nil or core.ended(self._of(self._user), self._x) end

function Handle:close() if not self._result then core.close(self._of(self._user), self._x) end end

function Handle:pause() if not self._result then core.pause(self._of(self._user), self._x) end end

function Handle:resume() if not self._result then core.resume(self._of(self._user), self._x) end end

-- -- the user's part ----------------------------------------------------------------------------------

-- `tools` has also: handle (the pointer that C knows a user by), retry.
function M.extend(User, tools)
  --- user:start{…}: as user:request, but goes on by itself; gives a handle.
  function User:start(spec)
    local u = tools.handle(self)
    spec = tools.check_spec(spec)
    return setmetatable({ _user = self, _spec = spec, _x = core.start(u, spec), _of = tools.handle,
      _retry = tools.retry }, Handle)
  end

  --- user:wait(handle, …): waits for all of them; gives their results.
  function User:wait(...)
    local results, count = {}, select("#", ...)
    for i = 1, count do
      local one = select(i, ...)
      if getmetatable(one) ~= Handle then fail("wait(handle, …) takes what user:start gave") end
      if one._user ~= self then fail("wait(handle, …): this handle is another user's") end
      results[i] = one:result()
    end
    return unpack(results, 1, count)
  end

  --- user:parallel{ {…}, {…} }: starts all of them, waits for all; gives a list of results.
  function User:parallel(list)
    if type(list) ~= "table" or #list == 0 then fail("parallel{ {…}, {…} } takes a list of requests") end
    local handles, results = {}, {}
    for i, spec in ipairs(list) do handles[i] = self:start(spec) end
    for i, one in ipairs(handles) do results[i] = one:result() end
    return results
  end
end

return M
