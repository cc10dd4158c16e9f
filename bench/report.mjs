/** Results as tables for people. */

import { titleOf } from './inputs.mjs';
import { median } from './stats.mjs';

/** Three digits that mean something, and a unit that fits. */
export function figure(value, suffix = 'ns', scale = 1) {
  if (suffix === 'B')
    return value >= 10_000 ? `${digits(value / 1000)} kB` : `${Math.round(value).toLocaleString('en')} B`;
  if (suffix !== 'ns') return `${digits(value / scale)} ${suffix}`;
  if (value >= 1e9) return `${digits(value / 1e9)} s`;
  if (value >= 1e6) return `${digits(value / 1e6)} ms`;
  if (value >= 1e3) return `${digits(value / 1e3)} µs`;
  return `${digits(value)} ns`;
}

export function digits(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** A table in Markdown that also reads well as it is. */
function table(head, rows) {
  const widths = head.map((_, k) => Math.max(3, ...[head, ...rows].map((row) => String(row[k]).length)));
  const line = (row) =>
    `| ${row.map((cell, k) => (k === 0 ? String(cell).padEnd(widths[k]) : String(cell).padStart(widths[k]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, k) => (k === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** The whole report: what ran where, then a table of costs and one of goals for each question. */
export function report({ machine, runtime, commit, settings, questions }) {
  const where = `${runtime.name} ${runtime.version}, ${machine.cpu} (${machine.cores} cores), ${machine.os}`;
  const what = `commit ${commit}, ${settings.short ? 'short form' : settings.goals ? 'what the goals need' : settings.profile ? 'profiles' : 'full form'}: up to ${settings.rounds} rounds of ${settings.ms} ms`;
  const parts = Object.entries(questions).map(([id, question]) => section(id, question));
  return [`${where}\n${what}`, ...parts].join('\n\n');
}

function section(id, question) {
  const unit = question.suffix === 'B' ? 'bytes' : `CPU time for one ${question.unit}`;
  const blocks = question.cells.flatMap((cell) => [
    cellTable(question, cell),
    ...profileTables(question, cell),
    ...weightTables(cell),
  ]);
  const goals = question.goals.map(({ text, value, where, limit, atMost, met, ceiling }) => [
    where === undefined ? text : `${text} (${where})`,
    value === undefined ? '-' : digits(value),
    limit === undefined ? '' : `${atMost ? '≤' : '≥'} ${limit}`,
    verdict(value, limit, met, ceiling),
  ]);
  return [
    `## ${question.title} (${id}; ${unit})`,
    ...blocks,
    ...(goals.length > 0 ? [table(['goal', 'value', 'limit', ''], goals)] : []),
  ].join('\n\n');
}

function verdict(value, limit, met, ceiling) {
  if (value === undefined) return 'not measured';
  if (limit === undefined) return 'for the record';
  if (met || ceiling === undefined) return met ? 'met' : 'NOT MET';
  return value <= ceiling ? `NOT MET; below its ceiling ${ceiling}` : `NOT MET, and ABOVE ITS CEILING ${ceiling}`;
}

function cellTable(question, cell) {
  const names = Object.keys(cell.variants);
  const columns = names.some((name) => cell.variants[name].parts !== undefined) ? question.parts : [];
  const base = cell.variants[names[0]]?.rounds;
  const rows = names.map((name) => {
    const { rounds, parts, note, seconds } = cell.variants[name];
    if (rounds === undefined || rounds.length === 0) return [name, note ?? '-', '', '', ...columns.map(() => '')];
    const of = (value) => figure(value, question.suffix, question.scale);
    const spread =
      rounds.length > 1
        ? `${of(Math.min(...rounds))} … ${of(Math.max(...rounds))}`
        : seconds === undefined
          ? 'once'
          : `once, in ${digits(seconds)} s`;
    const times = base === undefined || base.length === 0 ? '' : `${digits(median(rounds) / median(base))}×`;
    return [
      name,
      of(median(rounds)),
      spread,
      times,
      ...columns.map((_, k) => (parts?.[0]?.[k] === undefined ? '' : digits(median(parts.map((part) => part[k]))))),
    ];
  });
  const left = cell.leftOut?.length > 0 ? `; ${cell.bodies} of ${cell.bodies + cell.leftOut.length} bodies` : '';
  const head = `${titleOf(cell.input)}${cell.chunking === '' ? '' : `, ${cell.chunking}`}${left}`;
  const notes = leftOutNotes(cell);
  return [table([head, 'median', 'spread', '', ...columns], rows), ...notes].join('\n');
}

