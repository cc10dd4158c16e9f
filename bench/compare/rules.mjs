/**
 * Who is right, as rules. They are meant to be fair: where it is a matter of taste, every reading that loses nothing
 * counts.
 *
 * What counts is the text and the calls of client tools, and nothing else: no thinking, no citations, no usage, no
 * results of server tools, because not every client hands those out. The goldens beside the fixtures say what they are;
 * they come from the scripts that made the fixtures, not from any parser.
 */

/** The verdicts, best first; of two chunkings the worse one counts. */
export const VERDICTS = {
  read: 'finished, with all the text and calls',
  reported: 'said that the stream is broken, and it is',
  refused: 'gave up a stream, or one of its calls, of which nothing is missing or out of order',
  hangs: 'no end after five seconds',
  silent: 'finished as if nothing had happened, though the stream is broken off, failed or unreadable in part',
  wrong: 'finished with other text or calls than the stream has',
};

export const RIGHT = ['read', 'reported'];

/** A stop reason that cuts the last call. Whoever hands it out has said that this call may be unfinished. */
const CUTS = ['max_tokens', 'model_context_window_exceeded', 'length'];

/**
 * Streams that are damaged, but what cannot be read held nothing of the message (a proxy's HTML, a scalar, another
 * API's chunk): to finish with all that is there is as right as to say that something was odd.
 */
const NOTHING_LOST = new Set([
  'block-missing',
  'data-array',
  'data-null',
  'data-number',
  'data-string',
  'delta-missing',
  'json-html',
  'message-delta-without-delta',
  'openai-chunk',
  'start-missing',
  'start-without-message',
]);

/**
 * By the letter of server-sent events the last event of these was never sent, and it is the one that ends the message.
 */
const UNSENT_END = new Set(['final-blank-line-missing', 'final-line-end-missing']);

/** Other texts that lose and invent nothing, with the reason. */
const ALSO_RIGHT = {
  'after-stop-delta': ['The kettle clicks off.LATE'], // what comes after the end is shown
  'after-stop-text': ['The kettle clicks off.LATE'],
  'delta-text-number': ['The kettle42 clicks.'], // a number is shown as text
  'delta-unknown-index': ['Alost?B'], // in the order of arrival
  'events-merged': ['The kettle clicks off.'], // two events that ran together are taken apart
  'index-out-of-order': ['onezero'], // in the order of arrival
  'start-after-stop': ['The kettle clicks off.', 'The kettle clicks off.And again.'], // the first message, or both
  'unknown-block': ['see below.', 'Note: see below.'], // text of a block of unknown type is shown
  'unknown-block-homeless-delta': ['Figure 1'],
};

/** Tool input that is no JSON, but means one thing only: who hands that out has lost and invented nothing. */
const MEANT = {
  'tool-raw-newline': { text: 'one\ntwo' },
  'tool-raw-tab': { text: 'one\ttwo' },
  'tool-single-quotes': { days: 2 },
  'tool-trailing-brace': { days: 2 },
  'tool-trailing-comma': { days: 2 },
  'tool-trailing-words': { days: 2 },
};

/**
 * @param {{ name: string, message: object | null, expect: object }} golden
 * @param {{ failed?: unknown, hung?: boolean, text?: string, calls?: object[], stopReason?: string, doubt?: boolean }}
 *   result `failed`: what was thrown; the rest as in clients.mjs
 * @returns {keyof typeof VERDICTS}
 */
export function judge(golden, result) {
  if (result.hung) return 'hangs';
  const told = isBroken(golden) ? 'reported' : 'refused';
  const whole = golden.expect.status === 'complete';
  if ('failed' in result || (result.doubt && !whole)) return told;
  const texts = textsOf(golden);
  const calls = compareCalls(golden, result);
  if (!texts.includes(result.text) || calls === 'wrong') return whole ? 'wrong' : 'silent';
  if (calls === 'told') return told;
  return whole || isAllThere(golden, result.text) ? 'read' : 'silent';
}

/** Whoever does not take a stream that breaks a rule of the protocol, or holds an error, has a reason. */
function isBroken({ name, expect: { status, codes, rules, blocks } }) {
  const odd = status !== 'complete' || codes.length > 0 || rules.includes('error-event');
  return odd || blocks.some(isBrokenCall) || UNSENT_END.has(name);
}

const isBrokenCall = ([, , , inputState = 'valid']) => inputState !== 'valid';

/**
 * Not complete by the letter, but nothing of the message is missing: the stop reason came, only `message_stop` did not.
 */
function isAllThere({ name, expect: { status, stopReason } }, text) {
  if (ALSO_RIGHT[name]?.includes(text) || NOTHING_LOST.has(name)) return true;
  return status === 'truncated' && stopReason !== null;
}

const textsOf = ({ name, message }) => [textOf(message?.content ?? []), ...(ALSO_RIGHT[name] ?? [])];

/**
 * Calls may come in any order: not every client keeps the valid and the broken ones in one list. A call that a client
 * calls broken is not run by anybody; one too many of them is held against nobody.
 *
 * @returns {'same' | 'told' | 'wrong'} `told`: a valid call is among those that the client calls broken
 */
function compareCalls({ name, message, expect }, { calls, stopReason }) {
  const wanted = (message?.content ?? []).flatMap((block, k) =>
    block.type === 'tool_use' ? [{ ...block, broken: isBrokenCall(expect.blocks[k]) }] : [],
  );
  const taken = calls.filter(({ broken }) => !broken).map(keyOf);
  const told = calls.filter(({ broken }) => broken);
  const missed = wanted.filter((tool) => !tool.broken && !take(taken, keyOf(tool)));
  const broken = wanted.filter((tool) => tool.broken);
  if (CUTS.includes(stopReason)) return missed.length === 0 && taken.length <= broken.length ? 'same' : 'wrong';
  const unsaid = broken.filter((tool) => !take(taken, meantKey(name, tool)));
  if (taken.length > 0 || told.length < missed.length + unsaid.length) return 'wrong';
  return missed.length === 0 ? 'same' : 'told';
}

/** Takes one out of a list. */
function take(list, item) {
  const at = list.indexOf(item);
  if (at !== -1) list.splice(at, 1);
  return at !== -1;
}

const textOf = (content) => content.map((block) => (block.type === 'text' ? block.text : '')).join('');
/** No input at all is as good as an empty one. */
const keyOf = ({ name, input = {} }) => `${name ?? ''} ${canonical(input)}`;
const meantKey = (name, tool) => (name in MEANT ? keyOf({ name: tool.name, input: MEANT[name] }) : undefined);

/** JSON with its keys sorted. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}
