/** Faults: how they are written, what each does to the bytes, and that it does nothing else. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { MessageParser, parseMessage } from '../src/index.ts';
import { decodeUtf8, encodeUtf8, SseScanner, type SseEvent } from '../src/sse/index.ts';
import { applyFaults, faults, FAULTS, parseFault, streams, type Fault, type Playback } from '../src/testing/index.ts';
import { textBody } from './support/messages.ts';

const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytesOf = ({ steps }: Playback): Uint8Array => Buffer.concat(steps.map(({ bytes }) => bytes));
const textOf = (playback: Playback): string => decodeUtf8(bytesOf(playback));
const event = (n: number | string): string => `data: ${n}\n\n`;
const body = [1, 2, 3, 4, 5].map(event).join('');

/** A capture of chunks that came one millisecond after the other. */
function captureOf(
  chunks: readonly string[],
  end: Capture['end'] = { end: 'eof', us: chunks.length * 1000 + 500 },
): Capture {
  return {
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' }, response: { status: 200, us: 600 } },
    chunks: chunks.map((chunk, i) => ({ us: (i + 1) * 1000, bytes: encode(chunk) })),
    end,
  };
}

describe('parseFault()', () => {
  it.each<[string, Fault]>([
    ['cut@event:5', { text: 'cut@event:5', kind: 'cut', place: { at: 'event', number: 5 } }],
    ['cut@byte:0', { text: 'cut@byte:0', kind: 'cut', place: { at: 'byte', offset: 0 } }],
    ['reset@end', { text: 'reset@end', kind: 'reset', place: { at: 'end' } }],
    ['stall@event:3:30s', { text: 'stall@event:3:30s', kind: 'stall', place: { at: 'event', number: 3 }, ms: 30_000 }],
    ['stall@random:2m', { text: 'stall@random:2m', kind: 'stall', place: { at: 'random' }, ms: 120_000 }],
    ['stall@end', { text: 'stall@end', kind: 'stall', place: { at: 'end' }, ms: undefined }],
    ['drop@type:ping', { text: 'drop@type:ping', kind: 'drop', place: { at: 'type', type: 'ping', number: 1 } }],
    ['dup@type:ping:3', { text: 'dup@type:ping:3', kind: 'dup', place: { at: 'type', type: 'ping', number: 3 } }],
    [
      'stall@type:ping:2:5ms',
      { text: 'stall@type:ping:2:5ms', kind: 'stall', place: { at: 'type', type: 'ping', number: 2 }, ms: 5 },
    ],
    ['corrupt@byte:7', { text: 'corrupt@byte:7', kind: 'corrupt', place: { at: 'byte', offset: 7 }, how: 'bit' }],
    ['corrupt@random:json', { text: 'corrupt@random:json', kind: 'corrupt', place: { at: 'random' }, how: 'json' }],
    [
      'insert@type:x:error',
      { text: 'insert@type:x:error', kind: 'insert', place: { at: 'type', type: 'x', number: 1 }, what: 'error' },
    ],
  ])('%s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });

  it.each([
    [
      '',
      'Cannot read the fault "": there is no fault ""; there are cut, reset, stall, drop, dup, swap, corrupt, insert',
    ],
    ['cut', 'it needs a place, such as cut@event:3'],
    ['cut@', 'it needs a place'],
    ['kill@event:1', 'there is no fault "kill"'],
    ['cut@here', '"here" is no place; there are event:N, byte:N, type:NAME'],
    ['cut@event', 'event needs a whole number from 1 up, such as event:3'],
    ['cut@event:0', 'event needs a whole number from 1 up'],
    ['cut@event:1.5', 'event needs a whole number'],
    ['cut@byte:-1', 'byte needs a whole number from 0 up'],
    ['cut@type', 'the type is missing'],
    ['cut@type:ping:0', 'type needs a whole number from 1 up, such as type:ping:2'],
    ['cut@event:1:5s', 'cut takes nothing more behind the place, not "5s"'],
    ['cut@event:1:2:3', '"3" is too much'],
    ['stall@event:1:30', '"30" is no time: write it with its unit'],
    [`stall@event:1:${'9'.repeat(400)}s`, 'is no time: it is beyond all numbers'],
    ['drop@byte:3', 'drop takes a place of event, type, random'],
    ['drop@end', 'drop takes a place of'],
    ['insert@byte:3:ping', 'insert takes a place of event, type, random, end'],
    ['insert@event:1', 'insert needs one of error, ping, unknown, comment, done behind the place'],
    ['insert@event:1:toString', 'insert takes one of'],
    ['corrupt@event:1:all', 'corrupt takes one of bit, json, utf8'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parseFault(text)).toThrow(RangeError);
    expect(() => parseFault(text)).toThrow(message);
  });
});

describe('applyFaults()', () => {
  it.each<[string, string[], string, string]>([
    ['cut', ['cut@event:3'], event(1) + event(2), 'eof'],
    ['cut at a byte', ['cut@byte:12'], body.slice(0, 12), 'eof'],
    ['cut at the first byte', ['cut@byte:0'], '', 'eof'],
    ['cut at the end', ['cut@end'], body, 'eof'],
    ['reset', ['reset@event:2'], event(1), 'reset'],
    ['reset at the end', ['reset@end'], body, 'reset'],
    ['stall for ever', ['stall@event:2'], event(1), 'hang'],
    ['drop', ['drop@event:2'], [1, 3, 4, 5].map(event).join(''), 'eof'],
    ['dup', ['dup@event:2'], [1, 2, 2, 3, 4, 5].map(event).join(''), 'eof'],
    ['dup twice', ['dup@event:2', 'dup@event:2'], [1, 2, 2, 2, 3, 4, 5].map(event).join(''), 'eof'],
    ['drop wins over dup', ['drop@event:2', 'dup@event:2'], [1, 3, 4, 5].map(event).join(''), 'eof'],
    ['swap', ['swap@event:2'], [1, 3, 2, 4, 5].map(event).join(''), 'eof'],
    ['swap and swap on', ['swap@event:1', 'swap@event:2'], [3, 1, 2, 4, 5].map(event).join(''), 'eof'],
    [
      'the order of the list does not move places',
      ['drop@event:4', 'drop@event:2'],
      [1, 3, 5].map(event).join(''),
      'eof',
    ],
    ['insert', ['insert@event:2:comment'], `${event(1)}: comment\n\n${[2, 3, 4, 5].map(event).join('')}`, 'eof'],
    ['insert at the end', ['insert@end:done'], `${body}data: [DONE]\n\n`, 'eof'],
    ['two at one place, as listed', ['insert@event:1:done', 'cut@event:1'], 'data: [DONE]\n\n', 'eof'],
    [
      'a mark moves with its event',
      ['swap@event:1', 'insert@event:1:done'],
      `${event(2)}data: [DONE]\n\n${[1, 3, 4, 5].map(event).join('')}`,
      'eof',
    ],
    ['a mark stays where its event is dropped', ['drop@event:2', 'cut@event:2'], event(1), 'eof'],
    ['a cut inside a doubled event', ['dup@event:2', 'cut@byte:12'], body.slice(0, 12), 'eof'],
    ['json', ['corrupt@event:2:json'], body.replace('2', '!'), 'eof'],
  ])('%s', (_, list, text, ending) => {
    const played = applyFaults(body, list);
    expect(textOf(played)).toBe(text);
    expect(played.ending).toBe(ending);
  });

  it('keeps comments with their event, a byte order mark in front, and the unfinished rest behind', () => {
    const source = `\uFEFF: one\n\n${event(1)}: two\n${event(2)}data: rest`;
    expect(textOf(applyFaults(source, 'swap@event:1'))).toBe(`\uFEFF: two\n${event(2)}: one\n\n${event(1)}data: rest`);
    expect(textOf(applyFaults(source, 'drop@event:1'))).toBe(`\uFEFF: two\n${event(2)}data: rest`);
    expect(textOf(applyFaults(source, 'insert@event:1:done'))).toBe(`\uFEFFdata: [DONE]\n\n${source.slice(1)}`);
  });

  it('finds events by the type that they come under, read as the library reads it', () => {
    const source = textBody(['a', 'b', 'c']);
    const left = textOf(applyFaults(source, 'cut@type:content_block_delta:3'));
    expect(left).toBe(
      source.slice(
        0,
        source.indexOf(
          'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"c"',
        ),
      ),
    );
    expect(textOf(applyFaults('event: odd\ndata: {"type":"odd"}\n\n', 'drop@type:odd'))).toBe('');
    expect(textOf(applyFaults('event: odd\ndata: x\n\n', 'drop@type:odd'))).toBe('');
  });

  it.each([
    ['drop@event:6', 'Cannot apply drop@event:6: the stream has 5 events'],
    ['cut@byte:51', 'Cannot apply cut@byte:51: the stream has 45 bytes'],
    ['corrupt@byte:45', 'the stream has 45 bytes, so the last is byte 44'],
    ['swap@event:5', 'there is no event behind event 5, which is the last'],
    ['cut@type:ping', 'the stream has no event of type ping'],
  ])('refuses %s', (text, message) => {
    expect(() => applyFaults(body, text)).toThrow(RangeError);
    expect(() => applyFaults(body, text)).toThrow(message);
  });

  it('leaves the source alone, also one whose `slice` copies nothing', () => {
    for (const source of [encodeUtf8('data: {}\n\n'), Buffer.from('data: {}\n\n')]) {
      const once = applyFaults(source, 'corrupt@event:1:json').steps;
      expect(once.map(({ bytes }) => decodeUtf8(bytes))).toEqual(['data: !}\n\n']);
      expect(decodeUtf8(source)).toBe('data: {}\n\n');
    }
  });

  it('refuses what is no source, no seed and no speed', () => {
    expect(() => applyFaults(7 as unknown as string, [])).toThrow(TypeError);
    expect(() => applyFaults(body, [], { seed: -1 })).toThrow(/Cannot use the seed -1/);
    expect(() => applyFaults(body, [], { speed: 0 })).toThrow(/Cannot play at speed 0/);
    expect(() => applyFaults('', 'drop@random')).toThrow(/the stream has no event/);
    expect(() => applyFaults('data:\n\n', 'corrupt@event:1')).toThrow(/event 1 has no data/);
  });

  describe('corrupt', () => {
    const source = textBody(['hello', 'wörld']);

    it.each(['bit', 'utf8', 'json'])(
      '%s changes one byte of the data of its event, and the same one each time',
      (how) => {
        for (let seed = 0; seed < 50; seed++) {
          const out = bytesOf(applyFaults(source, `corrupt@event:4:${how}`, { seed }));
          const before = encode(source);
          const changed = [...before.keys()].filter((i) => out[i] !== before[i]);
          expect(out).toHaveLength(before.length);
          expect(changed).toHaveLength(1);
          const place = changed[0] as number;
          expect(eventsOf(out)).toHaveLength(eventsOf(before).length);
          expect(eventsOf(out).findIndex((one, i) => one.data !== eventsOf(before)[i]?.data)).toBe(3);
          if (how === 'utf8') expect(out[place]).toBe(0xff);
          if (how === 'json') expect(() => JSON.parse(eventsOf(out)[3]?.data ?? '{}') as unknown).toThrow(SyntaxError);
          if (how === 'bit') expect(bits((out[place] as number) ^ (before[place] as number))).toBe(1);
          expect(bytesOf(applyFaults(source, `corrupt@event:4:${how}`, { seed }))).toEqual(out);
        }
      },
    );

    it('takes another place for another seed', () => {
      const outs = Array.from({ length: 20 }, (_, seed) => textOf(applyFaults(source, 'corrupt@event:4', { seed })));
      expect(new Set(outs).size).toBeGreaterThan(10);
    });

    it('damages the very byte that was named', () => {
      const out = bytesOf(applyFaults(source, 'corrupt@byte:3:utf8'));
      expect(out[3]).toBe(0xff);
    });
  });

  describe('random places', () => {
    it('are those of the seed, and each fault has its own', () => {
      const drop = (seed: number, more: string[] = []): string =>
        textOf(applyFaults(body, ['drop@random', ...more], { seed }));
      expect(drop(3)).toBe(drop(3));
      expect(new Set(Array.from({ length: 30 }, (_, seed) => drop(seed))).size).toBe(5);
      for (let seed = 0; seed < 20; seed++) {
        const alone = drop(seed);
        expect(drop(seed, ['insert@random:done']).replace('data: [DONE]\n\n', '')).toBe(alone);
      }
    });

    it('never swap the last event', () => {
      for (let seed = 0; seed < 30; seed++) expect(textOf(applyFaults(body, 'swap@random', { seed }))).not.toBe(body);
    });
  });

  describe('chunks and times', () => {
    const source = captureOf([event(1), event(2) + event(3), event(4)]);

    it('plays a capture as it was cut', () => {
      const { steps, ending, headMs } = applyFaults(source, [], { speed: 1 });
      expect(steps.map(({ bytes, waitMs }) => [decodeUtf8(bytes), waitMs])).toEqual([
        [event(1), 0.4],
        [event(2) + event(3), 1],
        [event(4), 1],
        ['', 0.5],
      ]);
      expect([headMs, ending]).toEqual([0.6, 'eof']);
    });

    it('does not wait unless told to, and runs faster', () => {
      expect(applyFaults(source, []).steps.map(({ waitMs }) => waitMs)).toEqual([0, 0, 0]);
      expect(applyFaults(source, [], { speed: 2 }).steps.map(({ waitMs }) => waitMs)).toEqual([0.2, 0.5, 0.5, 0.25]);
    });

    it('gives a chunk when the last of its bytes had come', () => {
      const whole = applyFaults(source, [], { speed: 1, chop: 'whole' });
      expect(whole.steps.map(({ waitMs }) => waitMs)).toEqual([2.4, 0.5]);
      const events = applyFaults(source, [], { speed: 1, chop: 'event' });
      expect(events.steps.map(({ waitMs }) => waitMs)).toEqual([0.4, 1, 0, 1, 0.5]);
    });

    it('keeps the chunks of bytes that no fault names', () => {
      const chunks = (list: string[]): string[] =>
        applyFaults(source, list).steps.map(({ bytes }) => decodeUtf8(bytes));
      expect(chunks(['drop@event:2'])).toEqual([event(1), event(3), event(4)]);
      expect(chunks(['dup@event:2'])).toEqual([event(1), event(2) + event(2) + event(3), event(4)]);
      expect(chunks(['swap@event:2'])).toEqual([event(1), event(3) + event(2), event(4)]);
      expect(chunks(['insert@event:3:comment'])).toEqual([event(1), `${event(2)}: comment\n\n${event(3)}`, event(4)]);
      expect(chunks(['insert@end:comment'])).toEqual([event(1), event(2) + event(3), `${event(4)}: comment\n\n`]);
    });

    it('stalls for the time that was written, at every speed', () => {
      const { steps } = applyFaults(source, ['stall@event:3:30s', 'stall@event:3:1s'], { speed: 10 });
      expect(steps.map(({ bytes, waitMs }) => [decodeUtf8(bytes), waitMs])).toEqual([
        [event(1), 0.04],
        [event(2), 0.1],
        [event(3), 31_000],
        [event(4), 0.1],
        ['', 0.05],
      ]);
      expect(applyFaults('', 'stall@end:5s').steps).toEqual([{ waitMs: 5000, bytes: new Uint8Array(0) }]);
    });

    it('ends as the recording did; where nobody knows the rest, the connection breaks', () => {
      const ending = (end: Capture['end']): string => applyFaults(captureOf([event(1)], end), []).ending;
      expect(ending({ end: 'eof' })).toBe('eof');
      expect(ending({ end: 'reset' })).toBe('reset');
      expect(ending({ end: 'abort' })).toBe('reset');
      expect(applyFaults({ ...captureOf([event(1)]), end: undefined }, []).ending).toBe('reset');
      expect(ending({ end: 'timeout' })).toBe('hang');
    });

    it('reads the file of a capture as the capture', () => {
      const file = formatCapture(source);
      expect(applyFaults(file, 'dup@event:2', { speed: 1 })).toEqual(applyFaults(source, 'dup@event:2', { speed: 1 }));
      expect(applyFaults(encode(file), [])).toEqual(applyFaults(source, []));
    });
  });

  it('gives the same bytes for every chunking, and the same steps each time', () => {
    const chops = ['recorded', 'whole', 'event', 'line', 'byte', 'utf8', 'crlf', 'random:3', 'size:5'];
    fc.assert(
      fc.property(
        streams(fc).chain(({ bytes }) => fc.tuple(fc.constant(bytes), faults(fc, bytes))),
        fc.constantFrom(...chops),
        fc.nat(),
        ([bytes, list], chop, seed) => {
          const plain = applyFaults(bytes, list, { seed });
          const chopped = applyFaults(bytes, list, { seed, chop });
          expect(bytesOf(chopped)).toEqual(bytesOf(plain));
          expect(chopped.ending).toBe(plain.ending);
          expect(applyFaults(bytes, list, { seed, chop })).toEqual(chopped);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('does to the list of events what a plain list would do', () => {
    fc.assert(
      fc.property(
        streams(fc).chain(({ bytes }) =>
          fc.tuple(fc.constant(bytes), faults(fc, bytes, ['drop', 'dup', 'swap', 'cut', 'insert'])),
        ),
        ([bytes, list]) => {
          const fixed = list.filter(({ place }) => place.at === 'event' || place.at === 'end');
          expect(eventsOf(bytesOf(applyFaults(bytes, fixed))).map(({ data }) => data)).toEqual(twin(bytes, fixed));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('changes nothing without faults', () => {
    fc.assert(
      fc.property(streams(fc), fc.nat(), ({ bytes }, seed) => {
        expect(bytesOf(applyFaults(bytes, [], { chop: `random:${seed}` }))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('the arbitraries', () => {
  it('draw legal streams, and the messages that they mean', () => {
    fc.assert(
      fc.property(streams(fc), ({ bytes, message }) => {
        const parser = new MessageParser({}, { strict: true });
        parser.push(bytes);
        parser.end();
        expect(parser.outcome.status).toBe('complete');
        expect(parser.diagnostics.filter(({ severity }) => severity !== 'info')).toEqual([]);
        expect(parseMessage(bytes)).toEqual(message);
      }),
      { numRuns: RUNS },
    );
  });

  it('draw every kind of fault and of block', () => {
    const drawn = fc.sample(
      streams(fc).chain(({ bytes }) => faults(fc, bytes)),
      { numRuns: 400, seed: 1 },
    );
    expect(new Set(drawn.flat().map(({ kind }) => kind))).toEqual(new Set(FAULTS.map(({ kind }) => kind)));
    expect(new Set(drawn.flat().map(({ place }) => place.at))).toEqual(new Set(['byte', 'end', 'event', 'random']));
    const blocks = fc.sample(streams(fc), { numRuns: 100, seed: 1 }).flatMap(({ message }) => message.content);
    expect([...new Set(blocks.map(({ type }) => type))]).toHaveLength(5);
  });

  it('say when a stream is too short for faults', () => {
    expect(() => faults(fc, event(1))).toThrow(/Cannot draw faults for a stream of 1 event/);
  });
});

function eventsOf(bytes: Uint8Array): SseEvent[] {
  const scanner = new SseScanner();
  scanner.write(bytes);
  const events: SseEvent[] = [];
  for (let one = scanner.next(); one !== undefined; one = scanner.next()) events.push(one);
  return events;
}

function bits(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}

const INSERTED: Readonly<Record<string, string[]>> = {
  error: ['{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}'],
  ping: ['{"type": "ping"}'],
  unknown: ['{"type":"event_from_the_future"}'],
  comment: [],
  done: ['[DONE]'],
};

/** The same on a list of data: slow, and plain to see. */
function twin(bytes: Uint8Array, list: readonly Fault[]): string[] {
  const source = eventsOf(bytes).map(({ data }) => data);
  const number = ({ place }: Fault): number => (place.at === 'event' ? place.number : source.length + 1);
  const order = [...source.keys()].map((i) => i + 1);
  for (const fault of list.filter(({ kind }) => kind === 'swap')) {
    const [i, j] = [order.indexOf(number(fault)), order.indexOf(number(fault) + 1)];
    order[i] = number(fault) + 1;
    order[j] = number(fault);
  }
  const out: string[] = [];
  for (const n of [...order, source.length + 1]) {
    for (const fault of list.filter((one) => number(one) === n)) {
      if (fault.kind === 'cut') return out;
      if (fault.kind === 'insert') out.push(...(INSERTED[fault.what] as string[]));
    }
    const mine = list.filter((one) => number(one) === n).map(({ kind }) => kind);
    if (n > source.length || mine.includes('drop')) continue;
    for (let copy = 0; copy <= mine.filter((kind) => kind === 'dup').length; copy++) out.push(source[n - 1] as string);
  }
  return out;
}
