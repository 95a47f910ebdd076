-- Requests whose targets change, made before the clock runs, and what came of a run as JSON.
-- Arguments: the milliseconds that each connection leaves between two requests, and none, where
-- wrk sends the same bytes each time | each TARGET..., again and again | once PREFIX COUNT |
-- again PREFIX COUNT: the prefix with the numbers from 1.

-- In microseconds, as wrk counts: who waits longer has waited for a render.
local WAITED = 45000

local requests, at = {}, 0

function init(args)
  local pause, kind, prefix, count = tonumber(args[1]), args[2], args[3], tonumber(args[4])
  if pause > 0 then
    function delay()
      return pause
    end
  end
  if not kind then
    return
  end
  if kind == "each" then
    count = #args - 2
  end
  for number = 1, count do
    requests[number] = wrk.format("GET", kind == "each" and args[number + 2] or prefix .. number)
  end
  function request()
    at = at + 1
    if at > count and kind ~= "once" then
      at = 1
    end
    -- One that was asked for before would be no miss.
    return requests[at] or wrk.format("GET", prefix .. at)
  end
end

function done(summary, latency)
  local failed, waited, all = 0, 0, 0
  for _, number in pairs(summary.errors) do
    failed = failed + number
  end
  for index = 1, #latency do
    local time, number = latency(index)
    all = all + number
    waited = waited + (time >= WAITED and number or 0)
  end
  local seconds = summary.duration / 1e6
  -- Of this process, with the kernel's work for it.
  local idle = math.max(0, 1 - os.clock() / seconds)
  io.write(string.format(
    '{"idle": %f, "requests": %d, "requests_per_second": %f, "failed": %d, "waited": %f, '
      .. '"p50_seconds": %f, "p99_seconds": %f, "p999_seconds": %f, "slowest_seconds": %f}\n',
    idle, summary.requests, summary.requests / seconds, failed, waited / all,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, latency:percentile(99.9) / 1e6,
    latency.max / 1e6
  ))
end
