/** How a version is released: what `.ci/check-release.mjs` lets through, what the workflows run, what CONTRIBUTING.md says. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Candidate {
  tag: string;
  repository?: string;
  manifest: { version: string; private?: boolean; repository?: string | { url: string } };
  changelog: string;
}

const script = join(ROOT, '.ci/check-release.mjs');
const { judgeRelease } = (await import(/* @vite-ignore */ script)) as {
  judgeRelease: (candidate: Candidate) => { problems: string[]; notes: string };
};

const GOOD: Candidate = {
  tag: 'v1.2.3',
  repository: 'someone/ssemble',
  manifest: { version: '1.2.3', repository: { url: 'git+https://github.com/someone/ssemble.git' } },
  changelog:
    '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-21\n\n### Added\n\n- A thing.\n\n## [1.2.2] - 2026-11-01\n\n- Old.\n',
};

describe('a release', () => {
  test('with tag, section and repository is let through, with its section as notes', () => {
    expect(judgeRelease(GOOD)).toEqual({ problems: [], notes: '### Added\n\n- A thing.' });
  });

  test.each<[string, Partial<Candidate>, string]>([
    ['a tag of another version', { tag: 'v1.2.4' }, 'The tag is v1.2.4, and package.json says version 1.2.3'],
    ['a tag without its v', { tag: '1.2.3' }, 'The tag is 1.2.3, and package.json says version 1.2.3'],
    [
      'no section',
      { changelog: '## [Unreleased]\n\n- A thing.\n' },
      'CHANGELOG.md has no section "## [1.2.3] - YYYY-MM-DD"',
    ],
    [
      'a section without its date',
      { changelog: '## [1.2.3]\n\n- A thing.\n' },
      'CHANGELOG.md has no section "## [1.2.3] - YYYY-MM-DD"',
    ],
    [
      'an empty section',
      { changelog: '## [1.2.3] - 2026-11-21\n\n## [1.2.2] - 2026-11-01\n\n- Old.\n' },
      'CHANGELOG.md says nothing about 1.2.3',
    ],
    ['no repository', { manifest: { version: '1.2.3' } }, 'package.json names no repository, and provenance needs it'],
    [
      'another repository',
      { repository: 'fork/ssemble' },
      'package.json names the repository git+https://github.com/someone/ssemble.git, and this is fork/ssemble',
    ],
    ['a private package', { manifest: { ...GOOD.manifest, private: true } }, 'package.json says "private"'],
  ])('%s is held back', (_, change, problem) => {
    expect(judgeRelease({ ...GOOD, ...change }).problems).toEqual([problem]);
  });
});

describe('workflows', () => {
  const folder = join(ROOT, '.github/workflows');
  const workflows = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);

  test.each(workflows)('%s runs other people’s code by its commit only', (_, text) => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, what]) => what);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((what) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what ?? ''))).toEqual([]);
  });

  test.each(workflows)('%s runs scripts that are there', (_, text) => {
    const scripts = [...text.matchAll(/(?:^|\s)(\.ci\/[\w.-]+)/gm)].map(([, path]) => path);
    expect(
      scripts.filter((path) => !readdirSync(join(ROOT, '.ci')).includes((path ?? '').slice('.ci/'.length))),
    ).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');

  test('names files that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|fixtures|\.ci|\.github)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(20);
    // `NAME` stands for what the reader adds.
    expect(named.filter((path) => !path.includes('NAME') && !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('names scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...text.matchAll(/`npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
