// Convolutions whose groups have one channel each: a plane is staged (stage.ts), and its results are made piece by piece, 8 or 4 neighbours of a row at a time. The
// last piece of a row overlaps the one before it, so that nothing is masked. `at`:
//  0 size, 3 stride, 6 place of the first element, 9 rows of a staged plane, 12 positions, each depth, height, width,
// 15 images staged together, all images, planes of a channel, bytes of each,
// 19 elements of an image of what is staged, and of what is on the other side,
// 21 the other side's size, 24 the steps between a phase's results,
// 27 phases, phases along a row,
// 29 the remainders that are staged, three words each; then what is a kernel's own.
import { interleaveRows } from "./convolve";
import { lanes, madd, splat } from "./simd";
import { copyRow, firstInside, gatherRow, word } from "./stage";

const OWN = 29;

// @ts-ignore: decorator
@inline
function product(at: usize): i32 {
  return word(at, 0) * word(at, 1) * word(at, 2);
}

/** One channel of some images: what is not written is 0 from before, for all channels have their zeros at the same places. */
function stagePlane(to: usize, x: usize, here: i32, at: usize): void {
  const depth = word(at, 0);
  const height = word(at, 1);
  const width = word(at, 2);
  const strideD = word(at, 3);
  const strideH = word(at, 4);
  const strideW = word(at, 5);
  const rowBytes = <usize>word(at, 11) << 2;
  const image = <usize>word(at, 19) << 2;
  for (let p = 0; p < word(at, 17); p++, to += <usize>word(at, 18)) {
    const remainder = at + (<usize>(OWN + 3 * p) << 2);
    const startD = word(remainder, 0) - word(at, 6);
    const startH = word(remainder, 1) - word(at, 7);
    const startW = word(remainder, 2) - word(at, 8);
    const firstD = firstInside(startD, strideD);
    const lastD = min(word(at, 9), startD >= depth ? 0 : (depth - 1 - startD) / strideD + 1);
    const firstH = firstInside(startH, strideH);
    const lastH = min(word(at, 10), startH >= height ? 0 : (height - 1 - startH) / strideH + 1);
    const firstW = firstInside(startW, strideW);
    const count = min(word(at, 11), startW >= width ? 0 : (width - 1 - startW) / strideW + 1) - firstW;
    if (count <= 0) continue;
    for (let i = 0; i < here; i++) {
      for (let d = firstD; d < lastD; d++) {
        let target = to + <usize>((i * word(at, 9) + d) * word(at, 10) + firstH) * rowBytes + (<usize>firstW << 2);
        const row = ((startD + d * strideD) * height + startH + firstH * strideH) * width + startW + firstW * strideW;
        let from = x + <usize>i * image + (<usize>row << 2);
        const step = <usize>(strideH * width) << 2;
        for (let h = firstH; h < lastH; h++, target += rowBytes, from += step) gatherRow(target, from, count, strideW);
      }
    }
  }
}

/** Four pieces of 8: c = bias + Σ weight · x, over taps of (place, place in the weight). */
function pieces8(
  c0: usize, c1: usize, c2: usize, c3: usize, x0: usize, x1: usize, x2: usize, x3: usize, taps: usize, count: i32, weight: usize, bias: f32,
): void {
  let a0 = splat(bias);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let d0 = a0;
  let d1 = a0;
  let e0 = a0;
  let e1 = a0;
  const end = taps + (<usize>count << 3);
  for (; taps < end; taps += 8) {
    const at = <usize>load<i32>(taps);
    const s = v128.load32_splat(weight + <usize>load<i32>(taps, 4));
    const p = x0 + at;
    a0 = madd(s, v128.load(p), a0);
    a1 = madd(s, v128.load(p, 16), a1);
    const q = x1 + at;
    b0 = madd(s, v128.load(q), b0);
    b1 = madd(s, v128.load(q, 16), b1);
    const r = x2 + at;
    d0 = madd(s, v128.load(r), d0);
    d1 = madd(s, v128.load(r, 16), d1);
    const t = x3 + at;
    e0 = madd(s, v128.load(t), e0);
    e1 = madd(s, v128.load(t, 16), e1);
  }
  v128.store(c0, a0);
  v128.store(c0, a1, 16);
  v128.store(c1, b0);
  v128.store(c1, b1, 16);
  v128.store(c2, d0);
  v128.store(c2, d1, 16);
  v128.store(c3, e0);
  v128.store(c3, e1, 16);
}

