/**
 * The Lua that Redis runs: one call is one atomic step. Redis 7: a script's effects are what is replicated, and memory
 * limits are checked before its first write only.
 *
 * A stream is three keys: `<stream>` with entries `<sequence>-0`, fields in this order: t (time), e (epoch), b (birth),
 * p (payload) and, where there is one, g (gap), and l (logged, after a g that may be empty); `<stream>:meta`, a hash of what is remembered; `<stream>:ids`, recent ids
 * by sequence. `birth` is drawn when a stream begins: a stream that begins anew after a loss of data has another one.
 * Sequences stay below 2^53; offsets are decimal text of any size.
 */

export const META = ':meta';
export const IDS = ':ids';
/** What APPEND answers where the source is remembered in another epoch, or not at all. */
export const LOST = 'lost';

const SHARED = `
local function expire(stream, before, limit)
  local found = redis.call('XRANGE', stream, '-', '+', 'COUNT', limit + 1)
  local dropped = 0
  while dropped < limit and found[dropped + 1] and tonumber(found[dropped + 1][2][2]) < before do
    dropped = dropped + 1
  end
  local head = found[dropped + 1]
  if dropped > 0 then
    if head then redis.call('XTRIM', stream, 'MINID', head[1]) else redis.call('XTRIM', stream, 'MAXLEN', 0) end
  end
  return dropped, head and head[2][2] or ''
end

local function write(first_key, first_arg, epoch, sequence)
  for i = first_key, #KEYS do
    local key, at = KEYS[i], first_arg + (i - first_key) * 3
    local kind, value, extra = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    if kind == 'latest' then
      redis.call('HSET', key, 'v', value, 'e', epoch, 's', sequence)
    elseif kind == 'value' then
      redis.call('SET', key, value, 'PX', extra)
    elseif kind == 'list' then
      redis.call('LPUSH', key, value)
      redis.call('LTRIM', key, 0, tonumber(extra) - 1)
    else
      redis.call('HSET', key, extra, value)
    end
  end
end
`;

/**
 * KEYS: stream, meta, ids, the source's place where a fence is given, then one per write. ARGV: as read below, then kind,
 * value, extra (ttl ms, cap or field) per write. Returns the sequence, nil for a repeat, or LOST and nothing is written.
 * The source's place has another hash tag than the stream: with a fence it is for a server that is no cluster.
 * `last_*` is the append before this one to the same stream in the same call: pipelined calls go on after one has failed
 * (out of memory), and a later offset must not make the failed one look like a redelivery.
 */
export const APPEND = `${SHARED}
local stream, meta, ids = KEYS[1], KEYS[2], KEYS[3]
local epoch, offset, last_epoch, last_offset = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local rule, version, keep = ARGV[5], ARGV[6], ARGV[7]
local payload, gap, time, retention, max = ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local most_dropped, logged, fence = tonumber(ARGV[13]), ARGV[14], ARGV[15]

if fence ~= '' and redis.call('HGET', KEYS[4], 'epoch') ~= fence then return '${LOST}' end

-- decimal text: longer is greater, equal lengths compare as text
local function above(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- by bytes: '<' on strings follows the server's locale
local function ranks_above(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

local known = redis.call('HMGET', meta, 'epoch', 'offset', 'seq', 'rank', 'birth', 'head')
local known_epoch, known_offset, sequence, rank, birth, head = unpack(known)
if last_offset ~= '' and (known_epoch ~= last_epoch or above(last_offset, known_offset)) then
  return redis.error_reply('ORDER an earlier append of the call failed')
end
if known_epoch == epoch and not above(offset, known_offset) then return false end

local length = redis.call('XLEN', stream)
local repeated = false
if rule == 'recent' then
  repeated = redis.call('ZSCORE', ids, version) ~= false
elseif rule == 'advance' then
  repeated = rank and not ranks_above(version, rank)
end
if repeated then
  redis.call('HSET', meta, 'epoch', epoch, 'offset', offset)
  return false
end

sequence = tonumber(sequence)
if not sequence then
  -- nothing remembered: a new stream, or meta was evicted and the entries tell
  sequence = 0
  if redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then sequence = tonumber(info[i + 1]:match('^%d+')) end
    end
    local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
    birth = newest and newest[2][6]
  end
end
if not birth then
  local now = redis.call('TIME')
  birth = now[1] .. '.' .. now[2]
end
sequence = string.format('%.0f', sequence + 1)

write(fence == '' and 4 or 5, 16, epoch, sequence)
local id = sequence .. '-0'
if logged ~= '' then
  redis.call('XADD', stream, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', birth, 'p', payload, 'g', gap, 'l', logged)
elseif gap == '' then
  redis.call('XADD', stream, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', birth, 'p', payload)
else
  redis.call('XADD', stream, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', birth, 'p', payload, 'g', gap)
end
-- head: the oldest entry's time, so that most appends need not read it; empty where it has to be looked up
if length == 0 then head = time elseif length >= max then head = '' end
local before = tonumber(time) - retention
if not head or head == '' or tonumber(head) < before then
  local dropped
  dropped, head = expire(stream, before, 1)
  if dropped == 1 and head ~= '' and tonumber(head) < before then
    dropped, head = expire(stream, before, most_dropped - 1)
  end
end
redis.call('HSET', meta, 'epoch', epoch, 'offset', offset, 'seq', sequence, 'at', epoch, 'birth', birth, 'head', head)
if rule == 'recent' then
  redis.call('ZADD', ids, sequence, version)
  redis.call('ZREMRANGEBYRANK', ids, 0, -(tonumber(keep) + 1))
else
  redis.call('HSET', meta, 'rank', version)
end
return sequence
`;

/** KEYS: meta, then one per write. ARGV: the sequence it must stand at or '', then kind, value, extra per write. */
export const PUT = `${SHARED}
local position = redis.call('HMGET', KEYS[1], 'at', 'seq')
local sequence = position[2] or '0'
if ARGV[1] ~= '' and ARGV[1] ~= sequence then return end
write(2, 2, position[1] or '', sequence)
`;

/** KEYS: stream, meta. ARGV: time, how many at most. Returns how many were dropped. */
export const TRIM = `${SHARED}
local dropped, head = expire(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
if dropped > 0 then redis.call('HSET', KEYS[2], 'head', head) end
return dropped
`;

/**
 * KEYS: none. ARGV: how the names of what goes begin. One step for all of it: whoever appends with a fence finds either
 * everything or nothing, never a stream whose source has forgotten it, and begins none in an epoch from before. Undeclared
 * keys: for a server that is no cluster.
 */
export const CLEAR = `
local place, gone = '0', 0
repeat
  local found = redis.call('SCAN', place, 'COUNT', 10000)
  place = found[1]
  local keys = {}
  for _, key in ipairs(found[2]) do
    for _, family in ipairs(ARGV) do
      if key:sub(1, #family) == family then
        keys[#keys + 1] = key
        break
      end
    end
  end
  for i = 1, #keys, 1000 do gone = gone + redis.call('UNLINK', unpack(keys, i, math.min(i + 999, #keys))) end
until place == '0'
return gone
`;

/** KEYS: a source partition's place. ARGV: epoch, next offset. Returns 1, or 0 where another epoch or none is known. */
export const ADVANCE = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'next', ARGV[2])
return 1
`;
