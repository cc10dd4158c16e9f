/**
 * What the bench reads: captures, the project's fixtures, and generated streams; and how they are cut into chunks.
 *
 * A **body** is one response: `{ name, bytes }`. An **input** is a list of bodies: one for a generated stream, hundreds for
 * a folder of captures. The parent makes an input once and writes it to a file; each child reads that file, so that no
 * child spends its time, or warms up its engine, on generating.
 *
 * Generated streams come from the fixtures' own generator: padding before the last brace, key orders, pings, sizes of
 * deltas and the three escapes that occur are as they were measured on real streams. They are seeded: the same bytes on
 * every machine.
 */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MARKDOWN, PLAN, prose } from '../fixtures/generator/prose.mjs';
import { Stream } from '../fixtures/generator/stream.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const KB = 1000;

/** Where real streams are looked for if nobody says: the ones that were recorded byte for byte. */
export const CAPTURES = here('../../shared/captures/raw');
/** The same with framing or JSON rebuilt from what a recorder kept. */
export const REBUILT = here('../../shared/captures/rebuilt');
const FIXTURES = here('../fixtures/messages');

const CJK = [
  '灯台守は、二つの光のあいだの秒を数えます。どの灯台にも、それぞれのリズムがあるからです。',
  '渡轮七点十分开出，除非风从西北方向吹来。“记得带外套”，她说。',
  '주전자가 꺼지면 잠시 동안 온 집이 조용해집니다.',
  '良い地図は、ほとんどすべてを省きます。\n\n',
  '十月的市场上有七种苹果，五月只有一种。',
];
const EMOJI = ['🌊🚢', '👩‍🔬', '👍🏽', '🇯🇵', '🫖', '→', '“so”'];

/** Generated streams by name. Each gets the stream and the size in bytes that it must reach. */
const GENERATORS = {
  /** English, some Markdown: about 18 % of its deltas hold an escape, as in real ones. All ASCII. */
  text: (s, size) => fill(s, size, () => s.text(article(s))),
  thinking: (s, size) =>
    fill(s, size, () => {
      s.thinking(`${PLAN} ${prose(s.random, 80)}`);
      s.text(prose(s.random, 2));
    }),
  /** ASCII with a character beyond Latin-1 now and then: in V8 one of them makes a whole string two bytes wide. */
  emoji: (s, size) => fill(s, size, () => s.text(article(s).replaceAll('. ', () => `. ${s.random.pick(EMOJI)} `))),
  cjk: (s, size) => fill(s, size, () => s.text(Array.from({ length: 120 }, () => s.random.pick(CJK)).join(''))),
  crlf: (s, size) => {
    s.framing = { ends: () => ['\r\n', '\r\n', '\r\n'] };
    fill(s, size, () => s.text(article(s)));
  },
  /** Search results: one block of 40 kB in its start, then an answer with citations. */
  search: (s, size) =>
    fill(s, size, () => {
      const call = s.serverCall('web_search');
      s.tool(call, { query: 'harbour lights' });
      s.whole({ type: 'web_search_tool_result', tool_use_id: call.id, content: searchResults(s, 40 * KB) });
      s.text(prose(s.random, 8), { citations: [citation(s)] });
    }),
  /** 20 blocks of 500 deltas. */
  blocks: (s) => {
    for (let index = 0; index < 20; index += 1) {
      s.start(index, { type: 'text', text: '' });
      for (let delta = 0; delta < 500; delta += 1) s.textDelta(index, s.random.letters('etaoin shrdlu', 14));
      s.stop(index);
    }
    s.close();
  },
  /** One tool call that writes a file: one long string. */
  'tool-file': (s, size) => {
    s.tool(s.call('write_file'), toolInput('file', size, s.random));
    s.close('tool_use');
  },
  /** One tool call with many small values: arrays, objects, numbers. */
  'tool-records': (s, size) => {
    s.tool(s.call('save_records'), toolInput('records', size, s.random));
    s.close('tool_use');
  },
};

/**
 * @param {string} spec `captures`, `rebuilt`, `fixtures`, or a generator and its size in kB: `text:1000`
 * @param {{ captures?: string, short?: boolean }} how the folder of captures that was asked for; `short`: every fourth file
 * @returns {{ name: string, bytes: Uint8Array }[] | undefined} undefined where there is no such folder
 */
export function makeInput(spec, { captures, short = false } = {}) {
  if (spec === 'captures') return folder(captures ?? CAPTURES)?.filter((_, k) => !short || k % 4 === 0);
  if (spec === 'rebuilt') return folder(REBUILT);
  if (spec === 'fixtures') return folder(FIXTURES);
  const [name, size = '0'] = spec.split(':');
  const stream = new Stream(`bench ${name}`, true);
  stream.open();
  GENERATORS[name](stream, Number(size) * KB);
  return [{ name: spec, bytes: stream.wire.bytes() }];
}

