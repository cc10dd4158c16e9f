/** The value of a tool's input, read at every delta while it grows. */

import { anthropic, library, REQUEST, Server } from '../clients.mjs';
import { hashOf } from '../claims.mjs';
import { inputPiecesOf } from '../inputs.mjs';

const SDK = '@anthropic-ai/sdk inputJson listener';
const RIVER = 'jsonriver';
const TREE = 'floor: the same tree by hand';

/** What a user interface does with the value: looks at the part that grows. */
const look = (value) => value?.content?.length ?? value?.records?.length ?? 0;

/** Parsers that get the whole text so far, every time: what their API takes. */
const again = (parserOf) => async (context) => {
  const parse = await parserOf();
  const pieces = piecesOf(context);
  return () => {
    let text = '';
    let value;
    let seen = 0;
    for (let k = 0; k < pieces.length; k += 1) {
      text += pieces[k];
      if (text.length > 0) seen += look((value = parse(text)));
    }
    return seen < 0 ? undefined : value;
  };
};

/** Characters of a delta's text, as the generator cuts it, more or less. */
const STEP = 6;

/** Writes a value into its place before it is filled, as whoever shows it must; a string at each of its pieces. */
function grow(container, key, value) {
  if (typeof value === 'string') {
    let text = '';
    for (let at = 0; at < value.length; at += STEP) container[key] = text += value.slice(at, at + STEP);
  } else if (typeof value !== 'object' || value === null) {
    container[key] = value;
  } else if (Array.isArray(value)) {
    const items = (container[key] = []);
    for (let k = 0; k < value.length; k += 1) grow(items, k, value[k]);
  } else {
    const object = (container[key] = {});
    for (const name in value) grow(object, name, value[name]);
  }
}

function piecesOf({ bodies }) {
  return inputPiecesOf(bodies[0].bytes);
}

/** Seconds a run and quadratic: one run says enough. */
const slow = ({ input }) => Number(input.split(':')[1]) > 20;

const variants = {
  'ssemble PartialJson': {
    async load(context) {
      const { PartialJson } = await library('json/index.js');
      const pieces = piecesOf(context);
      return () => {
        const json = new PartialJson();
        let seen = 0;
        for (let k = 0; k < pieces.length; k += 1) {
          json.push(pieces[k]);
          seen += look(json.value);
        }
        json.end();
        return seen < 0 ? undefined : json.value;
      };
    },
  },
  'floor: append to a string': {
    floor: true,
    async load(context) {
      const pieces = piecesOf(context);
      return () => {
        let text = '';
        for (let k = 0; k < pieces.length; k += 1) text += pieces[k];
        return text;
      };
    },
  },
  /** Nothing is read: what it costs to have a tree of this size in memory, the garbage collector's work included. */
  [TREE]: {
    floor: true,
    async load(context) {
      const whole = JSON.parse(piecesOf(context).join(''));
      return () => {
        const root = {};
        grow(root, 'value', whole);
        return root.value;
      };
    },
  },
  [RIVER]: {
    async: true,
    async load(context) {
      const { parse } = await import('jsonriver');
      const pieces = piecesOf(context);
      async function* source() {
        yield* pieces;
      }
      return async () => {
        let value;
        let seen = 0;
        for await (value of parse(source())) seen += look(value);
        return seen < 0 ? undefined : value;
      };
    },
  },
  'partial-json': { cold: slow, load: again(async () => (await import('partial-json')).parse) },
  'best-effort-json-parser': {
    cold: slow,
    load: again(async () => (await import('best-effort-json-parser')).parse),
  },
  "@anthropic-ai/sdk's own parser": {
    cold: slow,
    load: again(async () => (await import('@anthropic-ai/sdk/_vendor/partial-json-parser/parser.mjs')).partialParse),
  },
  'ssemble MessageParser, from bytes': {
    async load() {
      const { MessageParser } = await library();
      return ({ chunks }) => {
        let seen = 0;
        const onToolInput = () => (seen += look(parser.message.content[0].input));
        const parser = new MessageParser({ onToolInput });
        for (let k = 0; k < chunks.length; k += 1) parser.push(chunks[k]);
        parser.end();
        return seen < 0 ? undefined : parser.message.content[0].input;
      };
    },
  },
  [SDK]: {
    async: true,
    cold: slow,
    async load() {
      const server = new Server();
      const client = await anthropic(server);
      return async ({ chunks }) => {
        server.chunks = chunks;
        let seen = 0;
        const stream = client.messages.stream(REQUEST).on('inputJson', (_, value) => (seen += look(value)));
        const { content } = await stream.finalMessage();
        return seen < 0 ? undefined : content[0].input;
      };
    },
  },
};

const QUADRATIC = ['partial-json', 'best-effort-json-parser', "@anthropic-ai/sdk's own parser", SDK];
const cell = (input, { short = false, goal = short, without = [] }) => ({
  input,
  chunking: 'event',
  short,
  goal,
  without,
});

export default {
  title: 'Live tool input, read at every delta',
  unit: 'delta',
  variants,
  cells: [
    cell('tool-file:10', { goal: true }),
    cell('tool-file:94', {}),
    cell('tool-file:190', { short: true, without: QUADRATIC.slice(0, 3) }),
    cell('tool-file:1000', { goal: true, without: QUADRATIC }),
    cell('tool-records:10', { short: true }),
    cell('tool-records:94', {}),
    cell('tool-records:190', { goal: true, without: QUADRATIC.slice(0, 3) }),
    cell('tool-records:1000', { short: true, without: QUADRATIC }),
  ],
  short: ['ssemble PartialJson', RIVER, 'ssemble MessageParser, from bytes', SDK],
  goalsNeed: [TREE],
  units: (context) => piecesOf(context).length,
  /** What takes seconds is run once, and not checked where that would take as long again: the small input checks it. */
  unchecked: (variant, { input }) => variants[variant].cold !== undefined && slow({ input }),
  rounds: (variant, { input }) => (variants[variant].cold !== undefined && slow({ input }) ? 1 : undefined),
  claims: (value) => ({ value: hashOf(value) }),
  goals: [
    {
      text: '190 kB (records), from bytes, against the SDK with a listener',
      limit: 1000,
      of: (q) => q.ratio({ input: 'tool-records:190' }, SDK, 'ssemble MessageParser, from bytes'),
    },
    {
      text: '190 kB (file: one long string, which the SDK drops while it grows), the same',
      of: (q) => q.ratio({ input: 'tool-file:190' }, SDK, 'ssemble MessageParser, from bytes'),
    },
    ...['file', 'records'].map((shape) => ({
      text: `190 kB (${shape}), PartialJson, against jsonriver`,
      limit: 1,
      of: (q) => q.ratio({ input: `tool-${shape}:190` }, RIVER, 'ssemble PartialJson'),
    })),
    ...['file', 'records'].flatMap((shape) =>
      ['ssemble PartialJson', 'ssemble MessageParser, from bytes'].map((variant) => ({
        text: `time per delta at 1 MB over that at 10 kB (${shape}), ${variant}`,
        limit: 1.3,
        atMost: true,
        of: (q) => q.growth({ input: `tool-${shape}:10` }, { input: `tool-${shape}:1000` }, variant),
      })),
    ),
    ...[TREE, RIVER].map((variant) => ({
      text: `the same growth (records), ${variant}`,
      of: (q) => q.growth({ input: 'tool-records:10' }, { input: 'tool-records:1000' }, variant),
    })),
  ],
};
