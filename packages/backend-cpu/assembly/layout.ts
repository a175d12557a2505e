// Moving numbers: strided copies (transpose, slice, broadcast, pad, concat), fills, and look-ups by index.
import { storeColumns } from "./simd";

export function fill(dst: usize, count: i32, bits: i32): void {
  if (bits == 0) {
    memory.fill(dst, 0, <usize>count << 2);
    return;
  }
  const value = i32x4.splat(bits);
  const whole = dst + (<usize>(count & ~3) << 2);
  for (; dst < whole; dst += 16) v128.store(dst, value);
  for (let i = 0; i < (count & 3); i++) store<i32>(dst + (<usize>i << 2), bits);
}

export function move(dst: usize, src: usize, count: i32): void {
  memory.copy(dst, src, <usize>count << 2);
}

/** `dims` are [sizes…, dst strides…, src strides…] in numbers, outermost first. */
export function copy(dst: usize, src: usize, rank: i32, dims: usize): void {
  if (rank == 0) {
    store<i32>(dst, load<i32>(src));
    return;
  }
  copyAxis(dst, src, rank, dims, 0);
}

/** Up to 64 numbers go by vectors: a call of the engine's copy costs more. */
// @ts-ignore: decorator
@inline
export function copyRow(dst: usize, src: usize, count: i32): void {
  if (count > 64) return memory.copy(dst, src, <usize>count << 2);
  for (; count >= 4; count -= 4, dst += 16, src += 16) v128.store(dst, v128.load(src));
  for (; count > 0; count--, dst += 4, src += 4) store<i32>(dst, load<i32>(src));
}

/** dst [rows, columns] of src [columns, rows], steps in bytes from line to line; by 4 × 4, in tiles that stay in the cache. */
function transpose(dst: usize, src: usize, rows: i32, columns: i32, to: usize, from: usize): void {
  const tile = 32;
  for (let r0 = 0; r0 < rows; r0 += tile) {
    const rowEnd = min(rows, r0 + tile);
    for (let c0 = 0; c0 < columns; c0 += tile) {
      const columnEnd = min(columns, c0 + tile);
      let r = r0;
      for (; r + 4 <= rowEnd; r += 4) {
        let c = c0;
        let at = dst + <usize>r * to + (<usize>c << 2);
        let line = src + <usize>c * from + (<usize>r << 2);
        for (; c + 4 <= columnEnd; c += 4, at += 16, line += 4 * from) {
          storeColumns(at, to, v128.load(line), v128.load(line + from), v128.load(line + 2 * from), v128.load(line + 3 * from));
        }
        for (; c < columnEnd; c++, at += 4, line += from) {
          for (let n: usize = 0; n < 4; n++) store<i32>(at + n * to, load<i32>(line + (n << 2)));
        }
      }
      for (; r < rowEnd; r++) {
        for (let c = c0; c < columnEnd; c++) {
          store<i32>(dst + <usize>r * to + (<usize>c << 2), load<i32>(src + <usize>c * from + (<usize>r << 2)));
        }
      }
    }
  }
}

function copyAxis(dst: usize, src: usize, rank: i32, dims: usize, axis: i32): void {
  const size = load<i32>(dims + (axis << 2));
  const to = <isize>load<i32>(dims + ((rank + axis) << 2)) << 2;
  const from = <isize>load<i32>(dims + ((2 * rank + axis) << 2)) << 2;
  if (axis == rank - 1) {
    if (to == 4 && from == 4) copyRow(dst, src, size);
    else if (to == 4 && from == 0) fill(dst, size, load<i32>(src));
    else {
      for (let i = 0; i < size; i++) {
        store<i32>(dst, load<i32>(src));
        dst += to;
        src += from;
      }
    }
    return;
  }
  if (axis == rank - 2 && from == 4 && to > 0) {
    const last = axis + 1;
    const lastTo = load<i32>(dims + ((rank + last) << 2));
    const lastFrom = load<i32>(dims + ((2 * rank + last) << 2));
    if (lastTo == 1 && lastFrom > 0) return transpose(dst, src, size, load<i32>(dims + (last << 2)), to, <usize>lastFrom << 2);
  }
  for (let i = 0; i < size; i++) {
    copyAxis(dst, src, rank, dims, axis + 1);
    dst += to;
    src += from;
  }
}

export function iota(dst: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<i32>(dst + (<usize>i << 2), i);
}

