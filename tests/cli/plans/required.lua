-- A plan that needs a parameter.
local spate = require("spate")

local token = spate.param("token", { description = "what lets you in" })

spate.user("U", { tasks = { a = function(user) user:get("/?" .. token) end } })
