/**
 * Cassettes of test recorders, in JSON: VCR (Ruby and Python), go-vcr, nock, Polly.js; and what claude-trace writes, one
 * request a line. They keep the body in one piece, so the chunks are made, and there are no times (but those of Polly.js,
 * whose recordings are HAR files).
 */

import { isObject, type Wire } from '../../protocol/decode.ts';
import { fromHex, lenientBase64 } from './base64-text.ts';
import { asNumber, asText, bytesOf, capturesOf, type Exchange, headersOf } from './exchange.ts';
import { isPolly, readHar } from './har.ts';
import { cannotImport, type Imported, type Importer, type ImportInput, parseJson } from './importer.ts';

export const CASSETTE: Importer = {
  kind: 'cassette',
  what: 'a cassette in JSON, of VCR, go-vcr, nock or Polly.js, or the lines of claude-trace',
  detect: (input) => isPolly(input.json) || exchangesOf(input) !== undefined,
  read: readCassette,
};

function readCassette(input: ImportInput): Imported {
  if (isPolly(input.json)) return readHar(input, 'cassette');
  const exchanges = exchangesOf(input);
  if (exchanges === undefined) {
    const what = input.json === undefined ? 'it is not JSON' : 'it has no interactions that are known here';
    throw cannotImport(input, what, 'cassettes in YAML must be converted to JSON first');
  }
  return capturesOf(input, 'cassette', exchanges);
}

function exchangesOf(input: ImportInput): Exchange[] | undefined {
  const { json } = input;
  if (isPair(input.firstLine)) return input.text.split('\n').flatMap(ofLine);
  if (Array.isArray(json)) {
    return json.length > 0 && json.every(isNock) ? json.map((each, i) => ofNock(each as Wire, i)) : undefined;
  }
  if (!isObject(json)) return undefined;
  const list = json['interactions'] ?? json['http_interactions'];
  if (!Array.isArray(list) || !list.every((each) => isObject(each) && isObject(each['response']))) return undefined;
  // Where a list holds its answers in chunks, it is a list of chunks.
  if (list.some((each: Wire) => Object.keys(each['response'] as Wire).some((key) => key.startsWith('chunks'))))
    return undefined;
  return list.map((each: Wire, i) => ofVcr(each, i));
}

function isPair(value: unknown): boolean {
  if (!isObject(value) || !isObject(value['request']) || !isObject(value['response'])) return false;
  return typeof value['response']['body_raw'] === 'string' || 'status_code' in value['response'];
}

/** A line of claude-trace: a request and its answer, whose `body_raw` is the stream as text. */
function ofLine(line: string, i: number): Exchange[] {
  if (line.trim() === '') return [];
  const value = parseJson(line);
  if (isObject(value) && isObject(value['response'])) return [{ ...ofVcr(value, i), where: `line ${i + 1}` }];
  return [{ where: `line ${i + 1}`, requestHeaders: [], headers: [], body: 'it is no request with its answer' }];
}

/** VCR's and go-vcr's: the one has `status: {code}` and `body: {string}`, the other `code` and a bare body. */
function ofVcr(interaction: Wire, i: number): Exchange {
  const request: Wire = isObject(interaction['request']) ? interaction['request'] : {};
  const response = interaction['response'] as Wire;
  const status = isObject(response['status'])
    ? response['status']['code']
    : (response['code'] ?? response['status_code']);
  return {
    where: `interaction ${i + 1}`,
    method: asText(request['method'])?.toUpperCase(),
    url: asText(request['uri']) ?? asText(request['url']),
    requestHeaders: headersOf(request['headers']),
    status: asNumber(status ?? response['status']),
    headers: headersOf(response['headers']),
    body: vcrBody(response['body_raw'] ?? response['body']),
  };
}

function vcrBody(body: unknown): Uint8Array | string {
  if (typeof body === 'string') return body === '' ? 'its body is empty' : bytesOf(body);
  if (!isObject(body)) return 'it has no body';
  const base64 = asText(body['base64_string']);
  if (base64 !== undefined) return lenientBase64(base64) ?? 'its base64_string is no base64';
  const { string: text } = body;
  if (typeof text !== 'string') return 'its body was kept as JSON, so it was no stream';
  return text === '' ? 'its body is empty' : bytesOf(text);
}

function isNock(value: unknown): boolean {
  return isObject(value) && 'scope' in value && 'path' in value && 'response' in value;
}

function ofNock(wire: Wire, i: number): Exchange {
  const { scope, path, method, status, response, reqheaders, rawHeaders, headers } = wire;
  return {
    where: `interaction ${i + 1}`,
    method: asText(method),
    url: `${String(scope)}${String(path)}`,
    requestHeaders: headersOf(reqheaders),
    status: asNumber(status),
    headers: headersOf(rawHeaders ?? headers),
    body: nockBody(response, wire['responseIsBinary'] === true),
  };
}

/** A text; a list of pieces in hexadecimal, or one such text if it says that it is binary; or JSON, as an object. */
function nockBody(response: unknown, isBinary: boolean): Uint8Array | string {
  if (typeof response === 'string' && !isBinary) return response === '' ? 'its body is empty' : bytesOf(response);
  const pieces = typeof response === 'string' ? [response] : response;
  if (Array.isArray(pieces) && pieces.length > 0 && pieces.every((each) => typeof each === 'string')) {
    return fromHex(pieces.join('')) ?? bytesOf(pieces.join(''));
  }
  return response === undefined || response === null ? 'it has no body' : bytesOf(JSON.stringify(response));
}
