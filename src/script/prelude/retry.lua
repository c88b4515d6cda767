-- on_429 of a request, a class or spate.load: what a user does when the target says that it asks too often. Every attempt
-- is a request of its own, with its own intended start and outcome; the plan gets the last one's result.
local core = require("spate.core")

local M = {}

local POLICIES = { fail = 1, wait = 1, back_off = 1 }
local MEMBERS = { policy = 1, at_most = 1, retries = 1 }
local AT_MOST_S, RETRIES, FIRST_S = 60, 5, 1

local function fail(format, ...)
  error(core.place() .. string.format(format, ...), 0)
end

-- "wait" or { policy = "wait", at_most = "30s", retries = 3 } -> the table with all its members
function M.read(value, what, tools)
  if value == nil or getmetatable(value) == M then return value end
  if type(value) == "string" then value = { policy = value } end
  if type(value) ~= "table" then fail("%s must be \"fail\", \"wait\", \"back_off\" or { policy = … }", what) end
  tools.check_members(value, MEMBERS, what)
  if not POLICIES[value.policy] then
    fail("%s '%s': there is fail, wait and back_off", what, tostring(value.policy))
  end
  local retries = value.retries or RETRIES
  if type(retries) ~= "number" or retries < 1 or retries % 1 ~= 0 or retries > 1000 then
    fail("retries of %s must be a whole number from 1 to 1000", what)
  end
  local at_most = value.at_most and tools.seconds(value.at_most, "at_most of " .. what) or AT_MOST_S
  return setmetatable({ policy = value.policy, retries = retries, at_most = at_most }, M)
end

-- Doubles from a second on; the second half of it is left to chance, so that users that were refused together do not
-- come back together.
local function back_off(user, policy, tries)
  return math.min(policy.at_most, FIRST_S * 2 ^ (tries - 1)) * (0.5 + 0.5 * user.random())
end

local function pause(user, policy, result, tries)
  if policy.policy == "back_off" then return back_off(user, policy, tries) end
  local asked = core.retry_after(result.headers["retry-after"], result.headers.date)
  return asked and math.min(policy.at_most, asked) or back_off(user, policy, tries)
end

-- The spec to ask with again, after the pause that the policy says; nil where the result stands. `state` counts.
function M.again(user, policy, spec, result, state, sleep)
  if result.status ~= 429 or not policy or policy.policy == "fail" then return nil end
  state.tries = (state.tries or 0) + 1
  if state.tries > policy.retries then return nil end
  sleep(pause(user, policy, result, state.tries))
  local copy = {}
  for key, value in pairs(spec) do copy[key] = value end
  copy._retry = true
  return copy
end

return M
