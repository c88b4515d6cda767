-- wrk's script: like spate's plan, a Lua function makes each request.
request = function()
  return wrk.format("GET", "/healthz")
end