/** Four pieces of 4. */
function pieces4(
  c0: usize, c1: usize, c2: usize, c3: usize, x0: usize, x1: usize, x2: usize, x3: usize, taps: usize, count: i32, weight: usize, bias: f32,
): void {
  let a = splat(bias);
  let b = a;
  let d = a;
  let e = a;
  const end = taps + (<usize>count << 3);
  for (; taps < end; taps += 8) {
    const at = <usize>load<i32>(taps);
    const s = v128.load32_splat(weight + <usize>load<i32>(taps, 4));
    a = madd(s, v128.load(x0 + at), a);
    b = madd(s, v128.load(x1 + at), b);
    d = madd(s, v128.load(x2 + at), d);
    e = madd(s, v128.load(x3 + at), e);
  }
  v128.store(c0, a);
  v128.store(c1, b);
  v128.store(c2, d);
  v128.store(c3, e);
}

/** Pieces of a channel of as many images as are staged together: the place of each in the staged planes, and in a layout of results. Gives how many an image has. */
function listPieces(list: usize, at: usize, length: i32, image: i32, plane: i32, row: i32): i32 {
  const width = word(at, 14);
  let n = 0;
  for (let i = 0; i < word(at, 15); i++) {
    for (let d = 0; d < word(at, 12); d++) {
      for (let h = 0; h < word(at, 13); h++) {
        const from = ((i * word(at, 9) + d) * word(at, 10) + h) * word(at, 11);
        const to = i * image + d * plane + h * row;
        for (let w = 0; w < width; w += length, n++, list += 8) {
          const first = max(0, min(w, width - length));
          store<i32>(list, (from + first) << 2);
          store<i32>(list, (to + first) << 2, 4);
        }
      }
    }
  }
  return n / word(at, 15);
}

// Words of a phase: taps, the first result along each axis, results along each axis; for each tap its place in the staged planes and in the weight, in bytes.
const PHASE = 7;

/** Results of all phases next to each other, to where they go in a channel of y. */
function spreadResults(y: usize, results: usize, phaseBytes: usize, pitch: i32, here: i32, phases: usize, at: usize): void {
  const along = word(at, 28);
  const width = word(at, 23);
  const step = word(at, 26);
  const image = word(at, 12) * word(at, 13) * pitch;
  let phase = phases;
  for (let f = 0; f < word(at, 27); f += along) {
    for (let i = 0; i < here; i++) {
      for (let d = 0; d < word(phase, 4); d++) {
        for (let h = 0; h < word(phase, 5); h++) {
          const from = results + (<usize>(i * image + (d * word(at, 13) + h) * pitch) << 2);
          const yd = d * word(at, 24) + word(phase, 1);
          const yh = h * word(at, 25) + word(phase, 2);
          let to = y + (<usize>(i * word(at, 20) + (yd * word(at, 22) + yh) * width) << 2);
          let other = phase;
          if (step == 1) copyRow(to, from, word(phase, 6));
          else if (step == 2 && along == 2) {
            other += <usize>(PHASE + 2 * word(other, 0)) << 2;
            interleaveRows(to, from, from + phaseBytes, word(phase, 6), word(other, 6));
          } else {
            for (let w = 0; w < along; w++, to += 4) {
              const source = from + <usize>w * phaseBytes;
              for (let j = 0; j < word(other, 6); j++) store<i32>(to + (<usize>(j * step) << 2), load<i32>(source + (<usize>j << 2)));
              other += <usize>(PHASE + 2 * word(other, 0)) << 2;
            }
          }
        }
      }
    }
    results += <usize>along * phaseBytes;
    for (let w = 0; w < along; w++) phase += <usize>(PHASE + 2 * word(phase, 0)) << 2;
  }
}