/** How an input is called in a table. */
export function titleOf(spec) {
  const [name, size] = spec.split(':');
  if (size === undefined) return name;
  return `${name} ${Number(size) >= 1000 ? `${Number(size) / 1000} MB` : `${size} kB`}`;
}

function folder(path) {
  if (!existsSync(path)) return undefined;
  const files = readdirSync(path, { recursive: true })
    .map((name) => join(path, String(name)))
    .filter((file) => file.endsWith('.sse') && statSync(file).isFile())
    .sort();
  return files.map((file) => ({ name: relative(path, file) || basename(file), bytes: readFileSync(file) }));
}

function fill(stream, size, piece) {
  let kept = 0;
  for (;;) {
    piece();
    kept = stream.wire.bytes().length;
    if (kept >= size) break;
  }
  stream.close();
}

function article(stream) {
  let text = '';
  for (let k = 0; k < 6; k += 1) text += `${prose(stream.random, 7)}\n\n${k % 3 === 2 ? `${MARKDOWN}\n\n` : ''}`;
  return text;
}

function searchResults(stream, size) {
  return Array.from({ length: 10 }, (_, k) => ({
    type: 'web_search_result',
    title: `Harbour notes, part ${k}`,
    url: `https://harbour.example/notes-${k}`,
    encrypted_content: stream.random.opaque(size / 10 - 180),
    page_age: null,
  }));
}

function citation(stream) {
  return {
    type: 'web_search_result_location',
    cited_text: prose(stream.random, 1),
    url: 'https://harbour.example/notes-1',
    title: 'Harbour notes, part 1',
    encrypted_index: stream.random.opaque(160),
  };
}

/** A tool's input whose JSON text is about `size` characters. */
function toolInput(shape, size, random) {
  if (shape === 'file') {
    let content = '';
    while (content.length < size * 0.94) content += `${prose(random, 3)}\n`;
    return { path: 'notes/harbour.md', content, overwrite: true };
  }
  const records = [];
  for (let length = 0; length < size; length += 128) {
    const [id, price] = [random.int(1000, 9999), random.int(1, 9999) / 100];
    records.push({ id, name: prose(random, 1).slice(0, 40), price, tags: ['sea', 'light'], open: true, note: null });
  }
  return { records };
}

// From the parent to its children

/** Writes bodies to one file: a line of JSON, then all the bytes. */
export function pack(file, bodies) {
  const head = JSON.stringify(bodies.map(({ name, bytes }) => [name, bytes.length]));
  writeFileSync(file, Buffer.concat([Buffer.from(`${head}\n`), ...bodies.map(({ bytes }) => bytes)]));
}

/** @returns {{ name: string, bytes: Uint8Array }[]} plain `Uint8Array`s, as `fetch` gives them */
export function unpack(file) {
  const buffer = readFileSync(file);
  const all = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  const start = buffer.indexOf(10) + 1;
  let at = start;
  return JSON.parse(buffer.toString('utf8', 0, start)).map(([name, length]) => {
    const bytes = all.slice(at, at + length);
    at += length;
    return { name, bytes };
  });
}

// Cutting

/** Chunk sizes in bytes; `event` is one event a chunk, which is what the API's network chunks mostly are. */
export const CHUNKINGS = { whole: Infinity, '16 kB': 16384, '1,400 B': 1400, event: 0, '64 B': 64, '1 B': 1 };

/** @returns {Uint8Array[]} views of one buffer */
export function cut(bytes, chunking) {
  if (chunking === 'event') return eventsOf(bytes);
  const size = CHUNKINGS[chunking];
  if (size === undefined) throw new RangeError(`No such chunking: ${chunking}`);
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, Math.min(bytes.length, at + size)));
  return chunks;
}

/** Cuts behind each blank line. LF and CRLF only: no stream that is measured here has bare CRs. */
export function eventsOf(bytes) {
  const chunks = [];
  let from = 0;
  let lineStart = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) {
    const blank = at === lineStart || (at === lineStart + 1 && bytes[lineStart] === 13);
    lineStart = at + 1;
    if (!blank) continue;
    chunks.push(bytes.subarray(from, at + 1));
    from = at + 1;
  }
  if (from < bytes.length) chunks.push(bytes.subarray(from));
  return chunks;
}

/**
 * The payload of each event as a flat string of its own: what the floors parse without having to find it. What is no JSON
 * (`[DONE]`) is left out.
 */
export function payloadsOf(bytes) {
  const decoder = new TextDecoder();
  return eventsOf(bytes)
    .map((event) => /^data: ?(.*?)\r?$/m.exec(decoder.decode(event))?.[1])
    .filter((data) => data !== undefined && isJson(data))
    .map((data) => JSON.parse(JSON.stringify(data)));
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The deltas of a tool's input, as strings of their own. */
export function inputPiecesOf(bytes) {
  return payloadsOf(bytes)
    .map((data) => JSON.parse(data))
    .filter((event) => event.delta?.type === 'input_json_delta')
    .map((event) => event.delta.partial_json);
}
