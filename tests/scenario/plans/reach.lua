-- Cookies, redirects, Basic authentication, uploads: a part each. What a task found out it posts to /report.
local spate = require("spate")
local dify = require("spate.dify")

local part = spate.param("part")
local file = spate.param("file", "", "to upload")
local other = spate.param("other", "", "another origin")

local function report(user, values)
  user:post("/report", { json = values, name = "report", cookies = false })
end

local parts = {}

function parts.cookies(user)
  user:get("/login?user=" .. user.id)
  local seen = { name = user:cookie("session"), none = user:cookie("none") == nil, deep = user:cookie("deep", "/deep/x") }
  user:get("/deep/page?user=" .. user.id)
  user:get("/without", { cookies = false })
  user:get("/own", { headers = { Cookie = "mine=1" } })
  user:set_cookie("set", "by plan", { path = "/" })
  user:get("/set")
  user:get("/logout")
  user:get("/after")
  user:clear_cookies()
  user:get("/cleared")
  report(user, seen)
end

function parts.wrong_cookie(user) user:set_cookie("a", "1", { domain = "elsewhere.example" }) end

function parts.redirects(user)
  local found = user:request { path = "/to/302/echo", json = { a = 1 }, redirects = true, name = "found" }
  local kept = user:request { path = "/to/307/echo", json = { a = 1 }, redirects = 1, name = "kept" }
  local chain = user:get("/hop/3", { redirects = true, name = "chain" })
  local plain = user:get("/to/302/echo", { name = "plain" })
  local over = user:get("/hop/3", { redirects = 2, name = "over" })
  local loop = user:get("/loop?key=app-123", { redirects = true, name = "loop" })
  local bad = user:get("/to/302/bad", { redirects = true, name = "bad" })
  local stream = user:request { path = "/to/303/own", json = {}, stream = "sse", redirects = 2, name = "stream" }
  report(user, { found = found.json.method, kept = kept.json.method, body = kept.json.a, chain = chain.redirects,
    url = chain.url, plain = plain.status, none = plain.redirects == nil, over = over.error, loop = loop.error,
    bad = bad.outcome, events = stream.events })
end

function parts.elsewhere(user)
  user:get("/to/302/" .. other, { redirects = true, name = "elsewhere", auth = { "me", "pass-word" },
    headers = { ["X-Api-Key"] = "k", ["X-Plain"] = "p" } })
end

function parts.auth(user)
  user:get("/auth", { auth = { "me", "pass-word" } })
  user:get("/class")
  user:get("/header", { headers = { Authorization = "Bearer x" } })
  local refused = user:get("/repeats", { auth = { "me", "pass-word" }, name = "refused" })
  report(user, { error = refused.error })
end

function parts.url_auth(user)
  local refused = user:get(other:gsub("//", "//me:pass%%2dword@") .. "/repeats", { name = "refused" })
  report(user, { error = refused.error })
end

function parts.upload(user)
  user:upload { path = "/upload", file = file, fields = { b = 2, a = "ü" }, name = "file" }
  user:upload { path = "/data", data = "a,b\n", filename = "x.csv", field = "doc" }
  user:request { path = "/parts", multipart = { one = "1", two = { data = "2", type = "text/x" },
    { name = "zero", data = "first" } } }
end

function parts.missing(user) user:upload { path = "/upload", file = file .. ".none" } end

function parts.shared(user) user:get("/shared", { connection = "shared" }) end

local app = dify.app { key = spate.param("key", "app-chat") }
function parts.dify(user)
  local upload = app:upload(user, file)
  user:check(upload.id ~= nil, "no id")
  local answer = app:chat(user, { query = "what is in it?", files = { upload.file }, name = "chat" })
  user:check(answer.ok and answer.text ~= "", "no answer")
  local stranger = { type = "document", transfer_method = "local_file", upload_file_id = ("0"):rep(36) }
  app:chat(user, { query = "and in this?", files = { stranger }, name = "stranger" })
end

spate.user("Reacher", { auth = part == "auth" and { "class", "class-word" } or nil, tasks = { [part] = parts[part] } })
spate.load { iterations = 1 }
