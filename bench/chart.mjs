/**
 * Draws chart.svg from saved results: `node bench/chart.mjs [results.json …]`, by default results/node-20.json and
 * results/node-24.json. One panel for each question, one row for each variant, one bar for each run.
 *
 * Scales are linear and begin at 0. One panel compares things that differ by a factor of thousands; its scale is
 * logarithmic and says so. Every bar carries its figure, so nobody has to measure one.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { digits, figure } from './report.mjs';
import { median } from './stats.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What is shown: one cell of a question. `times`: whether the figures carry how many times ssemble's own they are. */
const PANELS = [
  {
    id: 'sse',
    input: 'text:1000',
    chunking: '1,400 B',
    title: 'Bytes to SSE events',
    sub: 'generated text, 1,400 B chunks; CPU time per event',
    times: true,
  },
  {
    id: 'events',
    input: 'captures',
    chunking: 'event',
    title: 'Bytes to typed events',
    sub: 'real captures, one event a chunk; CPU time per event',
    times: true,
  },
  {
    id: 'message',
    input: 'captures',
    chunking: 'event',
    title: 'Bytes to the final message',
    sub: 'real captures, one event a chunk; CPU time per event',
    times: true,
  },
  {
    id: 'iterate',
    input: 'captures',
    chunking: 'event',
    title: 'for await over a Response',
    sub: 'real captures, one event a chunk; CPU time per event',
    times: true,
  },
  {
    id: 'tool-input',
    input: 'tool-records:190',
    chunking: 'event',
    title: 'Live tool input',
    sub: '190 kB of JSON, its value read at every delta; CPU time per delta. Logarithmic: each line is ten times the one before',
    log: true,
  },
  {
    id: 'snapshot',
    input: 'blocks',
    chunking: 'event',
    title: 'A snapshot at every delta',
    sub: 'the last 1,000 of 10,000 deltas, 20 blocks; CPU time per delta',
    times: true,
  },
  { id: 'size', input: 'bundle', chunking: '', title: 'Size', sub: 'minified and compressed with gzip -9', once: true },
];

/** Names that are too long for the margin. */
const SHORT = {
  '@anthropic-ai/sdk stream().finalMessage()': '@anthropic-ai/sdk finalMessage()',
  '@anthropic-ai/sdk create({ stream: true })': '@anthropic-ai/sdk stream: true',
  '@anthropic-ai/sdk Stream.fromSSEResponse': '@anthropic-ai/sdk, no request',
  '@anthropic-ai/sdk, one object that changes': '@anthropic-ai/sdk, one live object',
  'ssemble MessageParser, from bytes': 'ssemble MessageParser',
  '@anthropic-ai/sdk inputJson listener': '@anthropic-ai/sdk on inputJson',
};

const WIDTH = 880;
const LEFT = 292;
const RIGHT = 128;
const BAR = 11;
const GAP = 2;
const PLOT = WIDTH - LEFT - RIGHT;

const STYLE = `
  .page { fill: #ffffff }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }

  .sub, .tick, .value, .foot { fill: #59636e; font-size: 11.5px }
  .value { font-variant-numeric: tabular-nums }
  .name { text-anchor: end }
  .own { font-weight: 600 }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .run0.ours { fill: #0a7d55 } .run1.ours { fill: #4cb98c }
  .run0.peer { fill: #6e7781 } .run1.peer { fill: #afb8c1 }
  .floor { fill: none; stroke-width: 1.2; stroke-dasharray: 3 2 }
  .run0.floor { stroke: #6e7781 } .run1.floor { stroke: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 }
    text { fill: #e6edf3 }
    .sub, .tick, .value, .foot { fill: #9198a1 }
    .grid { stroke: #2b313a }
    .run0.ours { fill: #3fb98a } .run1.ours { fill: #1f7a57 }
    .run0.peer { fill: #8b949e } .run1.peer { fill: #545d68 }
    .run0.floor { stroke: #8b949e } .run1.floor { stroke: #545d68 }
  }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function barsOf(panel, runs) {
  const questions = (panel.once ? runs.slice(0, 1) : runs).map(({ questions }) => questions[panel.id]);
  const cells = questions.map((question) =>
    question?.cells.find(({ input, chunking }) => input === panel.input && chunking === panel.chunking),
  );
  const names = [...new Set(cells.flatMap((cell) => Object.keys(cell?.variants ?? {})))];
  const rows = names.map((name) => ({
    name,
    kind: name.startsWith('ssemble') ? 'ours' : name.startsWith('floor') ? 'floor' : 'peer',
    values: cells.map((cell) => {
      const rounds = cell?.variants[name]?.rounds;
      return rounds === undefined || rounds.length === 0 ? undefined : median(rounds);
    }),
  }));
  const shown = rows.filter(({ values }) => values.some((value) => value !== undefined));
  return { rows: shown, question: questions.find((question) => question !== undefined) };
}

function logScale(values) {
  const low = 10 ** Math.floor(Math.log10(Math.min(...values) / 1.5));
  const high = Math.max(...values) * 1.05;
  const ticks = [];
  for (let tick = low; tick <= high; tick *= 10) ticks.push(tick);
  return { at: (value) => (Math.log(value / low) / Math.log(high / low)) * PLOT, ticks };
}

/** From 0, with three to six lines at round figures. */
function linearScale(values) {
  const high = Math.max(...values);
  const decade = 10 ** Math.floor(Math.log10(high));
  const step = [decade / 5, decade / 2, decade, decade * 2].find((size) => high / size <= 6);
  const ticks = [];
  for (let tick = 0; tick <= high; tick += step) ticks.push(tick);
  return { at: (value) => (value / high) * PLOT, ticks };
}

function drawPanel(panel, runs, top) {
  const { rows, question } = barsOf(panel, runs);
  if (rows.length === 0) return { svg: '', height: 0 };
  const { at, ticks } = (panel.log ? logScale : linearScale)(
    rows.flatMap(({ values }) => values).filter((value) => value !== undefined),
  );
  const count = rows[0].values.length;
  const rowHeight = count * (BAR + GAP) + 10;
  const from = top + 70;
  const bottom = from + rows.length * rowHeight;
  const of = (value) => figure(value, question.suffix, question.scale);
  const svg = [
    `<text class="title" x="24" y="${top + 20}">${escape(panel.title)}</text>`,
    `<text class="sub" x="24" y="${top + 38}">${escape(panel.sub)}</text>`,
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${px(LEFT + at(tick))}" x2="${px(LEFT + at(tick))}" y1="${from - 6}" y2="${bottom - 4}"/>`,
      `<text class="tick" text-anchor="middle" x="${px(LEFT + at(tick))}" y="${from - 11}">${
        tick === 0
          ? '0'
          : of(tick)
              .replace(/\.0+ /, ' ')
              .replace(/(\.\d*[1-9])0+ /, '$1 ')
      }</text>`,
    ]),
    ...rows.flatMap((row, k) => drawRow(row, panel.times ? rows[0] : undefined, from + k * rowHeight, at, of)),
  ];
  return { svg: svg.join('\n'), height: bottom - top + 14 };
}

