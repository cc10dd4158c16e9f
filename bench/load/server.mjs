/**
 * The server of the load benchmark: a process of its own, forked by `../load.mjs`.
 *
 * It speaks just enough HTTP/1.1 over bare sockets, and all streams share the same buffers, so that it costs little and is
 * never what a client waits for. One **write** is one HTTP chunk and one packet: the client gets it in one read as long as it
 * keeps up, and so the server keeps a pace that every client under test keeps up with.
 *
 * A request below `/warm` is answered at once and at full speed. Any other is answered up to the **hold**, where it waits until
 * all streams are there and the parent says `go`; and it waits once more some events later, so that what lies between is
 * nothing but events.
 */

import { createServer } from 'node:net';

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_load\r\n' +
  'transfer-encoding: chunked\r\n\r\n';
const END = Buffer.from('0\r\n\r\n');
const TICK_MS = 5;

/**
 * The job comes as the first message: a long stream would not fit into an argument. `hold` and `pause` count writes. `rate`: events a second, 0 for full speed.
 * @type {{ writes: string[], hold: number, pause: number, streams: number, perWrite: number, rate: number }}
 */
const job = await new Promise((resolve) => process.once('message', resolve));
const chunks = job.writes.map((text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
});

const held = [];
const warm = new Set();

function answer(socket, path) {
  socket.write(HEAD);
  if (path.startsWith('/warm/')) {
    if (warm.size === 0) setImmediate(playWarm);
    warm.add({ socket, at: 0 });
    return;
  }
  // One write at a time up to the hold, too: what a client has buffered there is what such reads leave behind.
  const stream = { socket, at: 0 };
  const next = () => {
    if (stream.at < job.hold) {
      writeNext(stream);
      setTimeout(next, 2);
    } else if (held.push(stream) === job.streams) process.send({ type: 'held' });
  };
  next();
}

/** @returns {boolean} whether there is more to write */
function writeNext(stream) {
  stream.socket.write(chunks[stream.at]);
  stream.at += 1;
  if (stream.at < chunks.length) return true;
  stream.socket.write(END);
  return false;
}

function playWarm() {
  for (const stream of warm) if (!writeNext(stream)) warm.delete(stream);
  if (warm.size > 0) setImmediate(playWarm);
}

/** Round after round, one write for each stream; so many in each tick as the pace allows. From write `from` up to `to`. */
function go(from, to, done) {
  const perSecond = job.rate === 0 ? Infinity : job.rate / job.perWrite;
  let cursor = 0;
  let left = held.length * (to - from);
  let before = performance.now();
  let credit = 0;
  const tick = () => {
    const now = performance.now();
    // A tick that came late does not make up for what was missed: that would put several events into one read.
    credit = Math.min(credit + ((now - before) / 1000) * perSecond, Math.max((4 * TICK_MS * perSecond) / 1000, 1));
    before = now;
    for (let budget = Math.min(credit, held.length); budget >= 1 && left > 0; budget -= 1) {
      writeNext(held[cursor]);
      cursor = (cursor + 1) % held.length;
      left -= 1;
      if (perSecond !== Infinity) credit -= 1;
    }
    if (left === 0) done();
    else if (perSecond === Infinity) setImmediate(tick);
    else setTimeout(tick, TICK_MS);
  };
  tick();
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece) => {
    text += piece;
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    const path = text.split(' ', 2)[1];
    text = '';
    answer(socket, path);
  });
});

process.on('message', ({ type }) => {
  if (type === 'go') go(job.hold, job.pause, () => process.send({ type: 'paused' }));
  if (type === 'finish') go(job.pause, chunks.length, () => {});
});
process.on('disconnect', () => process.exit());
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.send({ type: 'listening', port: server.address().port });
});
