/** Recording what is not asked through us: the output of a command, or standard input. It is passed on as it comes. */

import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { CaptureEnding } from '../../capture/format.ts';
import { CaptureRecorder, type RecorderOptions } from '../../capture/recorder.ts';
import { findSecrets } from '../../capture/secrets.ts';
import type { Call } from '../command.ts';
import { CLEAN, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { InputError, inputError } from '../input.ts';
import { UsageError } from '../usage.ts';
import { CaptureFile } from './capture-file.ts';

/** How long after Ctrl-C the command may take. The program itself is given a second. */
const PATIENCE_MS = 500;

/** What both ways of recording need. */
export interface PassingSettings {
  call: Call;
  /** The capture's file; `-` is standard output, which then gets nothing else. */
  output: string;
  secrets: readonly string[];
  tool: string;
}

/** Records standard input until its end. Gives the exit code. */
export async function recordInput(settings: PassingSettings): Promise<number> {
  const { stdin, interrupt } = settings.call.world;
  if (stdin.isFile && settings.output !== '-') await refuseSame(stdin.stream, settings.output);
  // The bytes of a file have no times; its pieces are a choice of ours.
  const source = stdin.isFile ? { source: { kind: 'sse', chunks: 'made' } as const, timed: false } : {};
  const tape = new Tape(settings, source);
  const stop = (): void => void stdin.stream.destroy();
  if (interrupt.aborted) stop();
  interrupt.addEventListener('abort', stop, { once: true });
  const failure = await passOn(stdin.stream, tape).finally(() => interrupt.removeEventListener('abort', stop));
  if (interrupt.aborted || tape.unheard) return tape.end('abort', undefined, interrupt.aborted ? INTERRUPTED : CLEAN);
  if (failure === undefined) return tape.end('eof', undefined, CLEAN);
  await tape.end('reset', failure, INPUT_OUTPUT);
  throw inputError('standard input', failure);
}

/** `record -o x < x` would be the end of x. */
async function refuseSame(stream: Readable, output: string): Promise<void> {
  const { fd } = stream as { fd?: unknown };
  if (typeof fd !== 'number') return;
  const [input, there] = [fstatSync(fd), await stat(output).catch(() => undefined)];
  if (there === undefined || there.ino !== input.ino || there.dev !== input.dev) return;
  throw new UsageError('Cannot write over the input', 'Give another file with `-o NAME.capture.jsonl`.');
}

/** Runs a command and records its standard output. Gives its exit code. */
export async function recordCommand(settings: PassingSettings, command: readonly string[]): Promise<number> {
  const [program = '', ...args] = command;
  const { env, interrupt } = settings.call.world;
  const secrets = [...settings.secrets, ...secretsOfArguments(args)];
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'inherit'], env: { ...env } });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(cannotRun(program, cause)));
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  });
  // Looked at below, when the output has been read; until then nobody waits for it.
  ended.catch(() => undefined);
  const tape = new Tape(
    { ...settings, secrets },
    { source: { kind: 'command', name: basename(program), chunks: 'recorded' } },
  );
  const stop = (): void => {
    child.kill('SIGINT');
    // A command that does not listen must not keep the capture from its last line.
    setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS).unref();
  };
  if (interrupt.aborted) stop();
  interrupt.addEventListener('abort', stop, { once: true });
  await passOn(child.stdout, tape);
  if (tape.unheard) child.kill('SIGTERM');
  const code = await ended.finally(() => interrupt.removeEventListener('abort', stop));
  if (interrupt.aborted || tape.unheard) return tape.end('abort', undefined, interrupt.aborted ? INTERRUPTED : CLEAN);
  const failed = code === 0 ? undefined : `${basename(program)} exited with ${code}`;
  return tape.end(endingOf(basename(program), code), failed, code);
}

/** Chunk by chunk as they come: an iterator would join those that wait. Gives what broke it, if anything did. */
function passOn(stream: Readable, tape: Tape): Promise<unknown> {
  return new Promise((resolve) => {
    stream.on('data', (chunk: Uint8Array) => {
      stream.pause();
      void tape.take(chunk).then((heard) => (heard ? stream.resume() : stream.destroy()));
    });
    stream.once('error', resolve);
    stream.once('end', () => resolve(undefined));
    stream.once('close', () => resolve(undefined));
  });
}

