// Rows of a table by index: summed, set, and an optimizer's step on a whole table of which some rows have a gradient.
import { place } from "./arguments";
import { TABLE_BLOCK as BLOCK } from "./generated/sizes";
import { update } from "./generated/updates";
import { addRow, copyRow, fill } from "./layout";

/** first[r]: the first i with indices[i] = r, −1 where no index is r; of `size` rows. */
export function firstRows(first: usize, indices: usize, size: i32, count: i32): void {
  memory.fill(first, 0xff, <usize>size << 2);
  for (let i = count - 1; i >= 0; i--) {
    const index = load<u32>(indices + (<usize>i << 2));
    if (index < <u32>size) store<i32>(first + (<usize>index << 2), i);
  }
}

/** Where i's index came first; i itself where it is outside of the table. */
// @ts-ignore: decorator
@inline
function firstOf(first: usize, indices: usize, size: i32, i: i32): i32 {
  const index = load<u32>(indices + (<usize>i << 2));
  return index < <u32>size ? load<i32>(first + (<usize>index << 2)) : i;
}

/** share[i] = 1 / how often i's index comes. */
export function shareRows(share: usize, first: usize, indices: usize, size: i32, count: i32): void {
  fill(share, count, 0);
  for (let i = 0; i < count; i++) {
    const at = share + (<usize>firstOf(first, indices, size, i) << 2);
    store<f32>(at, load<f32>(at) + 1);
  }
  // From the last to the first: those that come again read the first's count before it is turned over.
  for (let i = count - 1; i >= 0; i--) {
    const at = share + (<usize>firstOf(first, indices, size, i) << 2);
    store<f32>(share + (<usize>i << 2), <f32>1 / load<f32>(at));
  }
}

/** Columns [from, to): sums[i] = Σ of the rows with rows[i]'s index, in their order. */
export function sumRows(
  sums: usize, indices: usize, rows: usize, size: i32, inner: i32, count: i32, first: usize, from: i32, to: i32,
): void {
  const step = <usize>inner << 2;
  const shift = <usize>from << 2;
  const width = to - from;
  sums += shift;
  rows += shift;
  for (let i = 0; i < count; i++) {
    const at = <usize>i * step;
    if (load<u32>(indices + (<usize>i << 2)) >= <u32>size) {
      fill(sums + at, width, 0x7fc00000);
      continue;
    }
    const one = firstOf(first, indices, size, i);
    if (one == i) copyRow(sums + at, rows + at, width);
    else addRow(sums + <usize>one * step, rows + at, width, 0);
  }
  for (let i = 0; i < count; i++) {
    const one = firstOf(first, indices, size, i);
    if (one != i) copyRow(sums + <usize>i * step, sums + <usize>one * step, width);
  }
}

/** dst += factor · src. */
// @ts-ignore: decorator
@inline
function addScaledRow(dst: usize, src: usize, count: i32, factor: f32): void {
  const all = f32x4.splat(factor);
  let k: usize = 0;
  for (const end = <usize>(count & ~3) << 2; k < end; k += 16) {
    v128.store(dst + k, f32x4.add(v128.load(dst + k), f32x4.mul(v128.load(src + k), all)));
  }
  for (const end = <usize>count << 2; k < end; k += 4) store<f32>(dst + k, load<f32>(dst + k) + load<f32>(src + k) * factor);
}

/** dst = the larger of dst and src, and the place that it is from, where there are places. NaN is the largest; of equals the first. */
// @ts-ignore: decorator
@inline
function takeLarger(dst: usize, places: usize, src: usize, count: i32, place: i32, isFirst: bool): void {
  for (let k: usize = 0; k < <usize>count << 2; k += 4) {
    const value = load<f32>(src + k);
    const best = load<f32>(dst + k);
    if (!isFirst && !(value > best || (value != value && best == best))) continue;
    store<f32>(dst + k, value);
    if (places) store<i32>(places + k, place);
  }
}

