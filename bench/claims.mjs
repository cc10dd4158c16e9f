/** What a variant says it has found, in a form that can be compared: counts and hashes. */

import { createHash } from 'node:crypto';

/** The keys of every object in order, so that only what is said counts and not in which order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

/** @returns {string} 16 hex digits */
export function hashOf(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(sorted(value));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Everything that a whole `Message` claims. `parsed_output` is the SDK's own addition. */
export function messageClaims(message) {
  if (message === undefined) return { message: 'none' };
  const strip = ({ parsed_output: _, ...block }) => block;
  const { parsed_output: _, ...rest } = message;
  return {
    message: hashOf({ ...rest, content: message.content.map(strip) }),
    ...partClaims(
      message.content.filter(({ type }) => type === 'text').map(({ text }) => text),
      message.content.filter(({ type }) => type === 'tool_use').map(({ id, name, input }) => [id, name, input]),
    ),
  };
}

/** What every tool can be asked for, whatever it makes of a message: its text and its tool calls. */
export function partClaims(texts, tools) {
  return { text: hashOf(texts.join('')), tools: hashOf(tools) };
}
