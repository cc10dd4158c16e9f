/**
 * What is taken out of a capture before it is shown to others: the patterns as data, and patterns that people give.
 *
 * The patterns here take time in proportion to the text: every repetition has a ceiling, or nothing that follows it can
 * fail for long. What people give is bounded in two other ways: a repetition in a repetition is refused, because its time
 * may double with every character; and long text is searched in windows, so that the rest costs at most a window at a time.
 * That can still be long: several repetitions behind each other cost a power of the window. `ssemble redact` stops them.
 */

/** One kind of text to remove. */
export interface RedactionPattern {
  /** How the header of the capture and the command line call it. */
  name: string;
  /** One line for people. */
  what: string;
  /** Each match is removed, whole: what must stand before it goes into a lookbehind. The flag `g` is not needed. */
  pattern: RegExp;
  /** Not looked for unless it is asked for. */
  optional?: true;
  /** Search long text in windows: a match is then at most {@link LONGEST_MATCH} characters long. */
  windowed?: true;
}

/** The longest match of a pattern that a person gave, in UTF-16 units: what is longer is removed as far as this. */
const LONGEST_MATCH = 8192;

// A word begins where no word is, or behind the `\\n` of JSON that is text in JSON.
const FRESH = String.raw`(?:(?<!\w)|(?<=\\[nrt]))`;

/** The names of people in paths: what stands before them. Backslashes may be doubled: JSON in JSON. */
const HOMES = String.raw`(?<=(?:/Users/|/home/|[A-Za-z]:[\\/]{1,4}[Uu]sers[\\/]{1,4}))`;

/** The patterns that `ssemble redact` knows, in the order in which they are looked for: the particular before the general. */
export const REDACTION_PATTERNS: readonly RedactionPattern[] = [
  { name: 'anthropic-key', what: 'Anthropic API keys: sk-ant-…', pattern: /sk-ant-[\w-]{4,512}/ },
  {
    name: 'private-key',
    what: 'private key blocks (PEM, OpenSSH, PGP), also when cut',
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[\s\S]){0,20000}(?:-----END [A-Z0-9 ]{0,50}-----)?/,
  },
  {
    name: 'api-key',
    what: 'keys of other services: sk-…, Google AIza…, Stripe, npm, GitLab, Hugging Face',
    pattern: new RegExp(
      String.raw`${FRESH}sk-[\w-]{16,512}|AIza[\w-]{30,64}|[sr]k_(?:live|test)_\w{16,128}|npm_[A-Za-z0-9]{30,64}|` +
        String.raw`glpat-[\w-]{16,64}|hf_[A-Za-z0-9]{30,64}`,
    ),
  },
  {
    name: 'aws-key',
    what: 'AWS access keys: AKIA…, ASIA…, and the secret after its name',
    pattern: new RegExp(
      String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}|` +
        String.raw`(?<=(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY|[sS]ecretAccessKey)["' ]{0,3}[=:]["' ]{0,3})[A-Za-z0-9/+]{30,64}`,
    ),
  },
  {
    name: 'github-token',
    what: 'GitHub tokens: ghp_…, gho_…, github_pat_…',
    pattern: /gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}/,
  },
  {
    name: 'slack-token',
    what: 'Slack tokens: xoxb-…, xapp-…',
    pattern: /xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}/,
  },
  {
    name: 'jwt',
    what: 'JSON Web Tokens: eyJ….eyJ….…',
    pattern: /eyJ[\w-]{8,4096}\.[\w-]{8,8192}(?:\.[\w-]{0,1024})?/,
  },
  { name: 'bearer', what: 'what follows `Bearer`', pattern: /(?<=\bbearer[ \t]{1,4})[\w.~+/=-]{8,4096}/i },
  {
    name: 'url-password',
    what: 'passwords in addresses: https://name:password@host',
    pattern: /(?<=:\/\/[^\s/@:"'\\]{1,64}:)[^\s/@"'\\]{1,128}(?=@)/,
  },
  {
    name: 'email',
    what: 'e-mail addresses',
    pattern: /[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}/,
  },
  {
    name: 'home',
    what: 'the name in /Users/NAME, /home/NAME, C:\\Users\\NAME',
    pattern: new RegExp(String.raw`${HOMES}[^\\/\s"'\x60<>|:;,*?()[\]{}]{1,64}`),
  },
  {
    name: 'ipv4',
    what: 'IPv4 addresses (a version such as 1.2.3.4 looks the same)',
    pattern: /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)/,
    optional: true,
  },
];

/**
 * A pattern for a plain text, found in capital and small letters.
 *
 * @throws TypeError if the text is empty
 * @example
 * wordPattern('Acme').pattern.test('for ACME only'); // true
 */
export function wordPattern(text: string, name = 'word'): RedactionPattern {
  if (text === '') throw new TypeError('Cannot redact an empty text: give at least one character');
  const literal = text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  return { name, what: 'a text given by the user', pattern: new RegExp(literal, 'iu') };
}

/**
 * A pattern for a regular expression (JavaScript's, without slashes; upper and lower case differ).
 *
 * @throws TypeError if it is no regular expression, matches the empty text, has a back reference, or repeats what repeats
 * (`(a+)+`) or what has alternatives (`(a|b)+`): such a pattern may need longer than anybody lives. Others may still be
 * slow: whoever takes patterns from strangers needs a limit of time
 * @example
 * customPattern('ACME-\\d{4}').pattern.test('see ACME-1234'); // true
 */