/** curl says with 28 that time ran out. */
function endingOf(program: string, code: number): CaptureEnding {
  if (code === 0) return 'eof';
  return program === 'curl' && code === 28 ? 'timeout' : 'reset';
}

/** Passes chunks on and writes them down. */
class Tape {
  readonly #file: CaptureFile | undefined;
  readonly #recorder: CaptureRecorder;
  readonly #call: Call;

  constructor({ call, output, secrets, tool }: PassingSettings, options: Pick<RecorderOptions, 'source' | 'timed'>) {
    this.#call = call;
    this.#file = output === '-' ? undefined : new CaptureFile(output);
    const write = this.#file?.write ?? ((line: string): void => call.world.stdout.writeBytes(Buffer.from(line)));
    this.#recorder = new CaptureRecorder({ write, secrets, tool, now: call.world.now, ...options });
  }

  /** Whether whoever reads our output went away. */
  get unheard(): boolean {
    return this.#call.world.stdout.closed;
  }

  /** Gives `false` if no more is wanted. */
  async take(chunk: Uint8Array): Promise<boolean> {
    const { stdout } = this.#call.world;
    if (this.#file !== undefined) stdout.writeBytes(chunk);
    this.#recorder.chunk(chunk);
    await stdout.drained();
    await this.#file?.drained();
    return !this.unheard;
  }

  /** @throws InputError if the file could not be written */
  async end(end: CaptureEnding, error: unknown, code: number): Promise<number> {
    this.#recorder.end(end, error);
    await this.#file?.finished();
    if (this.#file?.failure !== undefined) throw this.#file.failure;
    return code;
  }
}

/** Options of curl and its kin whose argument is a secret, and whose names do not say so. */
const SECRET_OPTIONS: ReadonlySet<string> = new Set(['u', 'user', 'b', 'U', 'proxy-user']);

/** `name: value`, `name=value`, with the dashes of an option before it or `-H` in one word with it. */
const NAMED = /^(?:-H|-{1,2}header=)?-{0,2}([\w-]+)\s*[:=]\s*(.+)$/s;

/**
 * What a command line says in the open, its output may quote: `-H 'x-api-key: …'`, `--api-key=…`, `--password …`,
 * `-u name:password`, fields of JSON, URLs. Names decide.
 */
function secretsOfArguments(args: readonly string[]): string[] {
  const pairs = args.flatMap((arg, i): [string, string][] => {
    const [, name = '', value = ''] = NAMED.exec(arg) ?? [];
    const [, option = ''] = /^-{1,2}([\w-]+)$/.exec(args[i - 1] ?? '') ?? [];
    const found: [string, string][] = [
      [name, value],
      [option, arg],
    ];
    if (SECRET_OPTIONS.has(option)) found.push(...secretsOfUser(arg));
    if (SECRET_OPTIONS.has(name)) found.push(...secretsOfUser(value));
    if (/^-[uUb]./.test(arg)) found.push(...secretsOfUser(arg.slice(2)));
    for (const [, field = '', text = ''] of arg.matchAll(JSON_FIELD)) found.push([field, text]);
    return found;
  });
  return [...findSecrets(pairs), ...args.flatMap((arg) => findSecrets([], arg))];
}

const JSON_FIELD = /"([^"\\]{1,200})"\s{0,9}:\s{0,9}"((?:[^"\\]|\\.)*)"/g;

/** `name:password`, or `name=value; …` of cookies; anything else belongs to an option of another program. */
function secretsOfUser(text: string): [name: string, value: string][] {
  if (!/[:=]/.test(text)) return [];
  return [
    ['auth', text],
    ['auth', text.slice(text.indexOf(':') + 1)],
    ['cookie', text],
  ];
}

function cannotRun(program: string, cause: NodeJS.ErrnoException): InputError {
  const reasons: Record<string, string> = { ENOENT: 'there is no such command', EACCES: 'permission denied' };
  return new InputError(`Cannot run ${program}: ${reasons[cause.code ?? ''] ?? cause.message}`, { cause });
}
