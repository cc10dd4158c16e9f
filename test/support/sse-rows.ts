/** What WHATWG's parser of server-sent events gives, case by case: one table, for the tests here and in other runtimes. */

import type { SseEvent } from '../../src/sse/event.ts';

/** An event as the parser gives it. */
export function event(data: string, more: Partial<SseEvent> = {}): SseEvent {
  return { event: 'message', data, id: '', named: more.event !== undefined, ...more };
}

/** Text as UTF-8, or the bytes themselves. */
export function bytesOf(input: string | readonly number[]): Uint8Array {
  return new Uint8Array(typeof input === 'string' ? Buffer.from(input, 'utf8') : input);
}

/** Texts and bytes, one after the other. */
export function concat(...parts: (string | readonly number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map(bytesOf)));
}

/** One case. */
export interface SseRow {
  name: string;
  input: string | Uint8Array;
  events: SseEvent[];
  /** `[byte, line, from, end]` of each event, the unfinished one last. */
  at?: [number, number, number, number][];
  unfinished?: SseEvent;
  lastEventId?: string;
  reconnectionTime?: number;
  comments?: string[];
}

/** The cases. */
export const SSE_ROWS: readonly SseRow[] = [
  { name: 'nothing', input: '', events: [], at: [] },
  {
    name: 'an event line that waits, and a bare CR at the very end',
    input: 'data: 2\nevent\n\r',
    events: [event('2', { named: true })],
    at: [[0, 1, 0, 15]],
  },
  { name: 'a BOM and nothing else', input: '\uFEFF', events: [], at: [] },
  { name: 'a BOM and a blank line', input: '\uFEFF\n', events: [], at: [] },
  {
    name: 'a BOM moves the first field to byte 3',
    input: '\uFEFFdata: x\n\n',
    events: [event('x')],
    at: [[3, 1, 0, 12]],
  },
  {
    name: 'a second BOM is an ordinary character',
    input: '\uFEFF\uFEFFdata: x\n\ndata: y\n\n',
    events: [event('y')],
    at: [[15, 3, 0, 24]],
  },
  { name: 'half a BOM is not a BOM', input: concat([0xef, 0xbb], 'data: x\n\ndata: y\n\n'), events: [event('y')] },
  { name: 'a BOM after a comment', input: ':c\n\uFEFFdata: x\n\n', events: [], comments: ['c'] },
  {
    name: 'LF, CR and CRLF in turn',
    input: 'data: a\n\ndata: b\r\rdata: c\r\n\r\n',
    events: [event('a'), event('b'), event('c')],
    at: [
      [0, 1, 0, 9],
      [9, 3, 9, 18],
      [18, 5, 18, 29],
    ],
  },
  { name: 'a bare CR at the very end is a blank line', input: 'data: a\n\r', events: [event('a')], at: [[0, 1, 0, 9]] },
  { name: 'two bare CRs at the very end', input: 'data: a\r\r', events: [event('a')], at: [[0, 1, 0, 9]] },
  { name: 'LF CR is two line ends', input: 'data: a\n\rdata: b\n\n', events: [event('a'), event('b')] },
  { name: 'CR CRLF is one blank line', input: 'data: a\r\r\ndata: b\n\n', events: [event('a'), event('b')] },
  {
    name: 'many data lines',
    input: 'data: a\ndata:b\ndata\ndata: \ndata:  c\n\n',
    events: [event('a\nb\n\n\n c')],
    at: [[0, 1, 0, 37]],
  },
  { name: 'empty data is dispatched', input: 'data\n\n', events: [event('')] },
  {
    name: 'no data is not dispatched',
    input: 'event: a\nid: 1\n\ndata: x\n\n',
    events: [event('x', { id: '1' })],
    at: [[16, 4, 0, 25]],
    lastEventId: '1',
  },
  {
    name: 'an event line names it; an empty one gives message',
    input: 'event: a\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\nevent: message\ndata: 4\n\n',
    events: [event('1', { event: 'a' }), event('2'), event('3', { named: true }), event('4', { event: 'message' })],
  },
  {
    name: 'id stays until it changes; an empty one takes it away',
    input: 'id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\nid\ndata: d\n\n',
    events: [event('a', { id: '1' }), event('b', { id: '1' }), event('c', { id: '2' }), event('d')],
    lastEventId: '',
  },
  {
    name: 'an id with NUL is no id',
    input: 'id: 1\nid: a\0b\ndata: x\n\nid: \0\ndata: y\n\n',
    events: [event('x', { id: '1' }), event('y', { id: '1' })],
    lastEventId: '1',
  },
  {
    name: 'retry takes ASCII digits only',
    input: [
      'retry: 10',
      'retry: 1x',
      'retry: -1',
      'retry: 1.5',
      'retry:',
      'retry:  7',
      'retry: ٣',
      'data: x',
      '',
      '',
    ].join('\n'),
    events: [event('x', { retry: 10 })],
    reconnectionTime: 10,
  },
  {
    name: 'retry is on the event after it, and on no other',
    input: 'data: a\n\nretry: 5\n\nretry: 007\n\ndata: b\n\ndata: c\n\n',
    events: [event('a'), event('b', { retry: 7 }), event('c')],
    reconnectionTime: 7,
  },
  {
    name: 'a retry past 2^53 is the largest exact integer',
    input: `retry: ${'9'.repeat(400)}\ndata: a\n\n`,
    events: [event('a', { retry: Number.MAX_SAFE_INTEGER })],
    reconnectionTime: Number.MAX_SAFE_INTEGER,
  },
  {
    name: 'comments are no events, and lie between from and byte',
    input: ': one\n\n:\n\n:two\ndata: x\n: three\ndata: y\n\n: four',
    events: [event('x\ny')],
    at: [[15, 6, 0, 40]],
    comments: [' one', '', 'two', ' three', ' four'],
  },
  {
    name: 'field names are exact',
    input: 'Data: a\n data: b\ndata : c\ndata\0: d\ndatas: e\ndat: f\ndata: x\n\n',
    events: [event('x')],
    at: [[0, 1, 0, 60]],
  },
  { name: 'one space is taken off, no tab', input: 'data:  a\ndata:\tb\ndata: \n\n', events: [event(' a\n\tb\n')] },
  {
    name: 'U+2028, U+2029, U+0085, VT and FF end no line',
    input: 'data: a\u2028b\u2029c\u0085d\ve\ff\n\n',
    events: [event('a\u2028b\u2029c\u0085d\ve\ff')],
  },
  {
    name: '__proto__ is an event name like others',
    input: 'event: __proto__\nid: __proto__\ndata: constructor\n\n',
    events: [event('constructor', { event: '__proto__', id: '__proto__' })],
    lastEventId: '__proto__',
  },
  {
    name: 'characters of two, three and four bytes',
    input: 'data: é€😀\nevent: ü\n\ndata: ✔\n\n',
    events: [event('é€😀', { event: 'ü' }), event('✔')],
    at: [
      [0, 1, 0, 27],
      [27, 4, 27, 38],
    ],
  },
  {
    name: 'invalid bytes are one U+FFFD for each maximal part, and one byte in offsets',
    input: concat('data: ', [0xff, 0xf0, 0x9f, 0x98], 'a\n\ndata: ', [0xc3], '\n\ndata: b\n\n'),
    events: [event('\uFFFD\uFFFDa'), event('\uFFFD'), event('b')],
    at: [
      [0, 1, 0, 13],
      [13, 3, 13, 22],
      [22, 5, 22, 31],
    ],
  },
  {
    name: 'an unfinished event is reported, not dispatched: its id does not count',
    input: 'data: a\n\nevent: b\nid: 7\ndata: c\n',
    events: [event('a')],
    unfinished: event('c', { event: 'b', id: '7' }),
    at: [
      [0, 1, 0, 9],
      [9, 3, 9, 32],
    ],
    lastEventId: '',
  },
  {
    name: 'an unfinished last line counts as a line',
    input: 'data: a\ndata: b',
    events: [],
    unfinished: event('a\nb'),
    at: [[0, 1, 0, 15]],
  },
  {
    name: 'an unfinished event without data',
    input: 'event: a',
    events: [],
    unfinished: event('', { event: 'a' }),
    at: [[0, 1, 0, 8]],
  },
  { name: 'an unfinished event of an unknown field', input: 'nonsense', events: [], unfinished: event('') },
  {
    name: 'an unfinished event that ends in CR',
    input: 'data: a\r',
    events: [],
    unfinished: event('a'),
    at: [[0, 1, 0, 8]],
  },
  { name: 'an unfinished comment is a comment', input: 'data: a\n\n: b', events: [event('a')], comments: [' b'] },
  {
    name: 'an unfinished event and a comment after it',
    input: 'data: a\n: b\n',
    events: [],
    unfinished: event('a'),
    at: [[0, 1, 0, 12]],
    comments: [' b'],
  },
  {
    name: 'an id in an unfinished event without a blank line',
    input: 'id: 4\r\n',
    events: [],
    unfinished: event('', { id: '4' }),
    lastEventId: '',
  },
  {
    name: 'an unfinished character at the end',
    input: concat('data: a', [0xe2, 0x82]),
    events: [],
    unfinished: event('a\uFFFD'),
    at: [[0, 1, 0, 9]],
  },
  { name: 'a JSON body is one unknown field', input: '{"type": "error"}\n', events: [], unfinished: event('') },
];
