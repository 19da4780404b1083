-- Which requests may use a deployment. The keys are not here: each route knows the SHA-256 of those
-- of its deployment. A key is 256 random bits, so its hash needs neither salt nor rounds.
local band, bnot, bor, bxor = bit.band, bit.bnot, bit.bor, bit.bxor
local lshift, ror, rshift, tobit = bit.lshift, bit.ror, bit.rshift, bit.tobit
local byte = string.byte
local K = {@CONSTANTS@}
local START = {@START@}
local w = {}

-- The eight words of the SHA-256 of a text, FIPS 180-4.
local function sha256(text)
  local length = #text
  text = text .. "\128" .. string.rep("\0", (55 - length) % 64 + 4)
  local blocks = (#text + 4) / 64
  local h = {unpack(START)}
  for block = 0, blocks - 1 do
    for i = 1, 16 do
      local at = block * 64 + i * 4 - 3
      if at > #text then
        w[i] = length * 8
      else
        local a, b, c, d = byte(text, at, at + 3)
        w[i] = bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
      end
    end
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
      w[i] = tobit(w[i - 16] + s0 + w[i - 7] + s1)
    end
    local a, b, c, d, e, f, g, z = unpack(h)
    for i = 1, 64 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local t1 = tobit(z + s1 + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i])
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local t2 = tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
      z, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
    end
    local found = {a, b, c, d, e, f, g, z}
    for i = 1, 8 do h[i] = tobit(h[i] + found[i]) end
  end
  return h
end

-- Whether a text has this hash; takes as long wherever they differ.
local function matches(text, expected)
  local h, difference = sha256(text), 0
  for i = 1, 8 do
    local word = tonumber(string.sub(expected, i * 8 - 7, i * 8), 16)
    difference = bor(difference, bxor(h[i], tobit(word)))
  end
  return difference == 0
end

local NOBODY = string.rep("0", 64)

-- keys: a line for each valid one, "id digest end", the end in milliseconds since 1970 or 0.
local function allowed(keys, given, now)
  local text = string.match(given, "^[Bb]earer +(.+)$")
  if text == nil or #text > 200 then return false end
  local id = string.match(text, "^mlk_(%w+)_") or "owner"
  local digest, ends = string.match(keys, "\n" .. id .. " (%x+) (%d+)\n")
  local same = matches(text, digest or NOBODY)
  return digest ~= nil and same and (ends == "0" or now < tonumber(ends))
end

local function refuses(handle)
  local route, headers = handle:metadata(), handle:headers()
  local given = headers:get("authorization")
  headers:remove("authorization")
  if route:get("open") then return false end
  if given == nil then return route:get("required") ~= false end
  return not allowed(route:get("keys") or "", given, handle:timestamp())
end

function envoy_on_request(handle)
  -- Envoy would let a request through at which this program fails.
  local ran, refused = pcall(refuses, handle)
  if ran and not refused then return end
  local answer = {[":status"] = "401", ["www-authenticate"] = "Bearer"}
  local kind = handle:headers():get("content-type") or ""
  if string.sub(kind, 1, 16) == "application/grpc" then
    handle:respond(answer, @TEXT@)  -- Envoy makes a status of gRPC and its message of it
  else
    answer["content-type"] = "application/json"
    handle:respond(answer, @BODY@)
  end
end
