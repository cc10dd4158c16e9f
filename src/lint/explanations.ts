/**
 * What the error texts of clients mean: a table from the text, as people paste it, to its cause, the rules of the
 * catalogue that the stream probably broke, and what to do.
 *
 * Texts are those of the clients' sources, of public issues, and of the runtimes below them (see `seen`). `…` in a text
 * stands for anything. Case, quotes and line breaks do not count, so a row matches whatever a terminal made of it.
 */

import { RULES } from './rules.ts';
import type { Rule } from './finding.ts';

/** One row of {@link EXPLANATIONS}. */
export interface Explanation {
  /** Stable, kebab-case. */
  id: string;
  /** The texts; `…` stands for anything up to 200 characters. */
  says: readonly string[];
  /** Who says it. */
  from: string;
  /** What happened, as far as the text tells. */
  cause: string;
  /** The rules that such a stream breaks, the likeliest first; empty if no stream is to blame. */
  rules: readonly string[];
  /** What to do. */
  fix: string;
  /** Public issues with this text or this cause. */
  seen: readonly string[];
}

const PROXY_CUT =
  'Record the stream at the server and behind each proxy (`ssemble record`), and see where the end is lost.';
const RAISE_PROXY_TIMEOUT =
  'Raise the read timeout of the proxy above the longest silence (nginx: proxy_read_timeout), turn its buffering off (proxy_buffering off), and let the server send pings.';
const USE_A_PARSER = 'Read the stream with a parser that holds back what is not complete, such as this library.';

/**
 * Error texts and what they mean.
 *
 * @example
 * EXPLANATIONS.find(({ id }) => id === 'content-block-not-found')?.rules[0]; // 'delta-without-start'
 */
