-- Requests whose connection is not kept, or is.
local spate = require("spate")

local connection = spate.param("connection", "request")

spate.user("Short", {
  connection = connection,
  tasks = { short = function(user) user:get(spate.param("path", "/")) end },
})
