/** What the tests of recipes share: a user's project, a server that stands for the API, and programs that run in it. */

import { afterAll, afterEach, test, type TestContext } from 'vitest';
import { makeProject, RECIPES, run, type Project, type Running } from './recipes.ts';
import { serve as serveAnswer } from './serving.ts';
import { KEY } from './transports.ts';
import type { Answer, WireServer } from './wire-server.ts';

export const project: Project = await makeProject();
afterAll(project.dispose);

/** The one of the test that runs. */
export let server: WireServer;

const running: Running[] = [];
afterEach(() => {
  for (const { kill } of running.splice(0)) kill('SIGKILL');
});

export async function serve(answer: Answer): Promise<void> {
  server = await serveAnswer(answer);
}

/** Runs a recipe. */
export function go(file: string, env: Record<string, string> = {}): Running {
  return launch(file.endsWith('.sh') ? ['sh', file] : [process.execPath, file], env);
}

export function launch(command: readonly string[], env: Record<string, string> = {}): Running {
  const child = run(command, project.folder, { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, ...env });
  running.push(child);
  return child;
}

/** The titles of the recipes that have a test in this file. */
export const ran: string[] = [];

/** The test of a recipe has its title. */
export function recipe(title: string, check: (file: string, context: TestContext) => Promise<void>): void {
  const found = RECIPES.find((one) => one.title === title);
  if (found === undefined) throw new Error(`there is no recipe "${title}"`);
  ran.push(title);
  test(title, (context) => check(found.file, context));
}

/** What stands for a question in a request. */
export const asked = (question: string): unknown => [{ role: 'user', content: question }];
