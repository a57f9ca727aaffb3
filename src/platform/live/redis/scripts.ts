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

-- count writes, four arguments each, of keys that are numbered from after base; a kind that ends in = is of the payload
local function write(base, at, count, epoch, sequence, payload)
  for _ = 1, count do
    local key, kind, value, extra = KEYS[base + tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    if kind:byte(-1) == 61 then kind, value = kind:sub(1, -2), payload end
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
    at = at + 4
  end
end
`;

/**
 * Some events of some streams, in order; what they have in common is said once. KEYS: stream, meta and ids of each stream,
 * the source's place where a fence is given, then those that are written. ARGV: as read below; per stream the append before
 * these; per event as read below, then its writes. Returns the sequence of each, nil for a repeat, or LOST and nothing is
 * written. The source's place has another hash tag than the streams: with a fence it is for a server that is no cluster.
 *
 * An event that fails ends the call: those before it stay written, those after it are not. So do those of its stream in later
 * calls of one pipeline, which goes on after one has failed (out of memory): they know the append before them by `last_*`,
 * since a later offset must not make the failed one look like a redelivery.
 */
export const APPEND = `${SHARED}
local fence, epoch = ARGV[1], ARGV[2]
local retention, max, keep, most_dropped = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local stream_count, event_count = tonumber(ARGV[7]), tonumber(ARGV[8])
local base = 3 * stream_count

if fence ~= '' then
  base = base + 1
  if redis.call('HGET', KEYS[base], 'epoch') ~= fence then return '${LOST}' end
end

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

local function open(n)
  local s = { key = KEYS[3 * n - 2], meta = KEYS[3 * n - 1], ids = KEYS[3 * n] }
  local known = redis.call('HMGET', s.meta, 'epoch', 'offset', 'seq', 'rank', 'birth', 'head')
  s.epoch, s.offset, s.sequence, s.rank, s.birth, s.head = unpack(known)
  local last_epoch, last_offset = ARGV[7 + 2 * n], ARGV[8 + 2 * n]
  if last_offset ~= '' and (s.epoch ~= last_epoch or above(last_offset, s.offset)) then
    error({ err = 'ORDER an earlier append of the call failed' })
  end
  s.length = redis.call('XLEN', s.key)
  s.sequence = tonumber(s.sequence)
  return s
end

-- nothing remembered: a new stream, or meta was evicted and the entries tell
local function begin(s)
  s.sequence = 0
  if redis.call('EXISTS', s.key) == 0 then return end
  local info = redis.call('XINFO', 'STREAM', s.key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then s.sequence = tonumber(info[i + 1]:match('^%d+')) end
  end
  local newest = redis.call('XREVRANGE', s.key, '+', '-', 'COUNT', 1)[1]
  s.birth = newest and newest[2][6]
end

local function is_repeat(s, rule, version)
  if rule == 'recent' then return redis.call('ZSCORE', s.ids, version) ~= false end
  return rule == 'advance' and s.rank and not ranks_above(version, s.rank)
end

local function append(s, at)
  local offset, rule, version, payload, gap = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local time, logged, writes = ARGV[at + 5], ARGV[at + 6], tonumber(ARGV[at + 7])
  local past = at + 8 + 4 * writes
  if s.epoch == epoch and not above(offset, s.offset) then return false, past end
  if is_repeat(s, rule, version) then
    s.epoch, s.offset, s.changed = epoch, offset, true
    return false, past
  end
  if not s.sequence then begin(s) end
  if not s.birth then
    local now = redis.call('TIME')
    s.birth = now[1] .. '.' .. now[2]
  end
  local sequence = string.format('%.0f', s.sequence + 1)
  write(base, at + 8, writes, epoch, sequence, payload)
  local id = sequence .. '-0'
  if logged ~= '' then
    redis.call('XADD', s.key, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', s.birth, 'p', payload, 'g', gap, 'l', logged)
  elseif gap == '' then
    redis.call('XADD', s.key, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', s.birth, 'p', payload)
  else
    redis.call('XADD', s.key, 'MAXLEN', max, id, 't', time, 'e', epoch, 'b', s.birth, 'p', payload, 'g', gap)
  end
  -- head: the oldest entry's time, so that most appends need not read it; empty where it has to be looked up
  if s.length == 0 then s.head = time elseif s.length >= max then s.head = '' end
  s.length = math.min(s.length + 1, max)
  local before = tonumber(time) - retention
  if not s.head or s.head == '' or tonumber(s.head) < before then
    local dropped
    dropped, s.head = expire(s.key, before, 1)
    s.length = s.length - dropped
    if dropped == 1 and s.head ~= '' and tonumber(s.head) < before then
      dropped, s.head = expire(s.key, before, most_dropped - 1)
      s.length = s.length - dropped
    end
  end
  if rule == 'recent' then
    redis.call('ZADD', s.ids, sequence, version)
    redis.call('ZREMRANGEBYRANK', s.ids, 0, -(keep + 1))
  else
    s.rank, s.ranked = version, true
  end
  s.epoch, s.offset, s.sequence, s.changed, s.written = epoch, offset, s.sequence + 1, true, true
  return sequence, past
end

local function remember(s)
  if not s.changed then return end
  if s.written then
    local sequence = string.format('%.0f', s.sequence)
    redis.call('HSET', s.meta, 'epoch', s.epoch, 'offset', s.offset, 'seq', sequence, 'at', s.epoch, 'birth', s.birth, 'head', s.head)
    if s.ranked then redis.call('HSET', s.meta, 'rank', s.rank) end
  else
    redis.call('HSET', s.meta, 'epoch', s.epoch, 'offset', s.offset)
  end
end

local opened, sequences = {}, {}
local done, failure = pcall(function()
  local at = 9 + 2 * stream_count
  for i = 1, event_count do
    local n = tonumber(ARGV[at])
    if not opened[n] then opened[n] = open(n) end
    sequences[i], at = append(opened[n], at + 1)
  end
end)
for n = 1, stream_count do
  if opened[n] then remember(opened[n]) end
end
if done then return sequences end
-- Redis's own pcall gives the text of an error, which begins with its code
return redis.error_reply(failure:match('^%u+ ') and failure or 'ERR ' .. failure)
`;

/** KEYS: meta, then those that are written. ARGV: the sequence it must stand at or '', how many writes, the writes. */
export const PUT = `${SHARED}
local position = redis.call('HMGET', KEYS[1], 'at', 'seq')
local sequence = position[2] or '0'
if ARGV[1] ~= '' and ARGV[1] ~= sequence then return end
write(1, 3, tonumber(ARGV[2]), position[1] or '', sequence)
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
