-- A user that outlives its user: what one user left in a global, another one calls.
local spate = require("spate")

local kept = {}

spate.user("Keeper", {
  on_stop = function(user)
    for _, other in ipairs(kept) do
      local ok, why = pcall(function() return other:get("/") end)
      if ok then error("a user that is gone has asked something") end
      pcall(function() return other.random(3) end)
      pcall(function() return other:think() end)
    end
  end,
  tasks = {
    keep = function(user)
      kept[#kept + 1] = user
      user:get("/")
      if #kept > 1 then pcall(function() return kept[1]:get("/") end) end
    end,
  },
})
