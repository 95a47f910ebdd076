-- Requests whose targets change, made before the clock runs.
-- Arguments: cycle TARGET... | unique PREFIX COUNT | random PREFIX PAGES COUNT

local requests, at = {}, 0

local function get(target)
  return "GET " .. target .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
end

local make = {
  cycle = function(number, ...)
    return (select(number, ...))
  end,
  unique = function(number, prefix)
    return prefix .. number
  end,
  random = function(_, prefix, pages)
    return prefix .. math.random(0, pages - 1)
  end,
}

function init(args)
  local kind, target = args[1], make[args[1]]
  local count = kind == "cycle" and #args - 1 or tonumber(args[#args])
  for number = 1, count do
    requests[number] = get(target(number, unpack(args, 2)))
  end
  function request()
    at = at + 1
    if at > count and kind ~= "unique" then
      at = 1
    end
    -- One that was asked for before would be no miss.
    return requests[at] or get(target(at, args[2]))
  end
end
