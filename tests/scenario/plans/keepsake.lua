-- A user that outlives its user: what one user left in a global, another one calls.
local spate = require("spate")

local kept = {}

spate.user("Keeper", {
  on_stop = function(user)
    user:sleep(0.05 * user.id) -- so that the ones before are gone
    for _, other in ipairs(kept) do
      local ok = other ~= user and pcall(function() return other:get("/") end)
      if ok then error("a user that is gone has asked something") end
      pcall(function() return other.random(3) end)
      if other ~= user then pcall(function() return other:think() end) end
    end
  end,
  tasks = {
    keep = function(user)
      kept[#kept + 1] = user
      user:get("/")
      if kept[1] ~= user then pcall(function() return kept[1]:get("/") end) end
    end,
  },
})
