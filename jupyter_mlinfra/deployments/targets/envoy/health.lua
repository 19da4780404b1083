-- Health of the gRPC convention (`grpc.health.v1`): whether each cluster that the route names
-- answers. Other routes name the message that they answer with. Envoy's own answers to calls hold a
-- status alone, so the message is added here.
local SERVING, NOT_SERVING = "\8\1", "\8\2"

local function answers(handle, cluster)
  local question = {
    [":method"] = "GET",
    [":path"] = "/health/ping",
    [":authority"] = "localhost",
    ["x-envoy-upstream-alt-stat-name"] = "@PROBES@",
  }
  -- It fails for a cluster that has just left.
  local ran, headers = pcall(handle.httpCall, handle, cluster, question, "", 2000)
  return ran and headers[":status"] == "200"
end

function envoy_on_request(handle)
  local clusters = handle:metadata():get("clusters")
  if clusters == nil then return end
  local serving = #clusters > 0
  for _, cluster in ipairs(clusters) do
    serving = serving and answers(handle, cluster)
  end
  handle:streamInfo():dynamicMetadata():set("@NAME@", "serving", serving)
end

function envoy_on_response(handle)
  local message = handle:metadata():get("message")
  local found = handle:streamInfo():dynamicMetadata():get("@NAME@")
  if found ~= nil then message = found["serving"] and SERVING or NOT_SERVING end
  if message == nil then return end
  handle:body(true):setBytes("\0\0\0\0" .. string.char(#message) .. message)
  local headers = handle:headers()
  headers:replace("@STATUS@", "0")
  headers:remove("grpc-status")
  headers:remove("grpc-message")
end
