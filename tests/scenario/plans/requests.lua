-- Every member of a request and of its result. What a task found out it posts to /report, where the test reads it.
local spate = require("spate")

local function report(user, what, values)
  values.what = what
  user:post("/report", { json = values, name = "report" })
end

spate.user("Requester", {
  tasks = {
    all = function(user)
      user:get("/plain?a=1")
      user:post("/json", { json = { text = "文 \"q\"", n = 1.5, list = spate.array { 1, "two", true }, none = spate.json.null,
        empty = {}, no_items = spate.array {} } })
      user:post("/body", { body = "raw \0 bytes", headers = { ["Content-Type"] = "application/octet-stream", ["X-One"] = "1" } })
      user:post("/form", { form = { a = "x y&z", b = 2, ["ü"] = "=" } })
      user:request { method = "PUT", path = "/put", body = "" }
      user:request { method = "DELETE", path = "/delete" }
      user:request { method = "PATCH", path = "/patch", json = {}, name = "patching" }
      user:get("/headers", { headers = { Authorization = "Bearer x", ["User-Agent"] = "me/1", Accept = "text/plain", Host = "other.example" } })
      local echo = user:post("/echo", { json = { deep = { er = { 1, 2 } } } })
      report(user, "result", { ok = echo.ok, outcome = echo.outcome, status = echo.status, type = echo.headers["Content-Type"],
        lower = echo.headers["content-type"], several = echo.headers["x-several"], none = echo.headers["x-none"] == nil,
        deep = echo.json.deep.er[2], text = echo.text, ordered = echo.ttfb <= echo.e2e, error = echo.error == nil, events = echo.events })
      local missing = user:get("/missing")
      report(user, "missing", { ok = missing.ok, outcome = missing.outcome, status = missing.status, error = missing.error,
        text = missing.text })
      local broken = user:get("/reset")
      report(user, "broken", { ok = broken.ok, outcome = broken.outcome, status = broken.status, error = broken.error, ttfb = broken.ttfb == nil })
      local late = user:get("/late", { timeout = 0.2 })
      report(user, "late", { outcome = late.outcome })
      local no_json = user:get("/text")
      report(user, "no json", { json = no_json.json == nil, text = no_json.text })
      user:get("/fresh", { connection = "request" })
    end,
  },
})

spate.load { iterations = 1 }
