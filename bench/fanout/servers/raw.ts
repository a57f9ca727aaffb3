/** Raw `ws`: an event is put into text once and given to `send` of every socket. The yardstick of the aims. */
import { WebSocketServer, type WebSocket } from 'ws';
import { CANDLE, drive, symbolOf } from './driver.ts';

const members = new Map<number, WebSocket[]>();
const server = new WebSocketServer({ port: Number(process.env.PORT), host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket, request) => {
  const topic = Number(request.url?.slice(1));
  const known = members.get(topic);
  if (known) known.push(socket);
  else members.set(topic, [socket]);
});
server.once('listening', () =>
  drive((topic, volume) => {
    const klineUpdated = { symbol: symbolOf(topic), ...CANDLE, volume };
    const id = '00000000-7a1b-4c2d-9e3f-000000000001';
    const frame = Buffer.from(JSON.stringify({ id, type: 'next', payload: { data: { klineUpdated } } }));
    for (const socket of members.get(topic) ?? []) socket.send(frame, { binary: false });
  }),
);
