-- Short GETs over HTTP/2, with no Lua a request (h2load has no script either). connection: "user" is a connection each,
-- "shared" one for 100 users.
local spate = require("spate")

local connection = spate.param("connection", "user", "user or shared")

spate.user("GetUser", {
  connection = connection,
  tasks = {
    get = spate.request { path = "/healthz" },
  },
})
