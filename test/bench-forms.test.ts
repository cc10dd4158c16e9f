/** The bench answers what it promises: the form that is for the goals measures what each goal asks for. */

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Cell {
  input: string;
  chunking: string;
}

interface Question {
  cells: Cell[];
  parts?: string[];
  goals: { text: string; of: (query: unknown) => unknown }[];
}

interface Form {
  short: boolean;
  goals: boolean;
}

const BENCH = new URL('../bench/', import.meta.url);
const load = async <T>(path: string): Promise<T> => (await import(new URL(path, BENCH).href)) as T;

const { hasCell, variantsOf } = await load<{
  hasCell: (cell: Cell, form: Form) => boolean;
  variantsOf: (question: Question, cell: Cell, form: Form, runtime: string) => string[];
}>('forms.mjs');
const { Query, attempt } = await load<{
  Query: new (cells: unknown[]) => unknown;
  attempt: (ask: () => unknown) => unknown;
}>('stats.mjs');

/** What a goal gets to see if each variant of a form was measured, at a cost of 1. */
function asIfMeasured(question: Question, form: Form): unknown {
  const cells = question.cells.filter((cell) => hasCell(cell, form));
  return new Query(
    cells.map((cell) => {
      const measured = { rounds: [1], parts: [(question.parts ?? []).map(() => 1)] };
      const names = variantsOf(question, cell, form, 'node');
      return { ...cell, variants: Object.fromEntries(names.map((name) => [name, measured])) };
    }),
  );
}

const names = readdirSync(new URL('cases/', BENCH)).filter((name) => name.endsWith('.mjs'));

describe('the form for the goals measures every goal', () => {
  test.each(names)('%s', async (name) => {
    const { default: question } = await load<{ default: Question }>(`cases/${name}`);
    const query = asIfMeasured(question, { short: false, goals: true });
    const missing = question.goals.filter(({ of }) => attempt(() => of(query)) === undefined);
    expect(question.goals.length).toBeGreaterThan(0);
    expect(missing.map(({ text }) => text)).toEqual([]);
  });
});

test('the short form leaves out what the other forms are for', async () => {
  const { default: question } = await load<{ default: Question }>('cases/tool-input.mjs');
  const inputs = (form: Form): string[] =>
    question.cells.filter((cell) => hasCell(cell, form)).map(({ input }) => input);
  const short = inputs({ short: true, goals: false });
  const goals = inputs({ short: false, goals: true });
  expect(short).not.toContain('tool-records:190');
  expect(goals).toEqual(expect.arrayContaining(['tool-records:190', ...short]));
  expect(inputs({ short: false, goals: false })).toEqual(question.cells.map(({ input }) => input));
});
