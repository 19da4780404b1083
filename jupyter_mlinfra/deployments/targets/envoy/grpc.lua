-- Which deployment a call of the Open Inference Protocol, or one about its health, is for: fields 1
-- and 2 of its message, the model's name and version, become headers, and the route is chosen anew.
local NAME = "^[%w%-%.]+$"
local NOBODY = "-"  -- no deployment has this name

-- A number of variable length at a position of the body, and the position after it.
local function number(body, at, size)
  local value, factor = 0, 1
  for i = 0, 9 do
    if at + i >= size then return nil, size end
    local byte = string.byte(body:getBytes(at + i, 1))
    value = value + (byte % 128) * factor
    if byte < 128 then return value, at + i + 1 end
    factor = factor * 128
  end
  return nil, size
end

local FIXED = {[1] = 8, [5] = 4}

-- The texts of the first two fields; later fields are skipped without being read.
local function fields(body)
  local size, found, at = body:length(), {}, 5
  if size < 7 or string.byte(body:getBytes(0, 1)) ~= 0 then return found end
  -- Both are at the beginning: nobody makes the gateway read a long body byte by byte.
  while at < size and at < 1024 and not (found[1] and found[2]) do
    local tag, length
    tag, at = number(body, at, size)
    if tag == nil then return found end
    local field, kind = math.floor(tag / 8), tag % 8
    if kind == 2 then
      length, at = number(body, at, size)
      if length == nil or at + length > size then return found end
      if field <= 2 and length > 0 then
        found[field] = length <= 253 and body:getBytes(at, length) or NOBODY
      elseif field > 2 then
        return found  -- serializers write fields in their order
      end
      at = at + length
    elseif kind == 0 then
      length, at = number(body, at, size)
    elseif FIXED[kind] then
      at = at + FIXED[kind]
    else
      return found
    end
  end
  return found
end

function envoy_on_request(handle)
  local body = handle:body()
  if body == nil then return end
  local found, headers = fields(body), handle:headers()
  if found[1] then headers:replace("seldon", string.match(found[1], NAME) or NOBODY) end
  if found[2] and string.match(found[2], NAME) and headers:get("@VERSION@") == nil then
    headers:replace("@VERSION@", found[2])
  end
  handle:clearRouteCache()
end
