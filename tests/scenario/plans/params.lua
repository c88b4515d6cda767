-- Parameters of every type; the task posts what it got.
local spate = require("spate")

local values = {
  text = spate.param("text", "default text", "a text"),
  number = spate.param("number", 2.5, "a number"),
  flag = spate.param("flag", false, "true or false"),
  table_form = spate.param("table_form", { default = 7, description = "by a table" }),
  optional = spate.param("optional", { optional = true }) or "absent",
  api_key = spate.param("api_key", "k-default"),
}

spate.user("Reporter", { tasks = { report = function(user) user:post("/report", { json = values }) end } })
spate.load { iterations = 1 }
