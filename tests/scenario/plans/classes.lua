-- Two user classes with weighted tasks; each task asks for its own path.
local spate = require("spate")

local pause = spate.param("pause", 0)

local function get(path)
  return function(user) user:get(path) end
end

spate.user("Reader", {
  weight = 3,
  think = spate.constant(pause),
  tasks = {
    ["read one"] = { weight = 2, run = get("/read-one") },
    ["read two"] = { weight = 1, run = get("/read-two") },
    never = { weight = 0, run = get("/never") },
  },
})

spate.user("Writer", {
  weight = 1,
  think = spate.constant(pause),
  tasks = {
    write = function(user) user:post("/write", { json = { a = 1 } }) end,
  },
})

spate.user("Nobody", { weight = 0, tasks = { nothing = get("/nobody") } })

spate.load { users = 8, iterations = 40 }
