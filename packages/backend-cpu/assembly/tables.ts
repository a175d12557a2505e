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