/** y = bias + Σ over taps of weight · x, for channels [from, to) of blocks [first, end) of images; bias 0: none. */
export function depthwise(y: usize, x: usize, weight: usize, bias: usize, scratch: usize, from: i32, to: i32, first: i32, end: i32, taps: i32, at: usize): void {
  const width = word(at, 14);
  const block = word(at, 15);
  const phases = at + (<usize>(OWN + 3 * word(at, 17)) << 2);
  const length = width >= 8 ? 8 : 4;
  const direct = word(at, 27) == 1 && word(at, 24) * word(at, 25) * word(at, 26) == 1 && width >= 4;
  const pitch = max(4, width);
  const sizeY = product(at + 84);
  const sizeX = product(at);
  const results = word(at, 12) * word(at, 13) * pitch;
  const phaseBytes = <usize>(block * results) << 2;

  const list = scratch;
  const each = direct ? listPieces(list, at, length, word(at, 20), word(at, 22) * word(at, 23), word(at, 23)) : listPieces(list, at, length, results, word(at, 13) * pitch, pitch);
  const made = list + (<usize>(each * block) << 3);
  const staged = (direct ? made : made + <usize>word(at, 27) * phaseBytes) + 15 & ~15;
  memory.fill(staged, 0, <usize>word(at, 17) * <usize>word(at, 18));
  for (let b = first; b < end; b++) {
    const image = b * block;
    const here = min(block, word(at, 16) - image);
    // The images of before, after the last.
    if (here < block) memory.fill(staged, 0, <usize>word(at, 17) * <usize>word(at, 18));
    const last = <usize>(each * here - 1) << 3;
    for (let c = from; c < to; c++) {
      stagePlane(staged, x + (<usize>(image * word(at, 19) + c * sizeX) << 2), here, at);
      const target = y + (<usize>(image * word(at, 20) + c * sizeY) << 2);
      const weights = weight + (<usize>(c * taps) << 2);
      const start: f32 = bias == 0 ? 0 : load<f32>(bias + (<usize>c << 2));
      let phase = phases;
      for (let f = 0; f < word(at, 27); f++) {
        const count = word(phase, 0);
        const own = phase + (PHASE << 2);
        const base = direct ? target : made + <usize>f * phaseBytes;
        for (let q: usize = 0; q <= last; q += 32) {
          const l0 = list + q;
          const l1 = list + min(q + 8, last);
          const l2 = list + min(q + 16, last);
          const l3 = list + min(q + 24, last);
          const c0 = base + <usize>load<i32>(l0, 4);
          const c1 = base + <usize>load<i32>(l1, 4);
          const c2 = base + <usize>load<i32>(l2, 4);
          const c3 = base + <usize>load<i32>(l3, 4);
          const x0 = staged + <usize>load<i32>(l0);
          const x1 = staged + <usize>load<i32>(l1);
          const x2 = staged + <usize>load<i32>(l2);
          const x3 = staged + <usize>load<i32>(l3);
          if (length == 8) pieces8(c0, c1, c2, c3, x0, x1, x2, x3, own, count, weights, start);
          else pieces4(c0, c1, c2, c3, x0, x1, x2, x3, own, count, weights, start);
        }
        phase = own + (<usize>count << 3);
      }
      if (!direct) spreadResults(target, made, phaseBytes, pitch, here, phases, at);
    }
  }
}

/** sums (4 taps × 8 lanes) += gradient · x, over pieces of 8 of (place in the staged planes, place in the gradient). */
function sums8(sums: usize, x: usize, g: usize, list: usize, end: usize, taps: usize): void {
  const x0 = x + <usize>load<i32>(taps);
  const x1 = x + <usize>load<i32>(taps, 4);
  const x2 = x + <usize>load<i32>(taps, 8);
  const x3 = x + <usize>load<i32>(taps, 12);
  let a0 = v128.load(sums);
  let a1 = v128.load(sums, 16);
  let b0 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let c0 = v128.load(sums, 64);
  let c1 = v128.load(sums, 80);
  let d0 = v128.load(sums, 96);
  let d1 = v128.load(sums, 112);
  for (; list < end; list += 8) {
    const at = <usize>load<i32>(list);
    const from = g + <usize>load<i32>(list, 4);
    const s = v128.load(from);
    const t = v128.load(from, 16);
    const p = x0 + at;
    a0 = madd(s, v128.load(p), a0);
    a1 = madd(t, v128.load(p, 16), a1);
    const q = x1 + at;
    b0 = madd(s, v128.load(q), b0);
    b1 = madd(t, v128.load(q, 16), b1);
    const r = x2 + at;
    c0 = madd(s, v128.load(r), c0);
    c1 = madd(t, v128.load(r, 16), c1);
    const u = x3 + at;
    d0 = madd(s, v128.load(u), d0);
    d1 = madd(t, v128.load(u, 16), d1);
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
}

/** The same over pieces of 4, up to `fours`, and over single positions. */
function sums4(sums: usize, x: usize, g: usize, list: usize, fours: usize, single: usize, end: usize, taps: usize): void {
  const x0 = x + <usize>load<i32>(taps);
  const x1 = x + <usize>load<i32>(taps, 4);
  const x2 = x + <usize>load<i32>(taps, 8);
  const x3 = x + <usize>load<i32>(taps, 12);
  let a = v128.load(sums);
  let b = v128.load(sums, 32);
  let c = v128.load(sums, 64);
  let d = v128.load(sums, 96);
  for (; list < fours; list += 8) {
    const at = <usize>load<i32>(list);
    const s = v128.load(g + <usize>load<i32>(list, 4));
    a = madd(s, v128.load(x0 + at), a);
    b = madd(s, v128.load(x1 + at), b);
    c = madd(s, v128.load(x2 + at), c);
    d = madd(s, v128.load(x3 + at), d);
  }
  for (; single < end; single += 8) {
    const at = <usize>load<i32>(single);
    const s = v128.load32_zero(g + <usize>load<i32>(single, 4));
    a = madd(s, v128.load32_zero(x0 + at), a);
    b = madd(s, v128.load32_zero(x1 + at), b);
    c = madd(s, v128.load32_zero(x2 + at), c);
    d = madd(s, v128.load32_zero(x3 + at), d);
  }
  v128.store(sums, a);
  v128.store(sums, b, 32);
  v128.store(sums, c, 64);
  v128.store(sums, d, 96);
}

/** The sum of a plane's elements in four lanes, added to those that are there. */
function sumPlane(to: usize, from: usize, count: i32): void {
  let s = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) s = f32x4.add(s, v128.load(from + (<usize>i << 2)));
  for (; i < count; i++) s = f32x4.add(s, v128.load32_zero(from + (<usize>i << 2)));
  v128.store(to, f32x4.add(v128.load(to), s));
}

