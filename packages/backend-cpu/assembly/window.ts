// Sliding windows over up to three spatial axes: cut out side by side (unfold), and added back (fold).
// `at` points to 18 words: size, kernel, stride, padding before, dilation and counts, each depth, height, width.
import { fill } from "./layout";

// @ts-ignore: decorator
@inline
function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

/** x [planes, D, H, W] to and from columns [planes, ΠK, ΠO]: unfold reads x, fold adds to it. */
function slide(columns: usize, x: usize, planes: i32, at: usize, padding: f32, adding: bool): void {
  const depth = word(at, 0);
  const height = word(at, 1);
  const width = word(at, 2);
  const strideW = word(at, 8);
  const padW = word(at, 11);
  const dilationW = word(at, 14);
  const outW = word(at, 17);
  const plane = <usize>(depth * height * width) << 2;
  for (let n = 0; n < planes; n++, x += plane) {
    for (let kd = 0; kd < word(at, 3); kd++) {
      for (let kh = 0; kh < word(at, 4); kh++) {
        for (let kw = 0; kw < word(at, 5); kw++) {
          const w0 = kw * dilationW - padW;
          // The positions whose column lies inside: [first, last).
          const first = min(outW, max(0, (strideW - 1 - w0) / strideW));
          const last = max(first, min(outW, w0 >= width ? 0 : (width - 1 - w0) / strideW + 1));
          for (let od = 0; od < word(at, 15); od++) {
            const d = od * word(at, 6) + kd * word(at, 12) - word(at, 9);
            for (let oh = 0; oh < word(at, 16); oh++) {
              const h = oh * word(at, 7) + kh * word(at, 13) - word(at, 10);
              const inside = d >= 0 && d < depth && h >= 0 && h < height;
              const row = x + (<usize>((d * height + h) * width + w0) << 2);
              if (adding) {
                if (inside) addRow(row, columns, first, last, strideW);
              } else if (inside) cutRow(columns, row, first, last, outW, strideW, padding);
              else fill(columns, outW, reinterpret<i32>(padding));
              columns += <usize>outW << 2;
            }
          }
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function cutRow(to: usize, row: usize, first: i32, last: i32, count: i32, stride: i32, padding: f32): void {
  for (let o = 0; o < first; o++) store<f32>(to + (<usize>o << 2), padding);
  if (stride == 1) {
    let o = first;
    for (; o + 4 <= last; o += 4) v128.store(to + (<usize>o << 2), v128.load(row + (<usize>o << 2)));
    for (; o < last; o++) store<i32>(to + (<usize>o << 2), load<i32>(row + (<usize>o << 2)));
  } else {
    let o = first;
    if (stride == 2) {
      // One less: the second vector ends behind the fourth number.
      for (; o + 5 <= last; o += 4) {
        const at = row + (<usize>o << 3);
        v128.store(to + (<usize>o << 2), v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6));
      }
    }
    for (; o < last; o++) store<i32>(to + (<usize>o << 2), load<i32>(row + (<usize>(o * stride) << 2)));
  }
  for (let o = last; o < count; o++) store<f32>(to + (<usize>o << 2), padding);
}

// @ts-ignore: decorator
@inline
function addRow(row: usize, from: usize, first: i32, last: i32, stride: i32): void {
  let o = first;
  if (stride == 1) {
    for (; o + 4 <= last; o += 4) {
      const to = row + (<usize>o << 2);
      v128.store(to, f32x4.add(v128.load(to), v128.load(from + (<usize>o << 2))));
    }
  }
  for (; o < last; o++) {
    const to = row + (<usize>(o * stride) << 2);
    store<f32>(to, load<f32>(to) + load<f32>(from + (<usize>o << 2)));
  }
}

export function unfold(dst: usize, x: usize, planes: i32, padding: f32, at: usize): void {
  slide(dst, x, planes, at, padding, false);
}

/** dst must be 0, or what is added to. */
export function fold(dst: usize, columns: usize, planes: i32, at: usize): void {
  slide(columns, dst, planes, at, 0, true);
}