export const EXPLANATIONS: readonly Explanation[] = [
  // Claude Code
  {
    id: 'content-block-not-found',
    says: ['Content block not found'],
    from: 'Claude Code',
    cause: 'A content_block_delta or content_block_stop names an index that no content_block_start opened.',
    rules: ['delta-without-start', 'stop-without-start', 'index-gap', 'delta-after-stop'],
    fix: 'Send content_block_start with the same index before the first delta of a block, and give each block its own index.',
    seen: [
      'router-for-me/CLIProxyAPI#3720',
      'Wei-Shaw/sub2api#4286',
      'Wei-Shaw/sub2api#4294',
      'Wei-Shaw/sub2api#4193',
      'ikawrakow/ik_llama.cpp#1524',
    ],
  },
  {
    id: 'content-block-is-not-a',
    says: [
      'Content block is not a thinking block',
      'Content block is not a text block',
      'Content block is not a tool_use block',
      'Content block is not a … block',
    ],
    from: 'Claude Code',
    cause: 'A delta came for a block of another type, such as a thinking_delta for a text block.',
    rules: ['delta-mismatch', 'index-reused', 'text-as-tool-input'],
    fix: 'Stop the open block and start a new one, with the next index, whenever the kind of content changes.',
    seen: [
      'BerriAI/litellm#33224',
      'BerriAI/litellm#32357',
      'sgl-project/sglang#26795',
      'musistudio/claude-code-router#1725',
    ],
  },
  {
    id: 'message-stop-without-message',
    says: ['Received message_stop without a current message', 'message_stop without a current message'],
    from: 'Claude Code',
    cause:
      'A message_stop came, but no message was open: there was no message_start, or the message had stopped before.',
    rules: ['missing-message-start', 'content-before-start', 'event-after-stop'],
    fix: 'Send message_start first and message_stop exactly once for it.',
    seen: ['9router#1779', 'router-for-me/CLIProxyAPI#4415'],
  },
  {
    id: 'response-stopped-arriving',
    says: ['The response stopped arriving'],
    from: 'Claude Code',
    cause:
      'Bytes came and then nothing more: the server thinks without sending pings, a proxy holds bytes back, or the connection is dead.',
    rules: ['silence', 'missing-message-stop', 'held-back'],
    fix: 'Send a ping at least every 15 s while nothing else is sent; look at `ssemble stats` of a capture to see who was silent.',
    seen: ['anthropics/claude-code#25979', 'anthropics/claude-code#49716', 'kolega-ai/kolega-code#152'],
  },
  {
    id: 'stream-idle-timeout',
    says: ['Stream idle timeout - partial response received', 'Stream idle timeout', 'idle timeout … partial response'],
    from: 'Claude Code',
    cause: 'Nothing came for longer than the client waits, so it gave up and kept what it had.',
    rules: ['silence', 'late-pings', 'missing-message-stop'],
    fix: 'Send pings during long thinking and tool calls, and keep proxies from collecting them.',
    seen: ['anthropics/claude-code#46987', 'anthropics/claude-code#82297', 'anthropics/claude-code#54472'],
  },
  {
    id: 'error-streaming-fallback',
    says: ['Error streaming, falling back', 'falling back to non-streaming'],
    from: 'Claude Code',
    cause:
      'The stream broke a rule or ended early; Claude Code asked again without streaming. The words behind it say what it was.',
    rules: ['delta-without-start', 'delta-mismatch', 'missing-message-stop'],
    fix: 'Explain the second half of the line, or lint a recording with `--profile claude-code`.',
    seen: ['router-for-me/CLIProxyAPI#3720'],
  },
  // official SDKs
  {
    id: 'second-message-start',
    says: [
      'Unexpected event order, got message_start before receiving "message_stop"',
      'got message_start before receiving message_stop',
    ],
    from: 'official TypeScript SDK',
    cause:
      'A second message_start came before the message_stop of the first, or a whole second message followed in the same body.',
    rules: ['duplicate-message-start', 'spliced-message-start', 'further-message'],
    fix: 'Send exactly one message_start; a proxy that retries after the first byte must not splice the new answer behind the old one.',
    seen: [
      'MoonshotAI/Kimi-K2.5#33',
      'QuantumNous/new-api#1502',
      'BerriAI/litellm#33859',
      'vercel/ai#18331',
      'maximhq/bifrost#4556',
    ],
  },
  {
    id: 'content-before-message-start',
    says: [
      'Unexpected event order, got … before "message_start"',
      'got content_block_start before message_start',
      'before message_start',
    ],
    from: 'official SDKs',
    cause:
      'Content came before message_start, there was no message_start at all, or its event was dropped on the way (no event line, a byte order mark).',
    rules: ['content-before-start', 'missing-message-start', 'missing-event-name', 'byte-order-mark'],
    fix: 'Send message_start first, with an `event:` line.',
    seen: [
      'router-for-me/CLIProxyAPI#530',
      'heyhuynhgiabuu/proxypal#19',
      'heyhuynhgiabuu/proxypal#20',
      'NousResearch/hermes-agent#72833',
    ],
  },
  {
    id: 'unexpected-event-order',
    says: ['Unexpected event order'],
    from: 'official SDKs',
    cause: 'Events came in an order that the SDK does not take: a repeated message_start, or content before it.',
    rules: ['duplicate-message-start', 'spliced-message-start', 'content-before-start', 'missing-message-start'],
    fix: 'Lint a recording of the stream: it says which event came where.',
    seen: ['NousResearch/hermes-agent#72833', 'MoonshotAI/Kimi-K2.5#33'],
  },
  {
    id: 'no-chunks',
    says: ['request ended without sending any chunks'],
    from: 'official TypeScript SDK, Claude Code',
    cause:
      'Not one event with a name came: the events have no `event:` line, the body is empty, or it is no event stream (HTML, JSON).',
    rules: ['missing-event-name', 'empty-stream', 'html-body', 'json-body', 'whole-message'],
    fix: 'Write an `event:` line before each `data:` line, equal to its type; look at the raw body with `curl -iN`.',
    seen: [
      'BerriAI/litellm#38953',
      'opencodex#700',
      'earendil-works/pi#1983',
      'openclaw/openclaw#37571',
      'anthropics/claude-code#486',
    ],
  },
  {
    id: 'no-assistant-message',
    says: ['stream ended without producing a Message with role=assistant'],
    from: 'official TypeScript SDK, Claude Code',
    cause:
      'The body ended before message_stop: the server, a proxy or the network cut it. What had arrived is discarded by the SDK.',
    rules: ['missing-message-stop', 'unfinished-event', 'missing-final-blank-line', 'misnamed-error'],
    fix: `End every stream with message_stop or with an error event. ${PROXY_CUT}`,
    seen: [
      'anthropics/anthropic-sdk-typescript#842',
      'anthropics/anthropic-sdk-typescript#893',
      'BerriAI/litellm#32159',
    ],
  },
  {
    id: 'no-text-block',
    says: ['stream ended without producing a content block with type=text'],
    from: 'official TypeScript SDK, finalText()',
    cause: 'The message has no text block: only thinking or tool calls, or it is empty.',
    rules: ['empty-answer', 'index-gap', 'content-before-start'],
    fix: 'Use finalMessage() and read the blocks; if there should be text, lint the stream: the SDK loses text whose index is off.',
    seen: [],
  },
  {
    id: 'reading-type-of-undefined',
    says: ["Cannot read properties of undefined (reading 'type')"],
    from: 'official TypeScript SDK',
    cause: 'A delta came for a block that was never started.',
    rules: ['delta-without-start', 'index-gap', 'content-before-start'],
    fix: 'Send content_block_start before the deltas of a block, with the same index.',
    seen: ['router-for-me/CLIProxyAPI#3720'],
  },
  {
    id: 'reading-output-tokens',
    says: [
      "Cannot read properties of undefined (reading 'output_tokens')",
      "Cannot set properties of undefined (setting 'output_tokens')",
      "Cannot read properties of undefined (reading 'input_tokens')",
      "undefined is not an object (evaluating 'event.usage.output_tokens')",
      "'NoneType' object has no attribute 'output_tokens'",
      "'NoneType' object has no attribute 'input_tokens'",
    ],
    from: 'official SDKs',
    cause: 'message_start or message_delta has no usage.',
    rules: ['missing-usage', 'null-usage', 'usage-misplaced'],
    fix: 'Send a usage in both, with zeros where nothing is known.',
    seen: ['earendil-works/pi#6567', 'openclaw/openclaw#27479'],
  },
  {
    id: 'list-index-out-of-range',
    says: ['list index out of range'],
    from: 'official Python SDK',
    cause: 'A delta or stop names an index at which no block stands: indexes have a gap, or come out of order.',
    rules: ['index-gap', 'index-out-of-order', 'delta-without-start', 'stop-without-start'],
    fix: 'Number blocks 0, 1, 2, … in the order of their starts.',
    seen: ['jundot/omlx#1353', 'NousResearch/hermes-agent#45908', 'anthropics/anthropic-sdk-python#1192'],
  },
  {
    id: 'tool-json-not-parsed',
    says: ['Unable to parse tool parameter JSON from model'],
    from: 'official SDKs',
    cause:
      'The pieces of a tool input do not make valid JSON. The model wrote it so, it was cut, or a proxy lost a piece.',
    rules: ['invalid-tool-input', 'tool-input-cut', 'index-reused'],
    fix: 'Answer with a tool_result with is_error and the raw text; do not run the tool. With this library the raw text is in `inputText`.',
    seen: ['anthropics/anthropic-sdk-typescript#986', 'earendil-works/pi#9643', 'leohenon/pi-anthropic-oauth#11'],
  },
  {
    id: 'could-not-parse-message',
    says: ['Could not parse message into JSON'],
    from: 'official TypeScript SDK',
    cause: 'The data of an event is not JSON: `[DONE]` under an event name, a cut event, or text of a proxy.',
    rules: ['invalid-json', 'done-sentinel', 'merged-events'],
    fix: 'Look at the line `From chunk:` that follows; send nothing but JSON of the Messages API.',
    seen: ['earendil-works/pi#3708'],
  },
  {
    id: 'consumed-stream',
    says: ['Cannot iterate over a consumed stream'],
    from: 'official TypeScript SDK',
    cause: 'The same stream was read twice. The stream is fine.',
    rules: [],
    fix: 'Call tee() before reading, or read once and keep the events.',
    seen: [],
  },
  {
    id: 'no-body',
    says: [
      'Attempted to iterate over a response with no body',
      'response.body is null',
      'body is not a readable stream',
      "reading 'getReader'",
    ],
    from: 'official TypeScript SDK, hand-written loops',
    cause: 'The runtime has no streaming body (React Native, some sandboxes), or the response has none.',
    rules: [],
    fix: 'In React Native use expo/fetch, or XMLHttpRequest with `MessageParser.pushCumulative`.',
    seen: ['facebook/react-native#27741'],
  },
  {
    id: 'react-native-fetch',
    says: ['The default react-native fetch implementation does not support streaming'],
    from: 'official TypeScript SDK',
    cause: "React Native's fetch hands the body out only when it is complete.",
    rules: [],
    fix: 'Use expo/fetch, or XMLHttpRequest with `MessageParser.pushCumulative`.',
    seen: ['facebook/react-native#27741', 'facebook/react-native#37505'],
  },
  {
    id: 'streaming-required',
    says: [
      'Streaming is required for operations that may take longer than 10 minutes',
      'Streaming is strongly recommended for operations',
    ],
    from: 'official SDKs',
    cause: 'A request without "stream": true with so many max_tokens that it may outlast the connection.',
    rules: [],
    fix: 'Ask for a stream.',
    seen: [],
  },
  {
    id: 'utf8-codec',
    says: [
      "'utf-8' codec can't decode byte",
      'UnicodeDecodeError',
      'stream did not contain valid UTF-8',
      'invalid utf-8',
    ],
    from: 'official Python SDK, Rust clients',
    cause:
      'Bytes that are no UTF-8: a proxy cut a character in two and decoded the halves apart, or sends another encoding.',
    rules: ['invalid-utf8', 'replacement-character', 'lone-surrogate'],
    fix: 'Pass bytes on as bytes; where text is needed, use one streaming decoder for the whole response.',
    seen: ['musistudio/claude-code-router#1672', 'praxis-proxy/praxis#739', 'nuphus#41'],
  },
  {
    id: 'request-was-aborted',
    says: [
      'Request was aborted',
      'APIUserAbortError',
      'This operation was aborted',
      'The operation was aborted',
      'signal is aborted without reason',
      'The user aborted a request',
    ],
    from: 'official TypeScript SDK, fetch',
    cause: 'The client itself called the request off: a signal, a timeout of its own, or `break` out of the loop.',
    rules: [],
    fix: 'Look for who aborts: an AbortSignal, a component that unmounts, a timeout that counts the whole answer.',
    seen: ['anthropics/anthropic-sdk-typescript#383'],
  },
  // AI SDK, LangChain
  {
    id: 'ai-type-validation',
    says: ['AI_TypeValidationError', 'Type validation failed', 'invalid_union', 'No matching discriminator'],
    from: 'AI SDK',
    cause:
      'An event, block or delta of a type that the AI SDK does not know, or a known one of another shape: the whole turn is lost.',
    rules: ['unknown-event', 'unknown-block', 'unknown-delta', 'malformed-error', 'invalid-event', 'openai-chunk'],
    fix: 'Drop what is foreign in the proxy, or update the AI SDK; the value is quoted in the error.',
    seen: ['vercel/ai#11309', 'vercel/ai#2463', 'vercel/ai#13350', 'vercel/ai#17124'],
  },
  {
    id: 'ai-json-parse',
    says: ['AI_JSONParseError', 'JSON parsing failed: Text:', 'JSON parsing failed'],
    from: 'AI SDK',
    cause: 'The data of an event, or a tool input, is not JSON.',
    rules: ['invalid-json', 'invalid-tool-input', 'html-body'],
    fix: 'The text is quoted in the error; lint a recording to see where it comes from.',
    seen: [],
  },
  {
    id: 'ai-no-output',
    says: ['AI_NoOutputGeneratedError', 'No output generated'],
    from: 'AI SDK',
    cause: 'The stream had no content: an error event came first, or the body was empty.',
    rules: ['empty-stream', 'error-before-start', 'error-event', 'empty-answer'],
    fix: 'Handle `onError`: it has the error of the stream.',
    seen: ['vercel/ai#10653'],
  },
  {
    id: 'langchain-no-generation',
    says: ['No generations found in stream', 'No generation chunks were returned'],
    from: 'LangChain',
    cause: 'LangChain saw no event: events without an `event:` line are dropped, or the body was empty.',
    rules: ['missing-event-name', 'empty-stream', 'event-without-data'],
    fix: 'Write an `event:` line before each `data:` line.',
    seen: ['BerriAI/litellm#38953'],
  },
  // hand-written loops: JavaScript
  {
    id: 'unexpected-end-of-json',
    says: ['Unexpected end of JSON input', 'JSON Parse error: Unexpected EOF', 'JSON.parse: unexpected end of data'],
    from: 'JSON.parse, hand-written loops, the TypeScript SDK behind some edges',
    cause:
      'Half an event or empty data was parsed: each network chunk was taken for a whole event, the stream was cut, or an event has no data.',
    rules: ['empty-data', 'event-without-data', 'unfinished-event', 'tool-input-cut'],
    fix: USE_A_PARSER,
    seen: [
      'anthropics/anthropic-sdk-typescript#903',
      'anthropics/anthropic-sdk-typescript#292',
      'anthropics/anthropic-sdk-typescript#312',
    ],
  },
  {
    id: 'done-is-not-json',
    says: [
      '"[DONE]" is not valid JSON',
      "Unexpected token 'D'",
      'Unexpected token D in JSON',
      'Unexpected identifier "DONE"',
    ],
    from: 'JSON.parse',
    cause:
      '`data: [DONE]` was parsed as JSON. It belongs to another protocol; the Messages API never sends it, proxies do.',
    rules: ['done-sentinel'],
    fix: 'Do not send it; in a reader stop at message_stop and skip `[DONE]`.',
    seen: ['earendil-works/pi#3708', 'huggingface/tau#692', 'Alishahryar1/free-claude-code#43'],
  },
  {
    id: 'html-is-not-json',
    says: [
      "Unexpected token '<'",
      'Unexpected token < in JSON',
      '"<!DOCTYPE "... is not valid JSON',
      "JSON Parse error: Unrecognized token '<'",
    ],
    from: 'JSON.parse',
    cause: 'The body is an HTML page: an error page of a proxy, a login page, or the wrong address.',
    rules: ['html-body'],
    fix: 'Look at status and body with `curl -i`; check the base URL (it must not be that of a web page) and the proxy.',
    seen: [],
  },
  {
    id: 'sse-is-not-json',
    says: [
      "Unexpected token 'e', \"event: …",
      "Unexpected token 'd', \"data: …",
      'Unexpected token e in JSON',
      '"event: mes"… is not valid JSON',
    ],
    from: 'JSON.parse',
    cause:
      'An event stream was read as one JSON value: the server streams although it was not asked to, or the reader forgot that it asked for a stream.',
    rules: ['whole-message'],
    fix: 'Read the body by its content-type; in a reader of newline-delimited JSON convert it first (`ssemble convert`).',
    seen: [],
  },
  {
    id: 'unterminated-string',
    says: ['Unterminated string in JSON', 'Unterminated string starting at', 'JSON Parse error: Unterminated string'],
    from: 'JSON.parse, Python json',
    cause:
      'A text was cut inside a string: a network chunk was parsed alone, the stream broke off, or a tool input was cut by max_tokens.',
    rules: ['tool-input-cut', 'unfinished-event', 'invalid-json', 'missing-message-stop'],
    fix: `${USE_A_PARSER} Never run a tool on a cut input.`,
    seen: ['anthropics/anthropic-sdk-typescript#842', 'NousResearch/hermes-agent#81017', 'gsd-2#2670'],
  },
  {
    id: 'after-json',
    says: [
      'Unexpected non-whitespace character after JSON',
      'Extra data: line',
      'JSON Parse error: Unable to parse JSON string',
      'unexpected non-whitespace character after JSON data',
    ],
    from: 'JSON.parse, Python json',
    cause:
      'Two JSON values in one: the blank line between two events was lost, or a tool input has bytes behind its end.',
    rules: ['merged-events', 'invalid-json', 'invalid-tool-input', 'index-reused'],
    fix: 'Keep the blank line after every event; proxies must not trim or join lines.',
    seen: ['papercomputeco/tapes#71', 'earendil-works/pi#9643'],
  },
  {
    id: 'bad-escape',
    says: [
      'Bad escaped character in JSON',
      'Invalid \\escape',
      'Bad Unicode escape in JSON',
      'invalid escape at line',
      'Invalid escape character',
    ],
    from: 'JSON.parse, Python json, the official SDKs',
    cause:
      'The model wrote an escape that JSON does not have, such as \\H or \\d, mostly in a Windows path or a regular expression in a tool input.',
    rules: ['invalid-tool-input', 'invalid-json'],
    fix: 'Keep the raw text, tell the model with a tool_result with is_error; do not use eager_input_streaming where it matters.',
    seen: [
      'anthropics/anthropic-sdk-typescript#986',
      'anthropics/anthropic-sdk-typescript#996',
      'earendil-works/pi#9643',
    ],
  },
  {
    id: 'bad-control-character',
    says: [
      'Bad control character in string literal in JSON',
      'Invalid control character at',
      'control character (\\u0000-\\u001F) found while parsing a string',
    ],
    from: 'JSON.parse, Python json, the official SDKs',
    cause:
      'A raw line break or tab inside a JSON string: the model wrote it into a tool input, or a proxy unescaped the data.',
    rules: ['invalid-tool-input', 'invalid-json', 'multi-line-data'],
    fix: 'Keep the raw text of the tool input; in a proxy pass the data on as it came.',
    seen: ['earendil-works/pi#9643', 'leohenon/pi-anthropic-oauth#11'],
  },
  {
    id: 'expected-property-name',
    says: [
      'Expected property name or',
      'Expecting property name enclosed in double quotes',
      'Expected double-quoted property name',
      "Expected ',' or '}' after property value in JSON",
    ],
    from: 'JSON.parse, Python json',
    cause: 'A piece of JSON was parsed before the rest had come, or pieces of two tool inputs were joined.',
    rules: ['tool-input-cut', 'invalid-tool-input', 'index-reused', 'delta-after-stop'],
    fix: 'Join the partial_json of one block and parse at its content_block_stop. `PartialJson` shows it while it grows.',
    seen: ['ai-agent-book#194', 'icebear0828/codex-proxy#610'],
  },
  {
    id: 'expecting-value',
    says: ['Expecting value: line 1 column 1 (char 0)', 'Expecting value: line'],
    from: 'Python json',
    cause: 'Empty data, `[DONE]` or an HTML page was parsed as JSON.',
    rules: ['empty-data', 'done-sentinel', 'html-body', 'event-without-data'],
    fix: 'Skip events without data and `[DONE]`; look at status and content-type first.',
    seen: ['anthropics/anthropic-sdk-typescript#903'],
  },
  {
    id: 'missing-key',
    says: [
      "KeyError: 'delta'",
      "KeyError: 'index'",
      "KeyError: 'content_block'",
      "KeyError: 'type'",
      "KeyError: 'message'",
      "reading 'text')",
      "reading 'delta')",
      "reading 'content')",
      "reading 'partial_json')",
    ],
    from: 'hand-written loops',
    cause: 'An event lacks a field, or is of another protocol (OpenAI chunks, a delta with a bare text).',
    rules: ['invalid-event', 'openai-chunk', 'bare-text-delta', 'incomplete-block-start', 'invalid-index'],
    fix: 'Look at `type` first and skip what is not known; `decodeEvent` does.',
    seen: ['lobehub#7951', 'aiproxy#604', 'nashsu/llm_wiki#303'],
  },
  {
    id: 'object-object',
    says: ['[object Object]'],
    from: 'official TypeScript SDK (old), hand-written loops',
    cause: 'An error object was turned into text: mostly an error event in the stream.',
    rules: ['error-event', 'malformed-error'],
    fix: 'Print `error.error` or JSON.stringify(error); the type says whether to retry.',
    seen: ['anthropics/anthropic-sdk-typescript#346', 'anthropics/anthropic-sdk-typescript#298'],
  },
  // connections
  {
    id: 'terminated',
    says: ['terminated'],
    from: 'undici, the fetch of Node; the official TypeScript SDK on top of it',
    cause:
      'The connection broke inside the body: the other side closed it, or a timeout of undici (300 s without a byte) did. The cause says which.',
    rules: ['missing-message-stop', 'silence'],
    fix: `Look at error.cause. ${PROXY_CUT}`,
    seen: ['anthropics/anthropic-sdk-typescript#774', 'anthropics/anthropic-sdk-typescript#960'],
  },
  {
    id: 'other-side-closed',
    says: ['other side closed', 'UND_ERR_SOCKET', 'SocketError: closed', 'socket hang up'],
    from: 'undici, Node',
    cause:
      'The server or a proxy closed the connection before the body was complete: it crashed, was restarted, or has a limit on time.',
    rules: ['missing-message-stop', 'silence'],
    fix: `Retry; keep what came (\`salvage\`, \`continuation\`). ${PROXY_CUT}`,
    seen: ['anthropics/anthropic-sdk-typescript#774', 'anthropics/anthropic-sdk-typescript#960'],
  },
  {
    id: 'curl-transfer-closed',
    says: ['curl: (18) transfer closed with …', 'transfer closed with outstanding read data remaining'],
    from: 'curl',
    cause: 'The server or a proxy closed the connection before the body was complete; curl printed what came.',
    rules: ['missing-message-stop', 'unfinished-event'],
    fix: `Look at the last events (\`ssemble events\`). ${PROXY_CUT}`,
    seen: [],
  },
  {
    id: 'connection-reset',
    says: ['ECONNRESET', 'Connection reset by peer', 'EPIPE', 'broken pipe', 'ERR_CONNECTION_RESET'],
    from: 'Node, Python, Claude Code',
    cause: 'The connection was reset while the answer came: mostly a proxy, a load balancer or a VPN on the way.',
    rules: ['missing-message-stop'],
    fix: `Retry; the API cannot resume a stream. ${PROXY_CUT}`,
    seen: [
      'anthropics/claude-code#51076',
      'anthropics/claude-code#61207',
      'anthropics/claude-code#83943',
      'anthropics/claude-code#51164',
    ],
  },
  {
    id: 'body-timeout',
    says: ['Body Timeout Error', 'UND_ERR_BODY_TIMEOUT', 'BodyTimeoutError'],
    from: 'undici, the fetch of Node',
    cause: 'No byte came for 300 s (the default bodyTimeout): the server was silent and sent no pings.',
    rules: ['silence', 'late-pings'],
    fix: 'Let the server send pings; raise bodyTimeout of the dispatcher only if it cannot.',
    seen: ['anthropics/anthropic-sdk-typescript#867'],
  },
  {
    id: 'headers-timeout',
    says: ['Headers Timeout Error', 'UND_ERR_HEADERS_TIMEOUT', 'HeadersTimeoutError'],
    from: 'undici, the fetch of Node',
    cause:
      'No response head came for 300 s (the default headersTimeout): a gateway waits for the whole answer before it sends the first byte.',
    rules: ['late-first-byte', 'fake-streaming'],
    fix: 'Make the gateway send its head and the first events at once.',
    seen: ['AIClient2API#362'],
  },
  {
    id: 'fetch-failed',
    says: [
      'TypeError: fetch failed',
      'fetch failed',
      'ECONNREFUSED',
      'ENOTFOUND',
      'Connection error.',
      'APIConnectionError',
    ],
    from: 'undici, the official SDKs',
    cause: 'No connection was made at all: wrong address, nothing listens there, DNS, or a proxy setting.',
    rules: [],
    fix: 'Look at error.cause; try the same base URL with curl.',
    seen: [],
  },
  {
    id: 'premature-close',
    says: [
      'Premature close',
      'ERR_STREAM_PREMATURE_CLOSE',
      'Invalid response body while trying to fetch',
      'unexpected end of file',
      'Z_BUF_ERROR',
    ],
    from: 'node-fetch, Node streams, zlib',
    cause: 'The body ended before its own end: the last chunk, or the end of the compressed data, is missing.',
    rules: ['missing-message-stop', 'gzip-body'],
    fix: `${PROXY_CUT} Turn compression of event streams off in proxies.`,
    seen: ['anthropics/anthropic-sdk-typescript#842'],
  },
  {
    id: 'incomplete-chunked-read',
    says: [
      'incomplete chunked read',
      'peer closed connection without sending complete message body',
      'RemoteProtocolError',
      'ChunkedEncodingError',
      'IncompleteRead',
    ],
    from: 'httpx and the official Python SDK, requests',
    cause: 'The connection was closed in the middle of the body. The Python SDK lets it through as an error of httpx.',
    rules: ['missing-message-stop'],
    fix: `Catch httpx errors beside APIConnectionError; retry. ${PROXY_CUT}`,
    seen: ['anthropics/anthropic-sdk-python#1919', 'anthropics/anthropic-sdk-python#1550'],
  },
  {
    id: 'read-timeout',
    says: [
      'httpx.ReadTimeout',
      'ReadTimeout',
      'The read operation timed out',
      'Read timed out',
      'Request timed out',
      'APITimeoutError',
      'APIConnectionTimeoutError',
    ],
    from: 'httpx and the official Python SDK; the TypeScript SDK before the first byte',
    cause:
      'Nothing came for longer than the timeout; in Python it counts from byte to byte, in TypeScript only until the head.',
    rules: ['silence', 'late-first-byte', 'late-pings'],
    fix: 'Let the server send pings; set a timeout above 30 s, for pings may be that far apart.',
    seen: ['anthropics/anthropic-sdk-typescript#867', 'anthropics/anthropic-sdk-python#1919'],
  },
  {
    id: 'browser-incomplete-chunked',
    says: [
      'ERR_INCOMPLETE_CHUNKED_ENCODING',
      'ERR_HTTP2_PROTOCOL_ERROR',
      'ERR_QUIC_PROTOCOL_ERROR',
      'ERR_CONTENT_LENGTH_MISMATCH',
    ],
    from: 'Chromium',
    cause: 'The server or a proxy ended the connection without ending the body.',
    rules: ['missing-message-stop'],
    fix: PROXY_CUT,
    seen: [],
  },
  {
    id: 'browser-network-error',
    says: [
      'TypeError: network error',
      'TypeError: Failed to fetch',
      'Failed to fetch',
      'TypeError: Load failed',
      'NetworkError when attempting to fetch resource',
      'Error in input stream',
    ],
    from: 'browsers',
    cause:
      'The connection broke, or was never made (CORS, a blocker, a wrong address). Inside of a body it is a cut stream.',
    rules: ['missing-message-stop'],
    fix: 'Look at the network panel: with a status the body was cut, without one the request never got through.',
    seen: [],
  },
  {
    id: 'http2-stream-error',
    says: [
      'stream error: stream ID',
      'INTERNAL_ERROR; received from peer',
      'ERR_HTTP2_STREAM_ERROR',
      'Stream closed with error code',
      'unexpected EOF',
    ],
    from: 'Go, Node http2',
    cause: 'An HTTP/2 peer reset the stream in the middle of the body.',
    rules: ['missing-message-stop'],
    fix: PROXY_CUT,
    seen: [],
  },
  {
    id: 'gateway-timeout',
    says: [
      '504 Gateway Time-out',
      '504 Gateway Timeout',
      'upstream timed out',
      'Error code 524',
      '524: A timeout occurred',
      'upstream request timeout',
      '408 Request Timeout',
    ],
    from: 'nginx, Envoy, Cloudflare, load balancers',
    cause: 'A proxy waited for a byte of the server longer than it may (nginx: 60 s) and answered itself.',
    rules: ['html-body', 'late-first-byte', 'silence'],
    fix: RAISE_PROXY_TIMEOUT,
    seen: ['TriliumNext#11628', 'BerriAI/litellm#37322'],
  },
  {
    id: 'bad-gateway',
    says: [
      '502 Bad Gateway',
      '503 Service Temporarily Unavailable',
      '503 Service Unavailable',
      'upstream prematurely closed connection',
      'upstream connect error',
      'Error code 520',
      'Error code 522',
      'no healthy upstream',
    ],
    from: 'nginx, Envoy, Cloudflare, load balancers',
    cause: 'The proxy did not reach the server, or the server closed the connection on it.',
    rules: ['html-body', 'missing-message-stop'],
    fix: 'Look at the log of the proxy and of the server; before the first byte a retry is safe.',
    seen: ['TriliumNext#11628'],
  },
  // errors that the server reports
  {
    id: 'overloaded',
    says: ['overloaded_error', 'Overloaded', 'Error code: 529', 'APIStatusError … 529'],
    from: 'the API, in an error event or as status 529',
    cause:
      'The API has no capacity right now. In a stream it comes as an error event after a status of 200, often as the first event, and no SDK retries that.',
    rules: ['error-event', 'error-before-start'],
    fix: 'Retry with backoff as long as no content has come; `streamMessage` does.',
    seen: [
      'Helicone/helicone#4678',
      'vercel/ai#10653',
      'vercel/ai#2453',
      'anthropics/anthropic-sdk-go#200',
      'vellum-ai/vellum-assistant#22759',
    ],
  },
  {
    id: 'rate-limited',
    says: [
      'rate_limit_error',
      'Error code: 429',
      'would exceed … rate limit',
      'Too Many Requests',
      'ThrottlingException',
      'Too many tokens',
    ],
    from: 'the API, Bedrock',
    cause: 'Too many requests or tokens in the time allowed.',
    rules: ['error-event', 'error-before-start'],
    fix: 'Wait as long as retry-after says; a spend limit has none and will not pass by itself.',
    seen: ['NousResearch/hermes-agent#14737'],
  },
  {
    id: 'api-error-in-stream',
    says: ['api_error', 'Internal server error', 'timeout_error'],
    from: 'the API, in an error event',
    cause: 'The server failed while it answered. What came before the error is incomplete.',
    rules: ['error-event', 'event-after-error'],
    fix: 'Retry; keep the request id for support.',
    seen: ['karthink/gptel#1512', 'Portkey-AI/gateway#741'],
  },
  {
    id: 'thinking-expected',
    says: ['Expected `thinking` or `redacted_thinking`, but found …', 'thinking.signature: Field required'],
    from: 'the API, about a request',
    cause:
      'A turn of the assistant was sent back without its thinking, or with a thinking block that has no signature: whoever stored the stream dropped the block or its signature_delta.',
    rules: ['thinking-without-signature', 'missing-block-stop', 'delta-mismatch'],
    fix: 'Send back what the API sent, thinking first and with its signature; of a stream that was cut, send only what `salvage` keeps.',
    seen: [],
  },
  {
    id: 'invalid-signature',
    says: [
      'Invalid `signature` in `thinking` block',
      'Invalid signature in thinking block',
      'thinking block … cannot be modified',
      '`thinking` or `redacted_thinking` blocks … must remain',
    ],
    from: 'the API, status 400 at the next request',
    cause:
      'A thinking block was sent back changed, cut, or without its signature. A stream that was interrupted inside of it left one behind.',
    rules: ['thinking-without-signature', 'missing-block-stop', 'cut-block'],
    fix: 'Send thinking blocks back byte for byte, and never one that was not stopped: `salvage` leaves those out.',
    seen: ['openclaw/openclaw#103938', 'pydantic/pydantic-ai#7601', 'can1357/oh-my-pi#2145'],
  },
  {
    id: 'must-end-with-user',
    says: ['The conversation must end with a user message', 'does not support assistant message prefill'],
    from: 'the API, status 400',
    cause: 'A cut answer was continued by prefilling the assistant turn, which models from 4.6 on do not take.',
    rules: ['missing-message-stop'],
    fix: 'Put the partial text into a user turn instead: `continuation` does what the model takes.',
    seen: [],
  },
  {
    id: 'tool-result-missing',
    says: [
      'tool_use ids were found without tool_result blocks',
      '`tool_use` ids were found without `tool_result` blocks',
      'unexpected `tool_use_id` found in `tool_result` blocks',
      '`tool_use` ids must be unique',
    ],
    from: 'the API, status 400 at the next request',
    cause:
      'A tool call went into the history without its result: mostly one of a stream that was cut, or one whose id was lost or repeated.',
    rules: ['tool-input-cut', 'duplicate-tool-id', 'missing-tool-id', 'stop-reason-mismatch'],
    fix: 'Drop tool calls of cut answers from the history (`salvage`), answer each of the others.',
    seen: ['anthropics/claude-code#40240'],
  },
  // this library and readers like it
  {
    id: 'ended-before-message-stop',
    says: [
      'The stream ended before message_stop',
      'ended before message_stop',
      'without message_stop',
      'stream closed before message_stop',
      'TruncatedError',
    ],
    from: 'this library, many gateways and agents',
    cause: 'The body ended cleanly, but the message was not finished: the server, a proxy or the network cut it.',
    rules: ['missing-message-stop', 'unfinished-event'],
    fix: `Treat what came as partial. ${PROXY_CUT}`,
    seen: ['SamSaffron/term-llm#955', 'openclaw/openclaw#120030', 'bastani-inc/atomic#1668', 'maximhq/bifrost#6081'],
  },
  {
    id: 'cannot-append',
    says: ['Cannot append … to block', 'put into an implied block'],
    from: 'this library',
    cause: 'A delta came for a block that was never started, or that is of another type.',
    rules: ['delta-mismatch', 'delta-without-start'],
    fix: 'Start a block of the fitting type, with the index of the delta, before its first delta.',
    seen: [],
  },
  {
    id: 'not-an-event-stream',
    says: ['The body is not an event stream'],
    from: 'this library',
    cause: 'The response is something else: an HTML page, JSON, compressed bytes.',
    rules: ['html-body', 'json-body', 'ndjson-body', 'gzip-body', 'whole-message'],
    fix: 'Look at status and headers with `curl -i`; check the base URL and what proxies do to the body.',
    seen: [],
  },
  {
    id: 'stream-true-missing',
    says: ['"stream": true was missing', '"stream": true'],
    from: 'this library',
    cause: 'The body is one whole message as JSON: the request did not ask for a stream, or a gateway ignored it.',
    rules: ['whole-message'],
    fix: 'Send "stream": true in the request body.',
    seen: [],
  },
  {
    id: 'max-listeners',
    says: ['MaxListenersExceededWarning', 'Possible EventTarget memory leak detected'],
    from: 'Node, with the official TypeScript SDK or Claude Code',
    cause: 'One AbortSignal was given to many requests and each left a listener. No stream is to blame.',
    rules: [],
    fix: 'Update the SDK (0.115.0 releases them), or give each request a signal of its own.',
    seen: ['anthropics/claude-code#2506', 'anthropics/claude-code#2524'],
  },
];