/**
 * Bags [from, to) of `bags`: rows of the table at their indices, added up (mode 0), averaged (1), or the largest of each column (2) with its place among the
 * indices. A bag goes from its offset to the next one's; without offsets all are as long. An index that is `padding` counts for nothing, an empty bag is 0.
 */
export function embeddingBag(
  dst: usize, places: usize, table: usize, indices: usize, offsets: usize, weights: usize,
  mode: i32, size: i32, inner: i32, count: i32, bags: i32, padding: i32, from: i32, to: i32,
): void {
  const row = <usize>inner << 2;
  const length = offsets ? 0 : count / max(1, bags);
  for (let bag = from; bag < to; bag++) {
    const at = <usize>bag * row;
    const offset = offsets + (<usize>bag << 2);
    const first = offsets ? max(0, load<i32>(offset)) : bag * length;
    const end = offsets ? (bag + 1 < bags ? min(count, load<i32>(offset, 4)) : count) : first + length;
    memory.fill(dst + at, 0, row);
    if (places) memory.fill(places + at, 0, row);
    let counted = 0;
    for (let i = first; i < end; i++) {
      const index = load<i32>(indices + (<usize>i << 2));
      if (index == padding) continue;
      if (<u32>index >= <u32>size) {
        fill(dst + at, inner, 0x7fc00000);
        counted = 0;
        break;
      }
      const src = table + <usize>index * row;
      if (mode == 2) takeLarger(dst + at, places ? places + at : 0, src, inner, i, counted == 0);
      else if (weights) addScaledRow(dst + at, src, inner, load<f32>(weights + (<usize>i << 2)));
      else addRow(dst + at, src, inner, 0);
      counted++;
    }
    if (mode != 1 || counted < 2) continue;
    const many = <f32>counted;
    for (let k: usize = 0; k < row; k += 4) store<f32>(dst + at + k, load<f32>(dst + at + k) / many);
  }
}

/** dst is the table, with rows[i] at indices[i]. */
export function setRows(dst: usize, table: usize, indices: usize, rows: usize, size: i32, inner: i32, count: i32): void {
  const row = <usize>inner << 2;
  if (dst != table) memory.copy(dst, table, <usize>size * row);
  for (let i = 0; i < count; i++) {
    const index = load<u32>(indices + (<usize>i << 2));
    if (index < <u32>size) copyRow(dst + <usize>index * row, rows + <usize>i * row, inner);
  }
}

/**
 * An optimizer's step on elements [from, from + count) of a table. The gradient of row r is rows[first[r]], 0 where that is −1: a block of it at a time is
 * laid out in scratch. `operands`: where the new parameter and slots are written, the parameter, the slots.
 */
export function updateTable(
  kind: i32, scalars: usize, from: i32, count: i32, inner: i32, first: usize, rows: usize, slots: i32, scratch: usize, operands: usize,
): void {
  const whole: usize = (BLOCK << 2) + 16;
  const places = scratch + whole;
  memory.fill(scratch, 0, whole);
  const end = from + count;
  for (let start = from; start < end; start += BLOCK) {
    const size = min(BLOCK, end - start);
    let row = start / inner;
    let column = start - row * inner;
    let touched = false;
    for (let at = 0; at < size; row++) {
      const width = min(inner - column, size - at);
      const i = load<i32>(first + (<usize>row << 2));
      if (i >= 0) {
        copyRow(scratch + (<usize>at << 2), rows + ((<usize>i * inner + column) << 2), width);
        touched = true;
      }
      at += width;
      column = 0;
    }
    const shift = <usize>start << 2;
    let to = places;
    for (let i = 0; i < 2 * slots + 2; i++, to += 4) {
      store<u32>(to, <u32>(place(operands, i) + shift));
      // The gradient comes after the parameter.
      if (i == slots + 1) store<u32>((to += 4), <u32>scratch);
    }
    update(kind, scalars, size, places);
    if (touched) memory.fill(scratch, 0, <usize>size << 2);
  }
}
