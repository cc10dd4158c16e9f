/** Options that several commands have. */

import type { Option } from './command.ts';

/** For the commands that read a stream and tell what was wrong with it. */
export const FAIL_ON: Option = {
  name: 'fail-on',
  choices: ['error', 'warning'],
  summary: 'exit 1 if there is a finding at least this bad (default: error)',
};
