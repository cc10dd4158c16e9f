/** CRC-32 as in gzip and PNG (polynomial 0xEDB88320, reflected), which Amazon's event streams carry twice a frame. */

/** What each byte does to the checksum; made at the first use, so that importing costs nothing. */
let table: Uint32Array | undefined;

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
}

/**
 * The checksum of `bytes[from, to)`, as an unsigned number.
 *
 * @example
 * crc32(new Uint8Array([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39])); // 0xcbf43926
 */
export function crc32(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  const step = (table ??= makeTable());
  let value = 0xffffffff;
  for (let i = from; i < to; i++) {
    value = (value >>> 8) ^ (step[(value ^ (bytes[i] as number)) & 0xff] as number);
  }
  return (value ^ 0xffffffff) >>> 0;
}
