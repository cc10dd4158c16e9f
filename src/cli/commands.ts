/** Every command, in the order in which help lists them. The first is the default. */

import type { Command } from './command.ts';
import { CONVERT } from './commands/convert.ts';
import { DIFF } from './commands/diff.ts';
import { EVENTS } from './commands/events.ts';
import { EXPLAIN } from './commands/explain.ts';
import { LINT } from './commands/lint.ts';
import { MESSAGE } from './commands/message.ts';
import { RECORD } from './commands/record.ts';
import { REDACT } from './commands/redact.ts';
import { REPLAY } from './commands/replay.ts';
import { REPORT } from './commands/report.ts';
import { STATS } from './commands/stats.ts';
import { VIEW } from './commands/view.ts';

/** The table of commands. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  VIEW,
  EVENTS,
  MESSAGE,
  LINT,
  EXPLAIN,
  STATS,
  DIFF,
  RECORD,
  REPLAY,
  CONVERT,
  REDACT,
  REPORT,
];
