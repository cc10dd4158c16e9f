/**
 * Blocks in few words. What a block holds came over the network, so every field is looked at before it is believed: types
 * say what the protocol promises, this file shows what came.
 */

import { counted } from './tally.ts';
import { jsonText } from './terminal.ts';

/** An object whose fields may be anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none for anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The text, or nothing where it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What goes over a block. */
export interface Title {
  /** What it is: the tool's name, or the block's type. */
  name: string;
  /** The rest, on the same line. May be long: cut it. */
  detail: string;
}

/** The title of a block of any type. */
export function titleOf(block: Fields): Title {
  const type = textOf(block['type']);
  if (isCall(block)) return { name: textOf(block['name']) || '(no name)', detail: callDetail(block, type) };
  const describe = Object.hasOwn(DETAILS, type) ? DETAILS[type] : undefined;
  if (describe !== undefined) return { name: type, detail: describe(block) };
  return { name: type, detail: type.endsWith('_tool_result') ? resultDetail(block) : preview(withoutType(block)) };
}

/** The same as one line. */
export function lineOf(block: Fields): string {
  const { name, detail } = titleOf(block);
  const type = textOf(block['type']);
  return [isCall(block) && !detail.startsWith(type) ? type : '', name, detail].filter((word) => word !== '').join(' ');
}

/** Title and address of each search result of a block. */
export function searchResults(block: Fields): { title: string; url: string }[] {
  const results = block['content'];
  if (block['type'] !== 'web_search_tool_result' || !Array.isArray(results)) return [];
  return results.map(fieldsOf).map((result) => ({ title: textOf(result['title']), url: textOf(result['url']) }));
}

/** Where a citation points to, as a footnote. */
export function footnoteOf(citation: unknown): string {
  const fields = fieldsOf(citation);
  const type = textOf(fields['type']);
  const title = textOf(fields['title']) || textOf(fields['document_title']);
  const address = textOf(fields['url']) || textOf(fields['source']);
  const range = RANGES.find(([kind]) => kind === type);
  const span = range === undefined ? '' : `${range[1]} ${number(fields[range[2]])}–${number(fields[range[3]])}`;
  const document =
    fields['document_index'] === undefined || title !== '' ? '' : `document ${number(fields['document_index'])}`;
  const words = [title, document, address, span].filter((word) => word !== '');
  return words.length > 0 ? words.join('  ') : preview(fields);
}

const RANGES: readonly (readonly [kind: string, noun: string, from: string, to: string])[] = [
  ['char_location', 'characters', 'start_char_index', 'end_char_index'],
  ['page_location', 'pages', 'start_page_number', 'end_page_number'],
  ['content_block_location', 'blocks', 'start_block_index', 'end_block_index'],
  ['search_result_location', 'blocks', 'start_block_index', 'end_block_index'],
];

/** A block that asks for something to be run. */
function isCall(block: Fields): boolean {
  return textOf(block['type']).endsWith('tool_use');
}

function callDetail(block: Fields, type: string): string {
  const caller = textOf(fieldsOf(block['caller'])['type']);
  return [
    type === 'tool_use' ? '' : type,
    textOf(block['server_name']),
    textOf(block['toolset_name']),
    textOf(block['id']),
    caller === '' || caller === 'direct' ? '' : `called by ${caller}`,
  ]
    .filter((word) => word !== '')
    .join('  ');
}

const DETAILS: Readonly<Record<string, (block: Fields) => string>> = {
  text: (block) => sized(block['text']),
  thinking: (block) => sized(block['thinking']),
  connector_text: (block) => sized(block['connector_text']),
  redacted_thinking: (block) => `${sized(block['data'])} encrypted`,
  compaction: (block) => (block['content'] === null ? 'no content: compaction failed' : sized(block['content'])),
  container_upload: (block) => textOf(block['file_id']),
  fallback(block) {
    const category = textOf(fieldsOf(block['trigger'])['category']);
    const models = [block['from'], block['to']].map((side) => textOf(fieldsOf(side)['model']) || '?');
    return `${models.join(' → ')}${category === '' ? '' : `  (${category})`}`;
  },
  mcp_tool_listing(block) {
    const names = namesOf(block['tools'], 'name');
    return `${textOf(block['mcp_server_name'])}  ${names}`;
  },
  mcp_tool_result: (block) => `${block['is_error'] === true ? 'error: ' : ''}${contentText(block['content'])}`,
};

/** Results of the server's own tools: their `content` is an object or a list with a type of its own. */
function resultDetail(block: Fields): string {
  const content = block['content'];
  if (Array.isArray(content)) return counted(content.length, 'result');
  const fields = fieldsOf(content);
  const type = textOf(fields['type']);
  if (type.endsWith('_error'))
    return `error: ${textOf(fields['error_code'])} ${textOf(fields['error_message'])}`.trimEnd();
  if (type === 'web_fetch_result') return fetchDetail(fields);
  if (type === 'tool_search_tool_search_result') return namesOf(fields['tool_references'], 'tool_name');
  if ('return_code' in fields) return codeDetail(fields);
  return textOf(fields['text']) || `${type}  ${preview(withoutType(fields))}`;
}

function fetchDetail(fields: Fields): string {
  const document = fieldsOf(fields['content']);
  const source = fieldsOf(document['source']);
  return [textOf(fields['url']), textOf(document['title']), sized(source['data'])]
    .filter((word) => word !== '')
    .join('  ');
}

function codeDetail(fields: Fields): string {
  const words = [`return code ${number(fields['return_code'])}`];
  for (const stream of ['stdout', 'stderr']) {
    const text = textOf(fields[stream]).trimEnd();
    if (text !== '') words.push(`${stream}: ${text}`);
  }
  if ('encrypted_stdout' in fields) words.push('stdout encrypted');
  return words.join('  ');
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return preview(content);
  return content.map((item) => textOf(fieldsOf(item)['text']) || preview(item)).join(' ');
}

function namesOf(list: unknown, key: string): string {
  return Array.isArray(list) ? list.map((item) => textOf(fieldsOf(item)[key]) || '?').join(', ') : '';
}

function withoutType(block: Fields): Fields {
  const { type: _, ...rest } = block;
  return rest;
}

function sized(text: unknown): string {
  return typeof text === 'string' && text !== '' ? counted(text.length, 'character') : '';
}

function number(value: unknown): string {
  return typeof value === 'number' ? String(value) : '?';
}

/** JSON, cut long before it could be slow to print. */
function preview(value: unknown): string {
  const text = jsonText(value);
  return text === '{}' ? '' : text.slice(0, 2000);
}