export function customPattern(source: string, name = 'pattern'): RedactionPattern {
  const pattern = compiled(source);
  if (pattern.test(''))
    throw new TypeError(`Cannot redact /${source}/: it matches the empty text, so it is everywhere`);
  const wild = wildness(source);
  if (wild !== undefined) throw new TypeError(`Cannot redact /${source}/: ${wild}`);
  return { name, what: 'a pattern given by the user', pattern, windowed: true };
}

function compiled(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    // Without the flag more is allowed: `\-`, a lone brace.
  }
  try {
    return new RegExp(source);
  } catch (error) {
    throw new TypeError(`Cannot redact /${source}/: ${(error as Error).message}`, { cause: error });
  }
}

interface Group {
  /** Something in it repeats, or may be left out. */
  varies: boolean;
  /** Something in it repeats without end. */
  endless: boolean;
  alternatives: boolean;
}

const QUANTIFIER = /[*+?]|\{(\d+)(,?)(\d*)\}/y;

/** Why the time of a pattern has no decent bound; `undefined` if it has one. Strict: it refuses some that are harmless. */
function wildness(source: string): string | undefined {
  const open: Group[] = [{ varies: false, endless: false, alternatives: false }];
  for (let i = 0; i < source.length;) {
    const inner = open[open.length - 1] as Group;
    const character = source[i] as string;
    let closed: Group | undefined;
    if (character === '\\') {
      if (/[1-9k]/.test(source[i + 1] ?? '')) return 'back references take too long';
      i += 2;
    } else if (character === '[') {
      i = afterClass(source, i);
    } else if (character === '(') {
      open.push({ varies: false, endless: false, alternatives: false });
      i += 1;
      if (source[i] === '?') i += 2;
      continue;
    } else if (character === ')') {
      if (open.length > 1) closed = open.pop();
      i += 1;
    } else {
      if (character === '|') inner.alternatives = true;
      i += 1;
    }
    const outer = open[open.length - 1] as Group;
    const { length, endless, most, varies } = quantifierAt(source, i);
    if (closed !== undefined && most > 1 && isTooMuch(closed, most)) {
      return 'a repetition of what repeats or has alternatives may take for ever; write it without the outer repetition';
    }
    outer.varies ||= varies || (closed?.varies ?? false);
    outer.endless ||= endless || (closed?.endless ?? false);
    outer.alternatives ||= closed?.alternatives ?? false;
    i += length;
  }
  return undefined;
}

/** Each repetition may double the time of what varies: so many are a thousand times, and no more are allowed. */
const MOST_VARYING = 10;

function isTooMuch(inner: Group, most: number): boolean {
  return inner.endless || (most > MOST_VARYING && (inner.varies || inner.alternatives));
}

function afterClass(source: string, from: number): number {
  let i = from + 1;
  while (i < source.length && source[i] !== ']') i += source[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** `most`: how often it repeats, 1 without a quantifier. */
function quantifierAt(source: string, at: number): { length: number; endless: boolean; most: number; varies: boolean } {
  QUANTIFIER.lastIndex = at;
  const found = QUANTIFIER.exec(source);
  if (found === null) return { length: 0, endless: false, most: 1, varies: false };
  const [text, least, comma, limit] = found;
  const lazy = source[at + text.length] === '?' ? 1 : 0;
  const endless = text === '*' || text === '+' || (comma === ',' && limit === '');
  const most = endless ? Infinity : text === '?' ? 1 : Number(comma === '' ? least : limit);
  return { length: text.length + lazy, endless, most, varies: text === '?' || endless || comma === ',' };
}

/** How much text is looked at at once, beside what stands before it. */
const STEP = 8192;
/** How much of what stands before it a lookbehind or `\b` sees. */
const CONTEXT = 1024;

/** Where a pattern matches, from the front, without overlaps. `each` gets the bounds. */
export function forEachMatch(
  { pattern, windowed }: RedactionPattern,
  text: string,
  each: (from: number, to: number) => void,
): void {
  const flags = pattern.flags.replace(/[gy]/g, '');
  const search = new RegExp(pattern.source, `${flags}g`);
  if (windowed !== true || text.length <= STEP + LONGEST_MATCH) {
    matchIn(search, text, 0, 0, text.length, each);
    return;
  }
  let done = 0;
  for (let start = 0; start < text.length; start += STEP) {
    const base = Math.max(0, start - CONTEXT);
    const window = text.slice(base, start + STEP + LONGEST_MATCH);
    done = matchIn(search, window, base, Math.max(start, done) - base, start + STEP - base, each);
  }
}

/** Matches that begin in `[from, before)` of a window; gives the end of the last one. */
function matchIn(
  search: RegExp,
  window: string,
  base: number,
  from: number,
  before: number,
  each: (from: number, to: number) => void,
): number {
  let end = base + from;
  search.lastIndex = from;
  for (let found = search.exec(window); found !== null && found.index < before; found = search.exec(window)) {
    if (found[0] === '') search.lastIndex++;
    else each(base + found.index, (end = base + found.index + found[0].length));
  }
  return end;
}
