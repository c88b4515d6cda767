local spate = require("spate")

spate.user("U", {
  tasks = { a = function( end },
})