function drawRow({ name, kind, values }, base, top, at, of) {
  const middle = top + (values.length * (BAR + GAP)) / 2 + 3.5;
  const label = `<text class="name${kind === 'ours' ? ' own' : ''}" x="${LEFT - 10}" y="${px(middle)}">${escape(SHORT[name] ?? name)}</text>`;
  const bars = values.flatMap((value, run) => {
    if (value === undefined) return [];
    const y = top + run * (BAR + GAP);
    const width = Math.max(2, at(value));
    const own = base?.values[run];
    const times = own === undefined || kind === 'ours' ? '' : ` · ${digits(value / own)}×`;
    return [
      `<rect class="run${run} ${kind}" x="${LEFT}" y="${px(y)}" width="${px(width)}" height="${BAR}" rx="1.5"/>`,
      `<text class="value" x="${px(LEFT + width + 6)}" y="${px(y + BAR - 1)}">${of(value)}${times}</text>`,
    ];
  });
  return [label, ...bars];
}

function px(value) {
  return Number(value.toFixed(1));
}

function draw(runs) {
  const legend = runs.map(({ runtime }, k) => {
    const x = 24 + k * 130;
    const name = `${runtime.name === 'node' ? 'Node' : runtime.name} ${runtime.version.split('.')[0]}`;
    return `<rect class="run${k} ours" x="${x}" y="40" width="12" height="${BAR}"/><rect class="run${k} peer" x="${x + 14}" y="40" width="12" height="${BAR}"/><text class="sub" x="${x + 32}" y="49">${name}</text>`;
  });
  const dashed = 24 + runs.length * 130;
  const parts = [
    `<text class="title" x="24" y="26">What it costs: shorter is better</text>`,
    ...legend,
    `<rect class="run0 floor" x="${dashed}" y="40" width="26" height="${BAR}"/><text class="sub" x="${dashed + 32}" y="49">a floor: less than the job, nobody's parser</text>`,
  ];
  let top = 66;
  for (const panel of PANELS) {
    const { svg, height } = drawPanel(panel, runs, top);
    parts.push(svg);
    top += height;
  }
  const { machine, commit } = runs[0];
  const versions = runs
    .map(({ runtime }) => `${runtime.name === 'node' ? 'Node' : runtime.name} ${runtime.version}`)
    .join(' and ');
  parts.push(
    `<text class="foot" x="24" y="${top + 8}">${escape(`${versions} on ${machine.cpu}, ${machine.os}; commit ${commit}. Medians of interleaved rounds, one process each.`)}</text>`,
    `<text class="foot" x="24" y="${top + 24}">${escape('“×” is how many times ssemble’s own cost. How to print every figure again: bench/README.md')}</text>`,
  );
  const height = top + 40;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="What ssemble costs beside other libraries, question by question">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>
${parts.filter((part) => part !== '').join('\n')}
</svg>
`;
}

const asked = process.argv.slice(2);
const files =
  asked.length > 0 ? asked : [here('results/node-20.json'), here('results/node-24.json')].filter(existsSync);
if (files.length === 0)
  throw new Error('There are no results: `node bench/run.mjs --json > bench/results/node-20.json` makes some');
writeFileSync(here('chart.svg'), draw(files.map((file) => JSON.parse(readFileSync(file, 'utf8')))));
console.log(`chart.svg, from ${files.length} results`);
