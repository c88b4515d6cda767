-- spate.watch{…}: what looks at the target while the load runs. Kinds and their options are checked by C (src/watch) before
-- the run; here only the form is.
--
--   spate.watch { kind = "postgres", url = "postgresql://spate@db1/dify", interval = 0.5, password_file = "pg.txt" }
--   spate.watch { "scrape=http://db1:9187/metrics", { kind = "host", url = "local", subject = "load generator" } }
return function(tools, list)
  local fail, expect = tools.fail, tools.expect

  -- query = { name = "…" } becomes "query.name"
  local function add_option(options, key, value)
    if type(value) == "table" then
      for _, inner in ipairs(tools.sorted_keys(value)) do add_option(options, key .. "." .. tostring(inner), value[inner]) end
      return
    end
    if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      fail("watch.%s must be a text, a number or a boolean", key)
    end
    options[#options + 1] = { key = key, value = tostring(value) }
  end

  local function read_table(given)
    local watcher = { options = {} }
    watcher.kind = expect(given.kind, "string", "watch.kind")
    watcher.url = expect(given.url, "string", "watch.url")
    if given.subject ~= nil then watcher.subject = expect(given.subject, "string", "watch.subject") end
    if given.interval ~= nil then watcher.interval = tools.seconds(given.interval, "watch.interval") end
    for _, key in ipairs(tools.sorted_keys(given)) do
      if type(key) ~= "string" then fail("watch{…} takes one watcher, or a list of them") end
      if key ~= "kind" and key ~= "url" and key ~= "subject" and key ~= "interval" then
        add_option(watcher.options, key, given[key])
      end
    end
    return watcher
  end

  local function read(given)
    if type(given) == "string" then return { text = given } end -- as --watch has it
    return read_table(expect(given, "table", "each of watch{…}"))
  end

  return function(given)
    if type(given) == "string" then given = { given } end
    expect(given, "table", "watch{…}")
    if given.kind ~= nil or given.url ~= nil then given = { given } end
    for key in pairs(given) do
      if type(key) ~= "number" then fail("watch{…} has no kind: write { kind = \"postgres\", url = \"…\" }") end
    end
    for _, one in ipairs(given) do list[#list + 1] = read(one) end
  end
end
