-- What a plan says of an answer that the server called well.
local spate = require("spate")

spate.user("Checker", {
  tasks = {
    check = function(user)
      user:get("/a", { name = "right" })
      user:check(true, "never shown")
      user:get("/a", { name = "wrong" })
      user:check(false, "the price is wrong")
      user:get("/a", { name = "wrong twice" })
      user:check(nil, "first")
      user:check(false, "second")
      user:get("/a", { name = "bare" })
      user:check(false)
      user:get("/missing", { name = "failed already" })
      user:check(false, "and checked")
      local last = user:get("/a", { name = "last" })
      user:check(last.text == "something else", "last of its task: " .. last.text)
    end,
  },
})
spate.load { iterations = 3 }
