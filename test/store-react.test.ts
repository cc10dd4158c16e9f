// @vitest-environment jsdom
/**
 * The store under React: `useSyncExternalStore`, a memoized component for each block, and the count of its renders. React
 * runs as it does in a browser, not under `act`, which would put publications together that a user sees one by one.
 */

import { createElement as h, memo, type ReactElement, StrictMode, useSyncExternalStore } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ContentBlock } from '../src/protocol/blocks.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import { type MessageStore, store } from '../src/stream/store.ts';
import { type Feed, feed } from './support/feed.ts';
import * as m from './support/messages.ts';

interface ElementLike {
  innerHTML: string;
  textContent: string;
  querySelector(selector: string): ElementLike | null;
}

const { document } = globalThis as unknown as { document: { createElement(name: string): ElementLike } };

/** How often each component rendered: `view`, and each block by its ordinal. */
type Renders = Record<string, number>;

const textIn = (block: ContentBlock): string => {
  if (block.type === 'text') return block.text;
  return block.type === 'tool_use' ? JSON.stringify(block.input) : block.type;
};

const Block = memo(({ block, ordinal, renders }: { block: ContentBlock; ordinal: number; renders: Renders }) => {
  renders[ordinal] = (renders[ordinal] ?? 0) + 1;
  return h('li', { id: `b${ordinal}` }, textIn(block));
});

function View({ live, renders }: { live: MessageStore; renders: Renders }): ReactElement {
  const { message, blocks, outcome } = useSyncExternalStore(live.subscribe, live.getSnapshot, live.getSnapshot);
  renders['view'] = (renders['view'] ?? 0) + 1;
  const items = blocks.map(({ ordinal }, k) =>
    h(Block, { key: ordinal, block: message!.content[k]!, ordinal, renders }),
  );
  return h('ol', { title: outcome.status }, items);
}

interface Shown {
  source: Feed;
  stream: MessageStream;
  live: MessageStore;
  renders: Renders;
  root: Root;
  container: ElementLike;
}

function show(everyMs: number, strict = false): Shown {
  const source = feed();
  const stream = MessageStream.from(source);
  const live = store(stream, { everyMs });
  const renders: Renders = {};
  const container = document.createElement('div');
  const root = createRoot(container);
  const view = h(View, { live, renders });
  flushSync(() => root.render(strict ? h(StrictMode, null, view) : view));
  return { source, stream, live, renders, root, container };
}

const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const TOOL = { type: 'tool_use', id: 't', name: 'n', input: {} };
const json = (index: number, partial_json: string): { type: string } =>
  m.delta(index, { type: 'input_json_delta', partial_json });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  // React says here what it thinks of a store, of keys and of a hydration that does not match.
  vi.spyOn(console, 'error');
});
afterEach(() => {
  expect(console.error).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a block', () => {
  test('does not render again while another one grows', async () => {
    const { source, renders, container } = show(0);
    source.give(m.start(), m.textStart(0, 'first'));
    await after(0);
    source.give(m.blockStop(0), m.textStart(1));
    await after(0);
    expect(renders).toEqual({ view: 3, 0: 1, 1: 1 });
    for (let n = 0; n < 50; n++) {
      source.give(m.textDelta(1, `${n} `));
      await after(0);
    }
    expect(renders).toEqual({ view: 53, 0: 1, 1: 51 });
    source.give(m.blockStop(1), m.textStart(2), m.textDelta(2, 'third'));
    await after(0);
    source.give(m.blockStop(2), m.messageDelta());
    await after(0);
    source.give(m.stop).end();
    await after(0);
    expect(renders).toMatchObject({ 0: 1, 1: 51, 2: 1 });
    expect(container.querySelector('ol')?.textContent).toContain('48 49 third');
    expect(container.innerHTML).toContain('title="complete"');
  });

  test('keeps its element when one with a lower index arrives later', async () => {
    const { source, stream, renders, container } = show(0);
    source.give(m.start(), m.textStart(1, 'late'));
    await after(0);
    const element = container.querySelector('#b0');
    source.give(m.textStart(0, 'early '));
    await after(0);
    expect(container.textContent).toBe('early late');
    expect(container.querySelector('#b0')).toBe(element);
    expect(renders).toMatchObject({ 0: 1, 1: 1 });
    stream.abort();
    await after(0);
  });

  test('of a tool renders at each publication of its growing input, and the others do not', async () => {
    const { source, stream, renders, container } = show(0);
    source.give(m.start(), m.textStart(0, 'x'), m.blockStart(1, TOOL));
    await after(0);
    for (const piece of ['{"path":"', 'a', 'b"', ',"list":[1', ',2]}']) {
      source.give(json(1, piece));
      await after(0);
    }
    expect(renders).toMatchObject({ 0: 1, 1: 6 });
    expect(container.querySelector('#b1')?.textContent).toBe('{"path":"ab","list":[1,2]}');
    stream.abort();
    await after(0);
    // Cut: the input is what the start said.
    expect(container.querySelector('#b1')?.textContent).toBe('{}');
    expect(renders).toMatchObject({ 0: 1, 1: 7 });
  });
});

