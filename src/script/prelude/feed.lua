-- spate.feed(path, { order = "random"|"sequential"|"once" }): rows of a CSV (RFC 4180, with a header line) or JSONL
-- file. feed:next(user) gives the next row as a table; nil when an "once" feed is used up. Each engine thread reads the
-- file itself; "sequential" and "once" share one position over all threads.
local core = require("spate.core")

local M = {}
local ORDERS = { random = 1, sequential = 1, once = 1 }

local function fail(format, ...)
  error(core.place() .. string.format(format, ...), 0)
end

-- One record of CSV from position `at`: a list of fields and the position behind it; nil at the end.
local function csv_record(text, at)
  if at > #text then return nil end
  local fields = {}
  while true do
    local value
    if text:sub(at, at) == '"' then
      local from, parts = at + 1, {}
      while true do
        local quote = text:find('"', from, true)
        if not quote then return nil, nil, "a quote that is never closed" end
        parts[#parts + 1] = text:sub(from, quote - 1)
        if text:sub(quote + 1, quote + 1) ~= '"' then at = quote + 1 break end
        parts[#parts + 1] = '"'
        from = quote + 2
      end
      value = table.concat(parts)
    else
      local stop = text:find("[,\r\n]", at) or #text + 1
      value = text:sub(at, stop - 1)
      at = stop
    end
    fields[#fields + 1] = value
    local c = text:sub(at, at)
    if c == "," then
      at = at + 1
    elseif c == "\r" and text:sub(at + 1, at + 1) == "\n" then
      return fields, at + 2
    elseif c == "\n" or c == "\r" or c == "" then
      return fields, at + 1
    else
      return nil, nil, "a character behind a closing quote"
    end
  end
end

local function read_csv(path, text)
  local rows, names, line = {}, nil, 0
  text = text:gsub("^\239\187\191", "")
  local at = 1
  while at <= #text do
    local fields, behind, why = csv_record(text, at)
    line = line + 1
    if not fields then fail("%s: record %d: %s", path, line, why or "cut") end
    at = behind
    if not names then
      names = fields
    elseif not (#fields == 1 and fields[1] == "") then
      if #fields ~= #names then
        fail("%s: record %d has %d fields, the header has %d", path, line, #fields, #names)
      end
      local row = {}
      for i, name in ipairs(names) do row[name] = fields[i] end
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function read_jsonl(path, text)
  local rows, line = {}, 0
  for entry in text:gmatch("([^\n]*)\n?") do
    line = line + 1
    if entry:find("%S") then
      local value, why = core.json_decode(entry)
      if value == nil then fail("%s:%d: %s", path, line, why or "no JSON") end
      rows[#rows + 1] = value
    end
  end
  return rows
end

local Feed = {}
Feed.__index = Feed

function Feed:next(user)
  if self.order == "random" then return self.rows[core.random(user and user._u, #self.rows)] end
  local n = core.feed_next(self.path)
  if self.order == "once" and n >= #self.rows then return nil end
  return self.rows[n % #self.rows + 1]
end
Feed.__call = Feed.next

function M.open(path, options)
  options = options or {}
  if type(path) ~= "string" then fail("feed(path): the path of a file is needed") end
  for key in pairs(options) do
    if key ~= "order" then fail("feed(path, {…}) has no member '%s' (it has: order)", tostring(key)) end
  end
  local order = options.order or "random"
  if not ORDERS[order] then fail("feed order '%s': there is random, sequential and once", tostring(order)) end
  local text, why = core.read_file(path)
  if not text then fail("cannot read the feed: %s", why) end
  local rows
  if path:match("%.jsonl$") or path:match("%.ndjson$") then
    rows = read_jsonl(path, text)
  else
    rows = read_csv(path, text)
  end
  if #rows == 0 then fail("the feed '%s' has no rows", path) end
  return setmetatable({ path = path, rows = rows, order = order, count = #rows }, Feed)
end

return M
