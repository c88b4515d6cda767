-- Short GETs over HTTP/2 through a Lua task. connection: "user" is a connection each, "shared" one for 100 users.
local spate = require("spate")

local connection = spate.param("connection", "user", "user or shared")

spate.user("GetUser", {
  connection = connection,
  tasks = {
    get = function(user) user:get("/healthz") end,
  },
})
