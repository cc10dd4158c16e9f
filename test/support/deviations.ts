/** The deviation table as data, whole. */

import type { Deviation } from './deviation.ts';
import { CONTENT_DEVIATIONS } from './deviations-content.ts';
import { MESSAGE_DEVIATIONS } from './deviations-message.ts';

export const DEVIATIONS: readonly Deviation[] = [...MESSAGE_DEVIATIONS, ...CONTENT_DEVIATIONS];
