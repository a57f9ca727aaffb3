/**
 * Raw `ws`: an event is put into text once and given to `send` of every socket. The yardstick of the aims. It answers what
 * the clients say to begin with, as the others do: a client that has spoken acknowledges what it receives at other times
 * than one that has only listened, and on loopback the server pays for that.
 */
import { type WebSocket, WebSocketServer } from 'ws';
import { CANDLE, drive, symbolOf } from './driver.ts';

/** As long as one of ours, so that frames are. */
const CURSOR = 'x'.repeat(40);
const members = new Map<string, WebSocket[]>();

interface Said {
  type: string;
  payload?: { variables: { s: string } };
}

const server = new WebSocketServer({
  port: Number(process.env.PORT),
  host: '127.0.0.1',
  perMessageDeflate: false,
  handleProtocols: () => 'graphql-transport-ws',
});
server.on('connection', (socket) =>
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data)) as Said;
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (!payload) return;
    const { s } = payload.variables;
    const known = members.get(s);
    if (known) known.push(socket);
    else members.set(s, [socket]);
  }),
);
server.once('listening', () =>
  drive((topic, volume) => {
    const symbol = symbolOf(topic);
    const id = '00000000-7a1b-4c2d-9e3f-000000000001';
    const data = { klineUpdated: { cursor: CURSOR, kline: { symbol, ...CANDLE, volume } } };
    const frame = Buffer.from(JSON.stringify({ id, type: 'next', payload: { data } }));
    for (const socket of members.get(symbol) ?? []) socket.send(frame, { binary: false });
  }),
);
