-- Tasks that break, each in its own way; line numbers matter to the test.
local spate = require("spate")

local only, key = spate.param("only", "index"), spate.param("key", "sk-very-secret")

local breaks = {
  index = function(user) local nothing; return nothing.member end, -- line 7
  call = function(user) user:no_such_method() end,
  text = function() error("a text of the plan's own") end,
  bare = function() error() end,
  table = function() error({ code = 7 }) end,
  late = function(user) user:get("/"); error("behind a request") end,
  member = function(user) user:request { path = "/", metod = "GET" } end,
  stream = function(user) user:request { path = "/", stream = "difi" } end,
  url = function(user) user:get("ftp://example.org/") end,
  spaces = function(user) user:get("/with spaces\r\nX-Evil: 1") end,
  header = function(user) user:get("/", { headers = { ["X-Evil"] = "1\r\nX-More: 2" } }) end,
  check = function(user) user:check(false, "nothing was asked") end,
  deep = function() local function down(n) return 1 + down(n + 1) end; return down(1) end,
  yield = function() coroutine.yield(1) end,
  wrapped = function(user) coroutine.wrap(function() user:get("/") end)() end,
  long = function() error(("x"):rep(100000)) end,
  secret = function(user) error("the key is " .. key) end,
  types = function(user) user:get("/", { timeout = "5 parsecs" }) end,
  types2 = function(user) user:get("/", { headers = "X-A: 1" }) end,
  types3 = function(user) user:post("/", { body = { a = 1 } }) end,
  types4 = function(user) user:get("/", { connection = "none" }) end,
  twice = function(user)
    local spec = { path = "/", form = { a = 1 }, timeout = "5s", method = "POST" }
    user:request(spec)
    user:request(spec)
    error("but twice was well")
  end,
}

spate.user("Breaker", {
  tasks = {
    [only] = breaks[only],
    well = { weight = only == "late" and 1 or 1, run = function(user) user:get("/", { name = "well" }) end },
  },
})
spate.load { iterations = 40, users = 2 }