/** A function with less than this is left out, and so is what comes after the first ones. */
const LEAST_SHARE = 0.005;
const MOST_FUNCTIONS = 25;
/** A regular expression is called by its source. */
const LONGEST_NAME = 48;

/** Where the time went. The figures are shares of what the table above measured without a profiler. */
function profileTables({ unit, suffix, scale }, { variants }) {
  const profiles = Object.entries(variants).filter(
    ([, { profile, rounds }]) => profile !== undefined && rounds.length > 0,
  );
  return profiles.map(([name, { profile, rounds }]) => {
    const whole = median(rounds);
    const row = ({ name: called, share, where }) => [
      called.length > LONGEST_NAME ? `${called.slice(0, LONGEST_NAME - 1)}…` : called,
      `${digits(share * 100)} %`,
      figure(share * whole, suffix, scale),
      where,
    ];
    const shown = profile.functions.slice(0, MOST_FUNCTIONS).filter(({ share }) => share >= LEAST_SHARE);
    const rest = profile.functions.slice(shown.length);
    const left = { name: `${rest.length} others`, share: rest.reduce((sum, { share }) => sum + share, 0), where: '' };
    const head = [`${name}, ${profile.samples.toLocaleString('en')} samples`, 'share', `of one ${unit}`, 'function'];
    return table(head, [...shown, ...(rest.length > 0 ? [left] : [])].map(row));
  });
}

/** What is in the bundles: by promise for each, then file by file for all of them. */
function weightTables({ variants }) {
  const inside = Object.entries(variants).flatMap(([name, { weights }]) =>
    weights === undefined ? [] : [{ name, ...weights }],
  );
  if (inside.length === 0) return [];
  const columns = inside.flatMap(({ name }) => [name, 'gzip']);
  const promises = inside.map(({ whole, promises: own }) => [
    ...own,
    shared(whole, own),
    { name: 'the bundle', ...whole },
  ]);
  const files = inside.map(({ files: own }) => own);
  const promise = Object.fromEntries(files.flat().map((file) => [file.name, file.promise]));
  const rows = (lists) => {
    // In the order of the largest bundle, which has them all.
    const names = [...new Set(lists.toReversed().flatMap((list) => list.map(({ name }) => name)))];
    return names.map((name) => [
      name,
      ...lists.flatMap((list) => {
        const weight = list.find((one) => one.name === name);
        return weight === undefined ? ['', ''] : [count(weight.minified), count(weight.gzip)];
      }),
    ]);
  };
  return [
    'What the bytes are: minified, and what gzip loses without them (how: bench/weights.mjs)',
    table(['promise', ...columns], rows(promises)),
    table(
      ['file', ...columns, 'promise'],
      rows(files).map((row) => [...row, promise[row[0]]]),
    ),
  ];
}

const count = (value) => Math.round(value).toLocaleString('en');

/** What is lost with no single part, because others say the same: gzip writes it once. */
function shared(whole, parts) {
  const rest = (of) => parts.reduce((left, part) => left - part[of], whole[of]);
  return { name: 'in common', minified: rest('minified'), gzip: rest('gzip') };
}

/** A body on which variants disagree is timed for none of them; here is who stood alone. */
function leftOutNotes({ leftOut = [] }) {
  const by = new Map();
  for (const { who } of leftOut) by.set(who, (by.get(who) ?? 0) + 1);
  return [...by].map(([who, count]) => `left out: ${count} where ${who}`);
}