describe('everyMs', () => {
  test('holds the renders down, and the last state is rendered', async () => {
    const { source, renders, container } = show(100);
    source.give(m.start(), m.textStart(0));
    await after(0);
    for (let n = 0; n < 1000; n++) {
      source.give(m.textDelta(0, `${n} `));
      await after(1);
    }
    expect(renders).toEqual({ view: 12, 0: 11 });
    source.give(m.textDelta(0, 'end'), m.blockStop(0), m.messageDelta(), m.stop).end();
    await after(0);
    expect(renders).toEqual({ view: 13, 0: 12 });
    expect(container.textContent).toMatch(/^0 1 2 .* 998 999 end$/);
    expect(container.innerHTML).toContain('title="complete"');
    await after(10_000);
    expect(renders['view']).toBe(13);
  });

  test('the last state is rendered also when the stream fails', async () => {
    const { source, container } = show(100);
    source.give(m.start(), m.textStart(0));
    await after(0);
    source.give(m.textDelta(0, 'some')).fail(new Error('reset'));
    await after(0);
    expect(container.innerHTML).toBe('<ol title="disconnected"><li id="b0">some</li></ol>');
  });
});

describe('mounting', () => {
  test('a view that goes leaves no timer; one that comes again shows the present state', async () => {
    const { source, stream, live, root } = show(100);
    source.give(m.start(), m.textStart(0));
    await after(0);
    source.give(m.textDelta(0, 'a'));
    await after(0);
    expect(vi.getTimerCount()).toBe(1);
    flushSync(() => root.unmount());
    expect(vi.getTimerCount()).toBe(0);
    source.give(m.textDelta(0, 'b'));
    await after(0);
    expect(stream.outcome.status).toBe('open');
    const container = document.createElement('div');
    const again = createRoot(container);
    flushSync(() => again.render(h(View, { live, renders: {} })));
    expect(container.textContent).toBe('ab');
    source.give(m.textDelta(0, 'c')).end();
    await after(0);
    expect(container.textContent).toBe('abc');
  });

  test('StrictMode, which subscribes twice, changes nothing', async () => {
    const { source, container } = show(100, true);
    source.give(...m.textEvents(['a', 'b'])).end();
    await after(0);
    expect(container.textContent).toBe('ab');
  });

  test('on the server the state so far is rendered, and a client that begins with it hydrates', async () => {
    const stream = MessageStream.from(m.textBody(['a', 'b']));
    const live = store(stream, { everyMs: 100 });
    expect(renderToString(h(View, { live, renders: {} }))).toBe('<ol title="open"></ol>');
    await stream.finalMessage();
    const container = document.createElement('div');
    container.innerHTML = renderToString(h(View, { live, renders: {} }));
    expect(container.innerHTML).toBe('<ol title="complete"><li id="b0">ab</li></ol>');
    const [element, renders] = [container.querySelector('#b0'), {}];
    const target = container as unknown as Parameters<typeof hydrateRoot>[0];
    flushSync(() => void hydrateRoot(target, h(View, { live, renders })));
    await vi.waitFor(() => expect(renders).toEqual({ view: 1, 0: 1 }));
    expect(container.querySelector('#b0')).toBe(element);
  });
});
