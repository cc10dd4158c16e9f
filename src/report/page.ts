/**
 * The page of a report: one file, no request, opened from a disk.
 *
 * Everything that came over the network sits in one `<script type="application/json">`, in which no `<` is left, so no
 * byte of a stream can end it. The policy allows the one script and the one style sheet by their hashes, forbids every
 * request, and forbids making HTML out of strings: the page can set text, and nothing else.
 */

import type { ReportData } from './data.ts';
import { sha256Base64 } from './sha256.ts';

/** What a page is made of. */
export interface PageParts {
  /** The page's script (`dist/report/viewer.js`). */
  viewer: string;
  /** Its style sheet (`dist/report/viewer.css`). */
  style: string;
  data: ReportData;
}

/** The id of the element that holds the data. */
export const DATA_ID = 'report-data';

// `<` could end the script or begin a comment in it; U+2028 and U+2029 end lines in old scripts; DEL and C1 are what
// terminals obey, and the page may be printed on one; U+FEFF at a border of the file is eaten as a mark.
const UNSAFE = /[<\u007f-\u009f\u2028\u2029\ufeff]/g;

/**
 * JSON that may stand between `<script>` and `</script>`: the same value, in which no character means anything to HTML.
 *
 * @example
 * embedJson({ text: '</script>' }); // '{"text":"\\u003c/script>"}'
 */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Makes the page.
 *
 * @throws TypeError if the script or the style sheet would end the element it stands in
 * @example
 * const data = { report: 'ssemble' as const, version: 1 as const, tool: 'ssemble/0.1.0', streams: [] };
 * reportPage({ viewer: 'start()', style: 'body{}', data }).startsWith('<!doctype html>'); // true
 */
export function reportPage({ viewer, style, data }: PageParts): string {
  if (/<\/script|<!--/i.test(viewer)) throw new TypeError('Cannot make a page: the viewer holds </script or <!--');
  if (/<\/style/i.test(style)) throw new TypeError('Cannot make a page: the style sheet holds </style');
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${sha256Base64(viewer)}'`,
    `style-src 'sha256-${sha256Base64(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${escapeHtml(data.tool)}">
<title>${escapeHtml(titleOf(data))}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This report is drawn by the script inside it: allow scripts for this file.</noscript>
<script type="application/json" id="${DATA_ID}">${embedJson(data)}</script>
<script>${viewer}</script>
</body>
</html>
`;
}

function titleOf({ streams }: ReportData): string {
  const first = streams[0]?.name ?? 'no stream';
  const more = streams.length > 1 ? ` and ${streams.length - 1} more` : '';
  return `${first}${more} · ssemble report`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// oxlint-disable-next-line no-control-regex
const NOT_TEXT = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

function escapeHtml(text: string): string {
  return text.replace(NOT_TEXT, '\ufffd').replace(/[&<>"]/g, (character) => ENTITIES[character] as string);
}
