-- What wrk asks for, and one line with what came of it.
-- Arguments: cycle TARGET... | unique PREFIX | random PREFIX COUNT | one

local head = " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"

local function cycle(args)
  local requests, count, at = {}, #args - 1, 0
  for i = 1, count do
    requests[i] = "GET " .. args[i + 1] .. head
  end
  return function()
    at = at % count + 1
    return requests[at]
  end
end

local function unique(args)
  local start, number = "GET " .. args[2], 0
  return function()
    number = number + 1
    return start .. number .. head
  end
end

local function random(args)
  local start, count = "GET " .. args[2], tonumber(args[3])
  return function()
    return start .. math.random(0, count - 1) .. head
  end
end

function init(args)
  local kinds = { cycle = cycle, unique = unique, random = random }
  -- Without a function wrk sends the same bytes each time, at less cost.
  if kinds[args[1]] then
    request = kinds[args[1]](args)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    "RESULT requests=%d microseconds=%d p50=%d p99=%d max=%d failed=%d bytes=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency.max, failed, summary.bytes))
end
