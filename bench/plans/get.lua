-- Short keep-alive GETs through a Lua task: what `wrk -s bench/get.lua` does.
local spate = require("spate")

spate.user("GetUser", {
  tasks = {
    get = function(user) user:get("/healthz") end,
  },
})
