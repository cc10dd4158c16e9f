/** The headers of a frame of Amazon's event stream: ten types on the wire, nine here, for a boolean has two. */

import { decodeUtf8, encodeUtf8 } from '../sse/utf8.ts';

/** A header's value with the type that it has on the wire. */
export type EventStreamValue =
  | { type: 'boolean'; value: boolean }
  /** `byte`: 8 bits, `short`: 16, `integer`: 32, all of them signed. */
  | { type: 'byte' | 'short' | 'integer'; value: number }
  /** `long`: 64 bits, signed; `timestamp`: milliseconds since 1970. */
  | { type: 'long' | 'timestamp'; value: bigint }
  | { type: 'bytes'; value: Uint8Array }
  /** `uuid`: 36 characters, in lower case. */
  | { type: 'string' | 'uuid'; value: string };

/** One header of a frame. */
export type EventStreamHeader = { name: string } & EventStreamValue;

/** The type codes of the wire. Both booleans have their value in the code, and no bytes behind it. */
const TYPES: readonly string[] = [
  'true',
  'false',
  'byte',
  'short',
  'integer',
  'long',
  'bytes',
  'string',
  'timestamp',
  'uuid',
];

/** How many bytes a value of each code takes; `undefined`: a length of two bytes stands before it. */
const SIZES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];

/** The headers of a frame, or what is wrong with them. */
export function readHeaders(bytes: Uint8Array): EventStreamHeader[] | string {
  const headers: EventStreamHeader[] = [];
  for (let at = 0; at < bytes.length;) {
    const read = readHeader(bytes.subarray(at));
    if (typeof read === 'string') return `header ${headers.length + 1} ${read}`;
    headers.push(read.header);
    at += read.length;
  }
  return headers;
}

const BEYOND = 'goes beyond the end of the headers';

/** The first header and how many bytes it has, or what is wrong with it. */
function readHeader(bytes: Uint8Array): { header: EventStreamHeader; length: number } | string {
  const nameEnd = 1 + (bytes[0] as number);
  const code = bytes[nameEnd];
  if (code === undefined) return BEYOND;
  const name = decodeUtf8(bytes, 1, nameEnd);
  if (code >= TYPES.length) return `(${JSON.stringify(name)}) has type ${code}, and there is no such type`;
  const fixed = SIZES[code];
  const valueFrom = nameEnd + (fixed === undefined ? 3 : 1);
  if (valueFrom > bytes.length) return BEYOND;
  const length = valueFrom + (fixed ?? viewOf(bytes).getUint16(nameEnd + 1));
  if (length > bytes.length) return BEYOND;
  return { header: { name, ...readValue(code, bytes.subarray(valueFrom, length)) }, length };
}

function readValue(code: number, bytes: Uint8Array): EventStreamValue {
  const view = viewOf(bytes);
  switch (TYPES[code]) {
    case 'true':
    case 'false':
      return { type: 'boolean', value: code === 0 };
    case 'byte':
      return { type: 'byte', value: view.getInt8(0) };
    case 'short':
      return { type: 'short', value: view.getInt16(0) };
    case 'integer':
      return { type: 'integer', value: view.getInt32(0) };
    case 'long':
      return { type: 'long', value: view.getBigInt64(0) };
    case 'timestamp':
      return { type: 'timestamp', value: view.getBigInt64(0) };
    case 'bytes':
      return { type: 'bytes', value: bytes };
    case 'uuid':
      return { type: 'uuid', value: uuidText(bytes) };
    default:
      return { type: 'string', value: decodeUtf8(bytes) };
  }
}

/** One header as it stands in a frame; TypeError for a name or a value that does not fit. */
export function encodeHeader(header: EventStreamHeader): Uint8Array {
  const name = encodeUtf8(header.name);
  if (name.length === 0 || name.length > 255) {
    throw new TypeError(`Cannot encode a header whose name has ${name.length} bytes: 1 to 255 are possible`);
  }
  const code = TYPES.indexOf(header.type === 'boolean' ? String(header.value) : header.type);
  const value = encodeValue(header);
  const sized = SIZES[code] === undefined;
  if (value.length > 0xffff) {
    throw new TypeError(`Cannot encode header ${JSON.stringify(header.name)}: its value is longer than 65,535 bytes`);
  }
  const bytes = new Uint8Array(2 + name.length + (sized ? 2 : 0) + value.length);
  bytes[0] = name.length;
  bytes.set(name, 1);
  bytes[1 + name.length] = code;
  if (sized) viewOf(bytes).setUint16(2 + name.length, value.length);
  bytes.set(value, bytes.length - value.length);
  return bytes;
}

const INTEGER_BITS: Readonly<Record<'byte' | 'short' | 'integer', number>> = { byte: 8, short: 16, integer: 32 };

function encodeValue(header: EventStreamHeader): Uint8Array {
  switch (header.type) {
    case 'boolean':
      return new Uint8Array(0);
    case 'byte':
    case 'short':
    case 'integer':
      return bigEndian(header.name, BigInt(header.value), INTEGER_BITS[header.type]);
    case 'long':
    case 'timestamp':
      return bigEndian(header.name, header.value, 64);
    case 'bytes':
      return header.value;
    case 'uuid':
      return uuidBytes(header.value);
    default:
      return encodeUtf8(header.value);
  }
}

function bigEndian(name: string, value: bigint, bits: number): Uint8Array {
  if (BigInt.asIntN(bits, value) !== value) {
    throw new TypeError(`Cannot encode header ${JSON.stringify(name)}: ${value} does not fit ${bits} bits`);
  }
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, value);
  return bytes.subarray(8 - bits / 8);
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function uuidBytes(uuid: string): Uint8Array {
  const hex = uuid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError(`Cannot encode ${JSON.stringify(uuid)} as a UUID`);
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
