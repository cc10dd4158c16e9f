/** A real Chromium, where there is one: that of the system (Debian's package `chromium`), driven by playwright-core. */

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where it is; `undefined` if nowhere. The one that SSEMBLE_CHROMIUM names, and no other, if it is set. */
export const chromiumPath: string | undefined = [process.env['SSEMBLE_CHROMIUM'] ?? PATHS]
  .flat()
  .find((path) => existsSync(path));

if (chromiumPath === undefined) {
  const missing = 'no Chromium was found: install the package `chromium`, or name one in SSEMBLE_CHROMIUM';
  if (process.env['SSEMBLE_REQUIRE_BROWSER'] === '1') throw new Error(`SSEMBLE_REQUIRE_BROWSER is set, and ${missing}`);
  console.warn(`skipped: ${missing}`);
}

/** Starts it without a window, with an empty profile of its own, and with all that calls home switched off. */
export function launchChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('Cannot launch Chromium: there is none');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
