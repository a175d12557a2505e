/**
 * Unpacks LZMA with its usual parameters (lc 3, lp 0, pb 2), which is a fifth smaller than deflate on code of WebAssembly. In WebAssembly
 * itself, because it runs once: as JavaScript it would be over before V8 had compiled it. Source: Pavlov, LZMA specification.
 */

/** Where each kind of decision has its chances, 16 bits each, that the next bit is 0. */
const isMatch: i32 = 0;
const isRepeat: i32 = 48;
const isLater: i32 = 60;
const isLaterStill: i32 = 72;
const isLast: i32 = 84;
const isLong: i32 = 96;
const slots: i32 = 144;
const distances: i32 = 400;
const alignment: i32 = 515;
const lengths: i32 = 531;
const repeatLengths: i32 = 1045;
const literals: i32 = 1559;
const all: i32 = literals + 0x300 * 8;

let range: u32 = 0xffffffff;
let code: u32 = 0;
let next: i32 = 0;

function normalize(): void {
  if (range >= 0x1000000) return;
  range <<= 8;
  code = (code << 8) | load<u8>(next++);
}

function bit(at: i32): i32 {
  const chance = <u32>load<u16>(at << 1);
  const bound = (range >>> 11) * chance;
  const one = code >= bound;
  if (one) {
    range -= bound;
    code -= bound;
    store<u16>(at << 1, chance - (chance >>> 5));
  } else {
    range = bound;
    store<u16>(at << 1, chance + ((2048 - chance) >>> 5));
  }
  normalize();
  return i32(one);
}

function tree(at: i32, bits: i32): i32 {
  let node = 1;
  for (let i = 0; i < bits; i++) node = 2 * node + bit(at + node);
  return node - (1 << bits);
}

function reversed(at: i32, bits: i32): i32 {
  let node = 1;
  let value = 0;
  for (let i = 0; i < bits; i++) {
    const b = bit(at + node);
    node = 2 * node + b;
    value += b << i;
  }
  return value;
}

function length(at: i32, place: i32): i32 {
  if (!bit(at)) return 2 + tree(at + 2 + 8 * place, 3);
  return bit(at + 1) ? 18 + tree(at + 258, 8) : 10 + tree(at + 130 + 8 * place, 3);
}

/** How far back, less 1. */
function distance(size: i32): i32 {
  const slot = tree(slots + 64 * min(size - 2, 3), 6);
  if (slot < 4) return slot;
  let bits = (slot >> 1) - 1;
  let far = (2 + (slot & 1)) << bits;
  if (slot < 14) return far + reversed(distances + far - slot, bits);
  // Bits that are as often 0 as 1.
  while (bits > 4) {
    range >>>= 1;
    bits--;
    if (code >= range) {
      code -= range;
      far += 1 << bits;
    }
    normalize();
  }
  return far + reversed(alignment, 4);
}

/**
 * The bytes of a .lzma file at `packed`, `size` of them unpacked at `out`; both behind the first 16 KB of a fresh memory, which hold the
 * chances.
 */
export function unpack(packed: i32, out: i32, size: i32): void {
  for (let i = 0; i < all; i++) store<u16>(i << 1, 1024);
  // A byte of parameters, the dictionary's size, the size unpacked; then a 0 and the code.
  code = bswap<u32>(load<u32>(packed + 14));
  next = packed + 18;
  // How far back the last four matches were, the newest first.
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let state = 0;
  for (let at = out; at < out + size; ) {
    const place = (at - out) & 3;
    const early = state < 7;
    if (!bit(isMatch + 4 * state + place)) {
      const tree = literals + 0x300 * (at === out ? 0 : load<u8>(at - 1) >> 5);
      let symbol = 1;
      // Behind a match: what stands where it would have gone on is not the next byte, but often like it.
      for (let near = early ? 0 : <i32>load<u8>(at - first - 1); !early && symbol < 256; near <<= 1) {
        const expected = (near >> 7) & 1;
        const b = bit(tree + ((1 + expected) << 8) + symbol);
        symbol = 2 * symbol + b;
        if (b !== expected) break;
      }
      while (symbol < 256) symbol = 2 * symbol + bit(tree + symbol);
      store<u8>(at++, symbol);
      state = state < 4 ? 0 : state - (state < 10 ? 3 : 6);
      continue;
    }
    let count = 1;
    if (!bit(isRepeat + state)) {
      fourth = third;
      third = second;
      second = first;
      count = length(lengths, place);
      first = distance(count);
      state = early ? 7 : 10;
    } else {
      let short = false;
      if (!bit(isLater + state)) {
        short = !bit(isLong + 4 * state + place);
      } else {
        let far = second;
        if (bit(isLaterStill + state)) {
          far = third;
          if (bit(isLast + state)) {
            far = fourth;
            fourth = third;
          }
          third = second;
        }
        second = first;
        first = far;
      }
      if (!short) count = length(repeatLengths, place);
      state = early ? (short ? 9 : 8) : 11;
    }
    for (const end = at + count; at < end; at++) store<u8>(at, load<u8>(at - first - 1));
  }
}
