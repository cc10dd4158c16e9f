/** A snapshot at every delta: 10,000 deltas over 20 blocks. Does the last one cost more than the first? */

import { anthropic, library, REQUEST, Server } from '../clients.mjs';
import { hashOf } from '../claims.mjs';

const DELTAS = 10_000;
const TENTH = DELTAS / 10;

/** CPU time of two tenths of the deltas, summed over runs. `tick` is called after each delta. */
class Tenths {
  #delta = 0;
  #start;
  first = 0;
  last = 0;
  tick() {
    const delta = (this.#delta += 1);
    if (delta % TENTH !== 0) return;
    const { user, system } = process.cpuUsage(this.#start);
    if (delta === TENTH) this.first += user + system;
    if (delta === DELTAS) {
      this.last += user + system;
      this.#delta = 0;
    }
    this.#start = process.cpuUsage();
  }
  begin() {
    this.#start = process.cpuUsage();
  }
}

const PARTS = ['first tenth', 'last tenth'];

async function ours(tenths, take) {
  const { MessageParser } = await library();
  return ({ chunks }) => {
    const parser = new MessageParser({ onText: () => take(parser, tenths) });
    tenths.begin();
    for (let k = 0; k < chunks.length; k += 1) parser.push(chunks[k]);
    parser.end();
    return parser.message;
  };
}

async function sdk(tenths, take) {
  const server = new Server();
  const client = await anthropic(server);
  return ({ chunks }) => {
    server.chunks = chunks;
    const stream = client.messages.stream(REQUEST);
    stream.on('text', () => take(stream, tenths));
    tenths.begin();
    return stream.finalMessage();
  };
}

let kept;
const variants = {
  ssemble: {
    load: (_, tenths) =>
      ours(tenths, (parser) => {
        kept = parser.message;
        tenths.tick();
      }),
  },
  'ssemble, nobody looks': { load: (_, tenths) => ours(tenths, () => tenths.tick()) },
  '@anthropic-ai/sdk, one object that changes': {
    async: true,
    load: (_, tenths) =>
      sdk(tenths, (stream) => {
        kept = stream.currentMessage;
        tenths.tick();
      }),
  },
  '@anthropic-ai/sdk + structuredClone': {
    // What it takes to get a snapshot that stays as it is.
    async: true,
    load: (_, tenths) =>
      sdk(tenths, (stream) => {
        kept = structuredClone(stream.currentMessage);
        tenths.tick();
      }),
  },
};

export default {
  title: 'A snapshot at every delta',
  unit: 'delta',
  variants,
  cells: [{ input: 'blocks', chunking: 'event', short: true }],
  short: ['ssemble', '@anthropic-ai/sdk + structuredClone'],
  parts: PARTS,
  sink: () => new Tenths(),
  claims: ({ content }) => ({ text: hashOf(content.map(({ text }) => text)) }),
  /** Runs until warm, then until both tenths have enough time on the clock. */
  async measure(variant, { bodies, clock }) {
    const warm = new Tenths();
    const spend = async (tenths, ms) => {
      const run = await variant.load(undefined, tenths);
      const start = process.cpuUsage();
      for (let runs = 1; ; runs += 1) {
        await run(bodies[0]);
        const { user, system } = process.cpuUsage(start);
        if (user + system >= ms * 1000) return runs;
      }
    };
    await spend(warm, clock.warmMs);
    const tenths = new Tenths();
    const runs = await spend(tenths, clock.ms * 4);
    const ns = (us) => (us * 1000) / (runs * TENTH);
    return { value: ns(tenths.last), parts: [ns(tenths.first), ns(tenths.last)], runs, kept: kept?.id };
  },
  goals: [
    {
      text: 'time per delta in the last tenth over that in the first',
      limit: 1.3,
      atMost: true,
      of: (q) => q.parts({ input: 'blocks' }, 'ssemble', ([first, last]) => last / first),
    },
  ],
};
