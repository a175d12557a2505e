// Two or three operands, element by element over any number of axes. Shapes come collapsed: the innermost stride of an operand is 1, or 0 where it repeats.
import { whereRow } from "./binaryLoops";
import { binaryRow } from "./generated/switches";

/** `dims` are [sizes…, stridesA…, stridesB…] of `rank` axes, outermost first; dst is contiguous. */
export function binary(kind: i32, dst: usize, a: usize, b: usize, rank: i32, dims: usize): void {
  const inner = load<i32>(dims + ((rank - 1) << 2));
  const sa = load<i32>(dims + ((2 * rank - 1) << 2));
  const sb = load<i32>(dims + ((3 * rank - 1) << 2));
  binaryAxis(kind, dst, a, b, rank, dims, 0, inner, sa, sb);
}

function binaryAxis(kind: i32, dst: usize, a: usize, b: usize, rank: i32, dims: usize, axis: i32, inner: i32, sa: i32, sb: i32): usize {
  if (axis == rank - 1) {
    binaryRow(kind, dst, a, b, inner, sa, sb);
    return dst + (<usize>inner << 2);
  }
  const size = load<i32>(dims + (axis << 2));
  const stepA = <usize>load<i32>(dims + ((rank + axis) << 2)) << 2;
  const stepB = <usize>load<i32>(dims + ((2 * rank + axis) << 2)) << 2;
  for (let i = 0; i < size; i++) {
    dst = binaryAxis(kind, dst, a, b, rank, dims, axis + 1, inner, sa, sb);
    a += stepA;
    b += stepB;
  }
  return dst;
}

/** condition ? a : b, all three by strides: `dims` are [sizes…, stridesC…, stridesA…, stridesB…]. */
export function where(dst: usize, c: usize, a: usize, b: usize, rank: i32, dims: usize): void {
  whereAxis(dst, c, a, b, rank, dims, 0);
}

function whereAxis(dst: usize, c: usize, a: usize, b: usize, rank: i32, dims: usize, axis: i32): usize {
  const size = load<i32>(dims + (axis << 2));
  const sc = load<i32>(dims + ((rank + axis) << 2));
  const sa = load<i32>(dims + ((2 * rank + axis) << 2));
  const sb = load<i32>(dims + ((3 * rank + axis) << 2));
  if (axis < rank - 1) {
    for (let i = 0; i < size; i++) {
      dst = whereAxis(dst, c, a, b, rank, dims, axis + 1);
      c += <usize>sc << 2;
      a += <usize>sa << 2;
      b += <usize>sb << 2;
    }
    return dst;
  }
  whereRow(dst, c, a, b, size, sc, sa, sb);
  return dst + (<usize>size << 2);
}
