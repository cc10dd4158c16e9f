// A service worker that the browser may stop between any two pieces of a stream: what it knows is saved after each.
import { MessageParser } from 'ssemble';

const STATE = '/ssemble-state';
let last = Promise.resolve();

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
// `{ piece }` with bytes or text, then `{ end: true }`. One after the other: each goes on from what the one before saved.
addEventListener('message', (event) => {
  last = last
    .then(() => take(event.data))
    .catch((error) => ({ status: 'failed', error: error.message }))
    .then((answer) => event.ports[0]?.postMessage(answer));
  event.waitUntil(last);
});

async function take({ piece, end }) {
  const cache = await caches.open('ssemble');
  const saved = await cache.match(STATE);
  const parser = saved === undefined ? new MessageParser() : MessageParser.from(await saved.json());
  if (piece !== undefined) parser.push(piece);
  if (end) parser.end();
  if (end) await cache.delete(STATE);
  else await cache.put(STATE, new Response(JSON.stringify(parser)));
  return { message: parser.message, status: parser.outcome.status, error: parser.outcome.error?.message };
}