/** What was found for a text. */
export interface ExplanationMatch {
  explanation: Explanation;
  /** The text of the table that was found. */
  said: string;
}

/** Longer pastes are cut: the message stands in front or at the end of them. */
const LONGEST_PASTE = 64 * 1024;
/** Half of it from each side. */
const HALF = LONGEST_PASTE / 2;
/** How much a `…` may stand for. */
const GAP = 200;

/**
 * Which rows fit an error text, the longest text first: it says most. The text may be pasted as a terminal or a log shows
 * it: with colours, stack trace, line breaks, JSON around it.
 *
 * @example
 * explainError('Error: Content block not\n  found')[0]?.explanation.rules[0]; // 'delta-without-start'
 * explainError('all is well'); // []
 */
export function explainError(text: string): ExplanationMatch[] {
  const pasted = plainWords(text);
  const found: ExplanationMatch[] = [];
  for (const explanation of EXPLANATIONS) {
    const said = explanation.says.filter((one) => occurs(one, pasted)).sort((a, b) => b.length - a.length)[0];
    if (said !== undefined) found.push({ explanation, said });
  }
  return found.sort((a, b) => b.said.length - a.said.length);
}

/** The parts of a text of the table must follow each other, the gaps no wider than {@link GAP}. */
function occurs(said: string, pasted: string): boolean {
  const parts = said.split('…').map((part) => plainWords(part));
  const first = parts[0] as string;
  for (let at = findWord(pasted, first, 0); at !== -1; at = findWord(pasted, first, at + 1)) {
    let end = at + first.length;
    const fits = parts.slice(1).every((part) => {
      const next = pasted.indexOf(part, end);
      if (next === -1 || next - end > GAP) return false;
      end = next + part.length;
      return true;
    });
    if (fits) return true;
  }
  return false;
}

