/** `ssemble/relay`: a stream passed on to a browser or another client, by a server that keeps the message. */

export { encodeEvent, type EncodableEvent } from '../protocol/encode.ts';
export type { RelayResult, Transform } from './feed.ts';
export { RELAY_HEADERS } from './headers.ts';
export { relayTo, type ServerResponseLike } from './node.ts';
export type { RelayedStream, RelayOptions, RelaySource } from './outlet.ts';
export type { DescribeError } from './public-error.ts';
export { type Relay, relay } from './relay.ts';
export { relayResponse, type RelayResponseOptions } from './response.ts';
export { messageToEvents, type MessageToEventsOptions } from '../message/to-events.ts';
