/** The checksum of a page: CRC-32 as gzip has it. */
const polynomial = 0xedb88320;

const table = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let word = byte;
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ polynomial : word >>> 1;
  return word;
});

/** Of these bytes, from 0 to 2³² − 1. */
export function crc32(bytes: Uint8Array): number {
  let word = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) word = table[(word ^ bytes[i]!) & 0xff]! ^ (word >>> 8);
  return ~word >>> 0;
}
