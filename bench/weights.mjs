/**
 * What the kilobytes of a bundle are: how much each file of ours weighs in it, and which promise it serves.
 *
 * The bundle is made a second time with a mark before each file, in a comment that a minifier must keep, and is cut at
 * the marks; without them the pieces are, byte for byte, the bundle. **Minified** is the length of a piece. **Gzip** is
 * what the bundle loses when the piece is left out: gzip of the whole less gzip of the rest. What two files have in
 * common is lost with neither of them, so that the figures do not add up to the whole; a row of its own says what is left.
 */

import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Each file under the promise that it mainly serves. The longest beginning of a path decides, so that a new file falls to
 * its room until somebody names it here.
 */
const PROMISES = {
  'server-sent events to the letter, offsets, saved state': ['sse/'],
  'UTF-8 by hand, where there is no TextDecoder': ['sse/utf8'],
  'the fast path for what makes up most of a stream': ['sse/heads', 'protocol/delta'],
  'back to the wire': ['sse/encode', 'protocol/encode', 'stream/sse-readable', 'message/to-events'],
  'the protocol, typed: unknown things are kept': ['protocol/'],
  'what broke, by its class; the API’s own errors': ['errors', 'protocol/api-error', 'message/outcome'],
  'no broken rule is silent: order, codes, words': [
    'protocol/order',
    'protocol/codes',
    'message/wording',
    'message/diagnostic-log',
  ],
  'assembly: blocks and snapshots that share': ['message/'],
  'the state of a message as plain JSON': ['message/current', 'sse/base64'],
  'JSON that grows': ['json/'],
  'bodies that are no stream': ['message/foreign-body'],
  'the parsers that are called': ['message/reader', 'message/view', 'message/parser', 'message/parse-message'],
  'going on where a stream was cut': ['message/salvage', 'message/continuation'],
  'streams: any source, backpressure, abort, clocks': ['stream/'],
  'what the headers say': ['stream/response-headers'],
  'two readers of one stream': ['stream/tee', 'stream/tap'],
  'user interfaces: stores, pacing': ['stream/store', 'stream/pacing'],
};

/** The names under which a bundle exports what is in it. */
const EXPORTS = 'the list of exports';

function promiseOf(file) {
  if (/(^|\/)index\.js$/.test(file)) return EXPORTS;
  const all = Object.entries(PROMISES).flatMap(([promise, starts]) => starts.map((start) => [start, promise]));
  const fitting = all.filter(([start]) => file.startsWith(start));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? 'without a name in bench/weights.mjs';
}

export const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

const MARK = '@@file ';
const marks = (root) => ({
  name: 'marks',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const file = relative(root, path).split(sep).join('/');
      if (file.startsWith('..')) return undefined;
      return { contents: `/*! ${MARK}${file} */\n${readFileSync(path, 'utf8')}`, loader: 'js' };
    });
  },
});

/**
 * @param {(options: object) => Promise<string>} bundle makes the bundle, with these options of esbuild besides its own
 * @param {string} root the folder whose files are weighed
 * @returns {Promise<{ whole: { minified: number, gzip: number }, promises: Weight[], files: Weight[] }>} heaviest first
 */
export async function weigh(bundle, root) {
  const whole = await bundle({});
  const marked = await bundle({ plugins: [marks(root)], legalComments: 'inline' });
  const [head, ...cut] = marked.split(new RegExp(`/\\*! ${MARK}(.*?) \\*/\\n?`));
  const pieces = cut.flatMap((file, k) => (k % 2 === 0 ? [{ file, text: cut[k + 1] }] : []));
  if (head + pieces.map(({ text }) => text).join('') !== whole) {
    throw new Error('The bundle with marks is not the one without: what is weighed would be something else');
  }
  const full = gzipped(whole);
  /** What the bundle loses without the pieces that are so called. */
  const weightsBy = (nameOf) =>
    [...new Set(pieces.map(nameOf))]
      .map((name) => {
        const rest = pieces.filter((piece) => nameOf(piece) !== name).map(({ text }) => text);
        return {
          name,
          minified: whole.length - head.length - rest.join('').length,
          gzip: full - gzipped(head + rest.join('')),
        };
      })
      .sort((a, b) => b.gzip - a.gzip);
  return {
    whole: { minified: whole.length, gzip: full },
    promises: weightsBy(({ file }) => promiseOf(file)),
    files: weightsBy(({ file }) => file).map((weight) => ({ ...weight, promise: promiseOf(weight.name) })),
  };
}
