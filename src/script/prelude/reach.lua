-- How requests reach a target: connection, HTTP version, redirects, Basic authentication, cookies, uploads. Part of
-- require("spate"), which brings its helpers.
local core = require("spate.core")

local M = {}

-- `own`: what the members of a request, class or load{…} are checked with.
function M.open(own)
  local fail, expect, check_members = own.fail, own.expect, own.check_members
  local checks = {}

  function checks.connection(value, what)
    if value == "user" or value == "request" or value == "shared" then return value end
    fail("connection of %s must be \"user\" (kept alive), \"request\" (a new one each) or \"shared\" (among users)", what)
  end

  function checks.http(value, what)
    if value == "1.1" or value == "2" or value == "auto" then return value end
    fail("http of %s must be \"1.1\", \"2\" or \"auto\"", what)
  end

  function checks.redirects(value, what)
    if type(value) == "boolean" then return value end
    if type(value) == "number" and value >= 0 and value <= 100 and value % 1 == 0 then return value end
    fail("redirects of %s must be a whole number up to 100, true (10) or false", what)
  end

  function checks.cookies(value, what)
    if type(value) == "boolean" then return value end
    fail("cookies of %s must be true or false", what)
  end

  -- The values are not shown: one of them is a password.
  function checks.auth(value, what)
    if type(value) == "table" and #value == 2 and type(value[1]) == "string" and type(value[2]) == "string"
      and not value[1]:find(":", 1, true) then
      return value
    end
    fail("auth of %s must be { \"user\", \"password\" }, two texts, without ':' in the user", what)
  end

  --- M.check(table, what): those of the members above that it has
  local function check(t, what)
    for member, one in pairs(checks) do
      if t[member] ~= nil then one(t[member], what) end
    end
  end

  local COOKIE_MEMBERS = { path = 1, domain = 1, max_age = 1, secure = 1, url = 1 }
  local UPLOAD_MEMBERS = { file = 1, data = 1, field = 1, filename = 1, type = 1, fields = 1 }

  local function add_methods(User, handle)
    --- user:cookie(name [, url]): the value that a request to the host (or that path or URL) would send, or nil
    function User:cookie(name, url)
      return core.cookie(handle(self), expect(name, "string", "cookie(name)"), url)
    end

    --- user:set_cookie(name, value [, { path = "/", domain =, max_age =, secure =, url = }])
    function User:set_cookie(name, value, options)
      options = options or {}
      expect(name, "string", "set_cookie(name, …)")
      check_members(options, COOKIE_MEMBERS, "set_cookie{…}")
      if not core.set_cookie(handle(self), name, tostring(value), options.url, options.path, options.domain,
        options.max_age, options.secure) then
        fail("set_cookie('%s', …): the cookie's domain is not the host's, or its name or value cannot be one", name)
      end
    end

    --- user:set_cookies("a=1; b=2"): as a Cookie header has them, for the host
    function User:set_cookies(text)
      for name, value in expect(text, "string", "set_cookies(text)"):gmatch("([^=;%s]+)%s*=%s*([^;]*)") do
        self:set_cookie(name, (value:gsub("%s+$", "")))
      end
    end

    function User:clear_cookies() core.clear_cookies(handle(self)) end

    local function fields_of(fields)
      local parts = {}
      for _, name in ipairs(own.sorted_keys(fields or {})) do
        parts[#parts + 1] = { name = tostring(name), data = tostring(fields[name]) }
      end
      return parts
    end

    --- user:upload{ path =, file = PATH | data =, name =, filename =, type =, fields = {…} }: one file as a form,
    -- beside what a request takes. The form's own name of the file is `field` ("file").
    function User:upload(options)
      expect(options, "table", "upload{…}")
      local parts = fields_of(options.fields)
      parts[#parts + 1] = {
        name = options.field or "file", file = options.file, data = options.data, type = options.type,
        filename = options.filename or (options.data and "upload") or nil,
      }
      local spec = { multipart = parts }
      for member, value in pairs(options) do
        if not UPLOAD_MEMBERS[member] then spec[member] = value end
      end
      return self:request(spec)
    end
  end

  return { check = check, add_methods = add_methods }
end

return M
