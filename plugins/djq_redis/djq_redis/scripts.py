"""The scripts of the broker with receipts; each is atomic, and its work grows with its arguments, not with the queue.

The keys of a queue: ``seq`` counts ids and places in the line; ``ready`` are the ids that wait, by place; ``later``
those released for later, by when they come due; ``held`` those handed out, by the end of their lease; ``packages`` and
``marks`` hold a package and ``attempts|unanswered|token`` by id; ``dead`` is what ``fail`` put aside; ``wake`` holds a
byte for each consumer that is to look again. Times are microseconds of the server's clock.

In every script a command that frees comes before those that need memory: a server without any lets a queue be drained.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

KEYS: Final = ("seq", "ready", "later", "held", "packages", "marks", "dead", "wake")

#: The most bytes that wait in ``wake``.
_BELLS: Final = 64

_PRELUDE: Final = f"""
local seq, ready, later, held, packages, marks, dead, wake = unpack(KEYS)
local call = redis.call

local function now()
  local time = call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function mark_of(id)
  local mark = call('HGET', marks, id)
  if not mark then return 0, 0, '' end
  local attempts, unanswered, token = string.match(mark, '^(%d+)|(%d+)|(.*)$')
  if not token then return 0, 0, '' end -- not ours: the package is what counts
  return tonumber(attempts), tonumber(unanswered), token
end

local function set_mark(id, attempts, unanswered, token)
  call('HSET', marks, id, attempts .. '|' .. unanswered .. '|' .. token)
end

-- The lease of a token may have lapsed: until another delivery takes the package it is still the last one.
local function is_last(id, token)
  local _, _, last = mark_of(id)
  return token ~= '' and last == token
end

local function forget(id)
  call('ZREM', held, id)
  call('ZREM', ready, id)
  call('ZREM', later, id)
  call('HDEL', packages, id)
  call('HDEL', marks, id)
end

local function ring(count)
  for _ = 1, math.min(count, {_BELLS}) do call('LPUSH', wake, '!') end
  call('LTRIM', wake, 0, {_BELLS} - 1)
end
"""

ENQUEUE: Final = f"""{_PRELUDE}
local last = call('INCRBY', seq, #ARGV)
local ids = {{}}
for place, package in ipairs(ARGV) do
  local id = last - #ARGV + place
  call('HSET', packages, id, package)
  call('ZADD', ready, id, id)
  ids[place] = id
end
ring(#ARGV)
return ids
"""

#: Arguments: count, lease, token. Returns the microseconds until something comes due (-1: nothing is to), then for each
#: package its id, text, attempts and unanswered deliveries.
CLAIM: Final = f"""{_PRELUDE}
local want, lease, token, time = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], now()

local due = {{}}
for _, from in ipairs({{later, held}}) do
  local found = call('ZRANGEBYSCORE', from, '-inf', time, 'WITHSCORES', 'LIMIT', 0, math.max(want, 100))
  for i = 1, #found, 2 do
    due[#due + 1] = {{tonumber(found[i + 1]), tonumber(found[i])}}
    call('ZREM', from, found[i])
  end
end
table.sort(due, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
for _, entry in ipairs(due) do
  call('ZADD', ready, call('INCR', seq), entry[2])
end

local answer = {{-1}}
local taken = call('ZPOPMIN', ready, want)
for i = 1, #taken, 2 do
  local id = taken[i]
  local package = call('HGET', packages, id)
  if package then
    local attempts, unanswered = mark_of(id)
    if unanswered == 0 then attempts = attempts + 1 end
    set_mark(id, attempts, unanswered + 1, token)
    call('ZADD', held, time + lease, id)
    answer[#answer + 1] = id
    answer[#answer + 1] = package
    answer[#answer + 1] = attempts
    answer[#answer + 1] = unanswered + 1
  end
end
if #answer > 1 then return answer end

call('DEL', wake)
for _, from in ipairs({{later, held}}) do
  local first = call('ZRANGE', from, 0, 0, 'WITHSCORES')
  if first[2] then
    local left = math.max(0, tonumber(first[2]) - time)
    if answer[1] < 0 or left < answer[1] then answer[1] = left end
  end
end
return answer
"""

#: Arguments: the lease, then id and token of each. Returns 1 for each that was still held.
EXTEND: Final = f"""{_PRELUDE}
local ends, answer = now() + tonumber(ARGV[1]), {{}}
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  if is_last(id, ARGV[i + 1]) then
    call('ZREM', ready, id)
    call('ZREM', held, id)
    call('ZADD', held, ends, id)
    answer[#answer + 1] = 1
  else
    answer[#answer + 1] = 0
  end
end
return answer
"""

#: Arguments: the delay, 1 when the attempt counts and 0 when not, then id and token of each.
RELEASE: Final = f"""{_PRELUDE}
local delay, counted, freed = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local attempts, _, token = mark_of(id)
  if token ~= '' and token == ARGV[i + 1] then
    call('ZREM', held, id)
    call('ZREM', ready, id)
    set_mark(id, attempts - 1 + counted, 0, '')
    if delay > 0 then
      call('ZADD', later, now() + delay, id)
    else
      call('ZADD', ready, call('INCR', seq), id)
    end
    freed = freed + 1
  end
end
if freed > 0 then ring(freed) end
return freed
"""

#: Arguments: id and token of each.
ACKNOWLEDGE: Final = f"""{_PRELUDE}
for i = 1, #ARGV, 2 do
  if is_last(ARGV[i], ARGV[i + 1]) then forget(ARGV[i]) end
end
return 1
"""

#: Arguments: how many are kept, of how many bytes at most, id, token.
FAIL: Final = f"""{_PRELUDE}
local id = ARGV[3]
if not is_last(id, ARGV[4]) then return 0 end
local package = call('HGET', packages, id)
forget(id)
if package and #package <= tonumber(ARGV[2]) then
  call('LPUSH', dead, package)
  call('LTRIM', dead, 0, ARGV[1] - 1)
end
return 1
"""

#: Argument: an id.
DELETE: Final = f"""{_PRELUDE}
forget(ARGV[1])
return 1
"""

#: Returns how many wait, and how many are held under a lease in force.
SIZES: Final = f"""{_PRELUDE}
local lapsed = call('ZCOUNT', held, '-inf', now())
return {{call('ZCARD', ready) + call('ZCARD', later) + lapsed, call('ZCARD', held) - lapsed}}
"""

#: Argument: of how many packages each part of the queue tells at most. Returns for each its id, text, when it comes due
#: in microseconds (0: it waits), 1 when it is held, attempts. What is ready and unanswered was not answered in time.
PEEK: Final = f"""{_PRELUDE}
local last, time, answer = ARGV[1] - 1, now(), {{}}
for _, from in ipairs({{held, ready, later}}) do
  local found = call('ZRANGE', from, 0, last, 'WITHSCORES')
  for i = 1, #found, 2 do
    local id = found[i]
    local package = call('HGET', packages, id)
    if package then
      local attempts, unanswered = mark_of(id)
      local is_held, due = unanswered > 0, from ~= ready and tonumber(found[i + 1]) or time
      if not is_held and due <= time then due = 0 end
      answer[#answer + 1] = {{id, package, due, is_held and 1 or 0, attempts}}
    end
  end
end
return answer
"""


@cache
def digest(script: str) -> str:
    """Return the name under which a server keeps a script (``EVALSHA``)."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