/**
 * Notes an index that is not in 0 … size − 1 in the fault word of the program: [site, index], 0 where there is none. The first that is found
 * stays. Ops that look up or add by index come after it, and give `missing` there, or add nothing.
 */
export function checkIndices(indices: usize, count: i32, size: i32, fault: usize, site: i32): void {
  for (let i = 0; i < count; i++) {
    const index = load<i32>(indices + (<usize>i << 2));
    if (<u32>index < <u32>size) continue;
    if (load<i32>(fault) == 0) store<i64>(fault, (<i64>index << 32) | <i64>site);
    return;
  }
}

/** Rows of x [outer, size, inner] by `count` indices: dst [outer, count, inner]. */
export function indexSelect(dst: usize, x: usize, indices: usize, outer: i32, size: i32, inner: i32, count: i32, missing: i32): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const index = load<u32>(indices + (<usize>i << 2));
      if (index < <u32>size) copyRow(dst, x + <usize>index * row, inner);
      else fill(dst, inner, missing);
      dst += row;
    }
    x += <usize>size * row;
  }
}

/** dst [outer, size, inner] += updates [outer, count, inner] at the indices, in order. */
export function indexAdd(dst: usize, indices: usize, updates: usize, outer: i32, size: i32, inner: i32, count: i32, whole: i32): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const index = load<i32>(indices + (<usize>i << 2));
      if (index >= 0 && index < size) addRow(dst + <usize>index * row, updates, inner, whole);
      updates += row;
    }
    dst += <usize>size * row;
  }
}

/** dst[k] += src[k]; `whole`: of integers. */
// @ts-ignore: decorator
@inline
export function addRow(dst: usize, src: usize, count: i32, whole: i32): void {
  let k: usize = 0;
  for (const end = <usize>(count & ~3) << 2; k < end; k += 16) {
    const a = v128.load(dst + k);
    const b = v128.load(src + k);
    v128.store(dst + k, whole ? i32x4.add(a, b) : f32x4.add(a, b));
  }
  for (const end = <usize>count << 2; k < end; k += 4) {
    if (whole) store<i32>(dst + k, load<i32>(dst + k) + load<i32>(src + k));
    else store<f32>(dst + k, load<f32>(dst + k) + load<f32>(src + k));
  }
}

/** dst[o, k, i] = x[o, indices[o, k, i], i]: x [outer, size, inner], indices and dst [outer, count, inner]. */
export function gather(dst: usize, x: usize, indices: usize, outer: i32, size: i32, inner: i32, count: i32, missing: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < inner; i++) {
        const index = load<u32>(indices);
        store<i32>(dst, index < <u32>size ? load<i32>(x + (<usize>(index * inner + i) << 2)) : missing);
        dst += 4;
        indices += 4;
      }
    }
    x += <usize>(size * inner) << 2;
  }
}

/** dst[o, indices[o, k, i], i] += updates[o, k, i]. */
export function scatterAdd(dst: usize, indices: usize, updates: usize, outer: i32, size: i32, inner: i32, count: i32, whole: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < inner; i++) {
        const index = load<i32>(indices);
        if (index >= 0 && index < size) addRow(dst + (<usize>(index * inner + i) << 2), updates, 1, whole);
        indices += 4;
        updates += 4;
      }
    }
    dst += <usize>(size * inner) << 2;
  }
}

/** Philox 4×32-10: element i is word (first + i) mod 4 of block [⌊(first + i)/4⌋, 0, micro-batch, step], its upper 24 bits. */
export function randomUniform(dst: usize, count: i32, key0: u32, key1: u32, counters: usize): void {
  const step = load<u32>(counters);
  const microBatch = load<u32>(counters + 4);
  let element = load<u32>(counters + 8);
  let i = 0;
  while (i < count) {
    let c0: u32 = element >> 2;
    let c1: u32 = 0;
    let c2: u32 = microBatch;
    let c3: u32 = step;
    let k0 = key0;
    let k1 = key1;
    for (let round = 0; round < 10; round++) {
      const p0 = <u64>0xd2511f53 * <u64>c0;
      const p1 = <u64>0xcd9e8d57 * <u64>c2;
      c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
      c1 = <u32>p1;
      c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
      c3 = <u32>p0;
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    for (let lane = element & 3; lane < 4 && i < count; lane++) {
      const word = lane == 0 ? c0 : lane == 1 ? c1 : lane == 2 ? c2 : c3;
      store<f32>(dst + (<usize>i << 2), <f32>(word >> 8) * <f32>5.9604644775390625e-8);
      i++;
      element++;
    }
  }
}
