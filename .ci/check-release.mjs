#!/usr/bin/env node
/**
 * Asks whether this tree may be released under a tag: the tag is the version, the changelog has a dated section for it that
 * says something, and package.json names the repository that the provenance will name.
 *
 *     node .ci/check-release.mjs v0.1.0 [OWNER/REPOSITORY]
 *
 * Prints the section, to be the notes of the release. Exit code 1 with the reasons if it may not.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ROOT } from './packed.mjs';

/**
 * @typedef {object} Candidate
 * @property {string} tag
 * @property {string | undefined} repository - `owner/name`, as the machine that releases knows it; not asked if absent
 * @property {{ version: string, private?: boolean, repository?: string | { url: string } }} manifest
 * @property {string} changelog
 */

/**
 * @param {Candidate} candidate
 * @returns {{ problems: string[], notes: string }}
 */
export function judgeRelease({ tag, repository, manifest, changelog }) {
  const { version } = manifest;
  const notes = sectionOf(changelog, version);
  const url = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url;
  const problems = [];
  if (tag !== `v${version}`) problems.push(`The tag is ${tag}, and package.json says version ${version}`);
  if (manifest.private === true) problems.push('package.json says "private"');
  if (notes === undefined) problems.push(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`);
  else if (!/^- /m.test(notes)) problems.push(`CHANGELOG.md says nothing about ${version}`);
  if (url === undefined) problems.push('package.json names no repository, and provenance needs it');
  else if (repository !== undefined && !url.replace(/\.git$/, '').endsWith(`/${repository}`)) {
    problems.push(`package.json names the repository ${url}, and this is ${repository}`);
  }
  return { problems, notes: notes ?? '' };
}

/** What stands under the heading of a version. @param {string} changelog @param {string} version */
function sectionOf(changelog, version) {
  const lines = changelog.split('\n');
  const heading = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`);
  const start = lines.findIndex((line) => heading.test(line));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => /^(?:## |\[[^\]]+\]: )/.test(line));
  return lines
    .slice(start + 1, length < 0 ? undefined : start + 1 + length)
    .join('\n')
    .trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [tag, repository] = process.argv.slice(2);
  if (tag === undefined) {
    console.error('Usage: node .ci/check-release.mjs TAG [OWNER/REPOSITORY]');
    process.exit(2);
  }
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const { problems, notes } = judgeRelease({ tag, repository, manifest, changelog });
  for (const problem of problems) console.error(problem);
  if (problems.length === 0) console.log(notes);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
