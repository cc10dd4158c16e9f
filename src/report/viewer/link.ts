/** The address of an event: `#event=123`, `#stream=2&event=end`. It is kept as the reader goes, so that it can be copied. */

/** What an address names. Both count from 1. */
export interface Place {
  stream: number;
  /** `undefined`: not named. `Infinity`: the end. */
  event: number | undefined;
}

/** Reads the address. What makes no sense names nothing. */
export function placeInAddress(): Place {
  const fields = new URLSearchParams(location.hash.slice(1));
  const event = fields.get('event');
  return {
    stream: whole(fields.get('stream')) ?? 1,
    event: event === 'end' ? Infinity : whole(event),
  };
}

/** Writes the address, without a step in the history: Back leaves the report, as anybody would think. */
export function keepInAddress(stream: number, event: string): void {
  const hash = `#${stream > 1 ? `stream=${stream}&` : ''}event=${event}`;
  if (location.hash === hash) return;
  try {
    history.replaceState(null, '', hash);
  } catch {
    // A browser that forbids it for files, or so many in a second: the address lags behind, nothing else does.
  }
}

function whole(text: string | null): number | undefined {
  return text !== null && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined;
}
