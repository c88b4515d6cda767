-- Rows of files, in each order.
local spate = require("spate")

local feed = spate.feed(spate.param("file"), { order = spate.param("order", "sequential") })

spate.user("Reader", {
  tasks = {
    read = function(user)
      local row = feed:next(user)
      user:post("/report", { json = { row = row or "none", count = feed.count } })
    end,
  },
})
