/** `ssemble explain`: what a rule means, or what an error text of some client says about the stream. Offline. */

import { stat } from 'node:fs/promises';
import { type ExplanationMatch, EXPLANATIONS, explainError, nearestRules } from '../../lint/explanations.ts';
import type { Rule } from '../../lint/finding.ts';
import { labelled } from '../../lint/formats/text.ts';
import { RULES, ruleOf } from '../../lint/rules.ts';
import type { Call, Command } from '../command.ts';
import { CLEAN, FINDINGS, INTERRUPTED } from '../exit.ts';
import { inputError } from '../input.ts';
import { printRule, printRules } from '../rule-text.ts';
import { clip, type Ink, jsonText } from '../terminal.ts';

/** Lines longer than this are hard to read. */
const WIDEST = 100;
/** How much of an unknown text is quoted back. */
const QUOTE = 60;
/** An error text is at most a few lines; a log is no error text. */
const MOST_BYTES = 1024 * 1024;

/** The command. */
export const EXPLAIN: Command = {
  name: 'explain',
  summary: 'say what a rule means, or what an error text tells about the stream; works offline',
  usage: '[options] [rule | error text…]',
  about: [
    'Knows the texts of Claude Code, the official SDKs, the AI SDK, LangChain, JSON parsers, HTTP clients and proxies.',
    'Paste the text as it is, in quotes, or pipe it in with `-`. Without one, every rule is listed.',
    'Exit code 1: the text is not known; then the rules that come nearest are listed.',
  ],
  options: [{ name: 'json', summary: 'print JSON' }],
  examples: [
    ['ssemble explain "Content block not found"', 'cause, rules, and what to do'],
    ['ssemble explain delta-mismatch', 'everything about one rule'],
    ['tail -n 20 agent.log | ssemble explain -', 'what a log complains of'],
  ],
  readsInput: false,
  run: explain,
};

async function explain(call: Call): Promise<number> {
  const code = await explainWords(call);
  return call.world.interrupt.aborted ? INTERRUPTED : code;
}

async function explainWords(call: Call): Promise<number> {
  const { words, out, options } = call;
  const json = options.has('json');
  if (words.length === 0) {
    if (json) out.write(`${jsonText({ rules: RULES, explanations: EXPLANATIONS }, 2)}\n`);
    else printRules(out);
    return CLEAN;
  }
  const text = words.length === 1 && words[0] === '-' ? await standardInput(call) : words.join(' ');
  const rule = ruleOf(text.trim().toLowerCase());
  if (rule !== undefined) {
    if (json) out.write(`${jsonText({ rule }, 2)}\n`);
    else printRule(out, rule);
    return CLEAN;
  }
  const row = EXPLANATIONS.find(({ id }) => id === text.trim());
  const matches = row === undefined ? explainError(text) : [{ explanation: row, said: row.says[0] ?? row.id }];
  if (matches.length === 0) return unknown(call, text, await isFile(text.trim()));
  if (json) out.write(`${jsonText({ matches: matches.map(matchData) }, 2)}\n`);
  else matches.forEach((match, i) => printMatch(out, match, i === 0));
  return CLEAN;
}

async function standardInput({ world }: Call): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  const { stream } = world.stdin;
  const { interrupt } = world;
  const stop = (): void => void stream.destroy();
  interrupt.addEventListener('abort', stop, { once: true });
  try {
    for await (const piece of stream) {
      pieces.push(Buffer.from(piece as Uint8Array));
      size += (piece as Uint8Array).length;
      // The end of a log says what went wrong.
      while (size - (pieces[0]?.length ?? 0) > MOST_BYTES) size -= pieces.shift()?.length ?? 0;
    }
  } catch (cause) {
    if (!interrupt.aborted) throw inputError('standard input', cause);
  } finally {
    interrupt.removeEventListener('abort', stop);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function matchData({ explanation, said }: ExplanationMatch): unknown {
  const rules = explanation.rules.map(ruleOf).filter((rule) => rule !== undefined);
  return { ...explanation, said, rules };
}

function printMatch(out: Ink, { explanation, said }: ExplanationMatch, best: boolean): void {
  const width = Math.min(out.width, WIDEST);
  if (!best) out.write('\nalso: ', 'dim');
  out.write(`${said}\n`, 'bold');
  const rules = explanation.rules.map(ruleOf).filter((rule) => rule !== undefined);
  const list = rules.map(({ id, rule }) => `${id}: ${rule}`);
  const lines = [
    ...labelled('From:', [explanation.from], width),
    ...labelled('Cause:', [explanation.cause], width),
    ...labelled('Rules:', list, width, 2),
    ...labelled('Fix:', [explanation.fix], width),
    ...labelled('Seen in:', explanation.seen.length === 0 ? [] : [explanation.seen.join(', ')], width),
  ];
  out.write(`${lines.join('\n')}\n`);
}

async function isFile(text: string): Promise<boolean> {
  return stat(text).then(
    (status) => status.isFile(),
    () => false,
  );
}

function unknown({ out, err, options }: Call, text: string, file: boolean): number {
  const near = nearestRules(text);
  if (options.has('json')) out.write(`${jsonText({ matches: [], nearest: near }, 2)}\n`);
  else if (file) {
    err.write('ssemble: ', 'bold').write(`${clip(text.trim(), QUOTE)} is a file: `);
    err.write('`ssemble lint FILE` judges a stream, `ssemble explain - < FILE` a log.\n');
  } else printNearest(out, err, text, near);
  return FINDINGS;
}

function printNearest(out: Ink, err: Ink, text: string, near: readonly Rule[]): void {
  err.write('ssemble: ', 'bold').write(`No known error text is in "${clip(text.trim(), QUOTE)}". `);
  if (near.length === 0) {
    err.write('`ssemble lint` on a recording of the stream says what is wrong with it.\n');
    return;
  }
  err.write('Rules that come nearest by their words:\n');
  for (const { id, rule } of near) out.write(`  ${id}: ${rule}\n`);
}