/** All positions of an image's rows as pieces of `length`, after `skip` of them; as many images as are staged together. Gives how many an image has. */
function listExact(list: usize, at: usize, skip: i32, end: i32, length: i32): i32 {
  const width = word(at, 14);
  let n = 0;
  for (let i = 0; i < word(at, 15); i++) {
    for (let d = 0; d < word(at, 12); d++) {
      for (let h = 0; h < word(at, 13); h++) {
        const from = ((i * word(at, 9) + d) * word(at, 10) + h) * word(at, 11);
        const to = i * word(at, 20) + (d * word(at, 13) + h) * width;
        for (let w = skip; w < end; w += length, n++, list += 8) {
          store<i32>(list, (from + w) << 2);
          store<i32>(list, (to + w) << 2, 4);
        }
      }
    }
  }
  return n / word(at, 15);
}

/** Gradients of weight and, unless `toBias` is 0, of the bias, of channels [from, to). After the remainders: taps, and each one's place in the staged planes. */
export function depthwiseWeightGradient(toWeight: usize, toBias: usize, x: usize, gradient: usize, scratch: usize, from: i32, to: i32, at: usize): void {
  const width = word(at, 14);
  const block = word(at, 15);
  const own = at + (<usize>(OWN + 3 * word(at, 17)) << 2);
  const taps = word(own, 0);
  const places = own + 4;
  const fourfold = (taps + 3) & ~3;
  const sizeX = product(at);
  const sizeG = product(at + 48);
  const eights = width & ~7;
  const fours = width & ~3;

  const sums = scratch;
  const table = sums + (<usize>fourfold << 5) + 32;
  const list8 = table + (<usize>fourfold << 2);
  const each8 = listExact(list8, at, 0, eights, 8);
  const list4 = list8 + (<usize>(each8 * block) << 3);
  const each4 = listExact(list4, at, eights, fours, 4);
  const list1 = list4 + (<usize>(each4 * block) << 3);
  const each1 = listExact(list1, at, fours, width, 1);
  const staged = (list1 + (<usize>(each1 * block) << 3) + 15) & ~15;
  const total = sums + (<usize>fourfold << 5);
  for (let t = 0; t < fourfold; t++) store<i32>(table + (<usize>t << 2), word(places, t < taps ? t : 0));
  memory.fill(staged, 0, <usize>word(at, 17) * <usize>word(at, 18));
  for (let c = from; c < to; c++) {
    memory.fill(sums, 0, (<usize>fourfold << 5) + 32);
    for (let image = 0; image < word(at, 16); image += block) {
      const here = min(block, word(at, 16) - image);
      stagePlane(staged, x + (<usize>(image * word(at, 19) + c * sizeX) << 2), here, at);
      const g = gradient + (<usize>(image * word(at, 20) + c * sizeG) << 2);
      const end8 = list8 + (<usize>(each8 * here) << 3);
      const end4 = list4 + (<usize>(each4 * here) << 3);
      const end1 = list1 + (<usize>(each1 * here) << 3);
      for (let t = 0; t < taps; t += 4) {
        const four = sums + (<usize>t << 5);
        const table4 = table + (<usize>t << 2);
        if (each8 > 0) sums8(four, staged, g, list8, end8, table4);
        if (each4 + each1 > 0) sums4(four, staged, g, list4, end4, list1, end1, table4);
      }
      if (toBias != 0) for (let i = 0; i < here; i++) sumPlane(total, g + (<usize>(i * word(at, 20)) << 2), sizeG);
    }
    for (let t = 0; t < taps; t++) {
      const s = sums + (<usize>t << 5);
      store<f32>(toWeight + (<usize>(c * taps + t) << 2), lanes(f32x4.add(v128.load(s), v128.load(s, 16))));
    }
    if (toBias != 0) store<f32>(toBias + (<usize>c << 2), lanes(v128.load(total)));
  }
}