/** One short word alone (`terminated`, `EPIPE`) must not be part of another. */
function findWord(text: string, words: string, from: number): number {
  for (let at = text.indexOf(words, from); at !== -1; at = text.indexOf(words, at + 1)) {
    if (!isLetter(text, at - 1, words, 0) && !isLetter(text, at + words.length, words, words.length - 1)) return at;
  }
  return -1;
}

/** Whether a word goes on across a border: a letter on both sides of it. */
function isLetter(text: string, outside: number, words: string, inside: number): boolean {
  return /\w/.test(text[outside] ?? '') && /\w/.test(words[inside] ?? '');
}

// Colours and other escape sequences of terminals.
// oxlint-disable-next-line no-control-regex
const TERMINAL = /\u001b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|\][^\u0007\u001b]{0,512}(?:\u0007|\u001b\\)?|[@-_])/g;

/** Lower case, one kind of quote (none), one space between words: what is left when it does not matter who printed it. */
function plainWords(text: string): string {
  const bounded = text.length > LONGEST_PASTE ? `${text.slice(0, HALF)} ${text.slice(-HALF)}` : text;
  return bounded
    .replace(TERMINAL, '')
    .replaceAll(/\\[nrt]/g, ' ')
    .replaceAll(/[\\"'`“”‘’]/g, '')
    .replaceAll(/[\s│┃|>]+/g, ' ')
    .trim()
    .toLowerCase();
}

/** Words that every rule has. */
const COMMON: ReadonlySet<string> = new Set(
  'a an and are as at be block but by came content error event events for from got has in is it its message no not of on or received stream that the there this to type was with without'.split(
    ' ',
  ),
);

/**
 * The rules that share most words with a text, for a text that no row fits; at most `most`. Rare words count more.
 *
 * @example
 * nearestRules('my thinking block lost its signature', 1)[0]?.id; // 'thinking-without-signature'
 */
export function nearestRules(text: string, most = 5): Rule[] {
  const asked = wordsOf(text);
  const pages = RULES.map((rule) => ({ rule, words: wordsOf(pageOf(rule)), title: wordsOf(rule.id) }));
  const weight = (word: string): number => 1 / (1 + pages.filter(({ words }) => words.has(word)).length);
  const weights = new Map([...asked].map((word) => [word, weight(word)]));
  const score = (words: ReadonlySet<string>): number =>
    [...asked].reduce((sum, word) => sum + (words.has(word) ? (weights.get(word) ?? 0) : 0), 0);
  return pages
    .map(({ rule, words, title }) => ({ rule, score: score(words) + score(title) }))
    .filter((page) => page.score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ rule }) => rule);
}

function pageOf({ id, rule, expected, actual, fix, clients }: Rule): string {
  return [id, rule, expected, actual, fix, ...Object.values(clients).map(({ note }) => note)].join(' ');
}

/** The words that tell something, without the endings of plural and tense that English adds most. */
function wordsOf(text: string): Set<string> {
  const words = plainWords(text).split(/[^a-z0-9]+/);
  return new Set(words.filter((word) => word.length > 1 && !COMMON.has(word)).map((word) => word.replace(/s$/, '')));
}
