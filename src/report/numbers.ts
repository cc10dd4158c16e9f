/** Numbers as a report writes them, the same in every locale. */

/** `12345` → `12,345`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Such as `1 event`, `2 events`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A duration: `0.4 ms`, `38 ms`, `1.25 s`, `2 min 3 s`; `-` where there is none. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Microseconds as milliseconds for a column: one decimal below 10, none above. */
export function column(us: number | undefined): string {
  if (us === undefined) return '';
  const ms = us / 1000;
  return ms !== 0 && Math.abs(ms) < 10 ? ms.toFixed(1) : grouped(Math.round(ms));
}

/** Such as `812 B`, `12.3 kB`, `1.2 MB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
