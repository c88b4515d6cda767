-- Every kind of think time, a class each, named for it.
local spate = require("spate")

local only = spate.param("only", "constant")

local kinds = {
  constant = spate.constant(0.2),
  between = spate.between(0.1, 0.3),
  exponential = spate.exponential(0.1),
  pace = spate.pace("200ms"),
  number = 0.2,
  custom = function(user)
    user.data.thoughts = (user.data.thoughts or 0) + 1
    return user.data.thoughts * 0.1
  end,
  broken = function() error("cannot think") end,
  silly = function() return "no number" end,
  negative = function() return -1 end,
}

spate.user("Thinker", { think = kinds[only], tasks = { think = function(user) user:get("/") end } })
