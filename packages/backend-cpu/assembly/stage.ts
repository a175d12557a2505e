// How convolutions lay out images: an image's channels are staged, with zeros where padding is and one plane for each remainder of the stride, so that
// for each number of a kernel all positions lie in one run, at a fixed offset. Positions run over rows, planes and a block of images;
// between two rows there are some that nobody asked for: they are left out.

// @ts-ignore: decorator
@inline
export function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function copyRow(to: usize, from: usize, count: i32): void {
  if (count < 4) {
    for (let i = 0; i < count; i++) store<i32>(to + (<usize>i << 2), load<i32>(from + (<usize>i << 2)));
    return;
  }
  const last = <usize>(count - 4) << 2;
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
  v128.store(to + last, v128.load(from + last));
}

/**
 * One image's channels [channels, D, H, W] into planes `plane` bytes apart, whose zeros are there.
 * `at`: size, stride, place of the first number, rows of a plane (in steps of the stride), each depth, height, width.
 */
export function stage(to: usize, plane: usize, x: usize, channels: i32, at: usize): void {
  const height = word(at, 1);
  const width = word(at, 2);
  const strideD = word(at, 3);
  const strideH = word(at, 4);
  const strideW = word(at, 5);
  const beforeW = word(at, 8);
  const rows = word(at, 10);
  const row = word(at, 11);
  const skip = max(0, -beforeW);
  if (strideD * strideH * strideW == 1) {
    const first = <usize>(skip + beforeW) << 2;
    const from = <usize>skip << 2;
    for (let c = 0; c < channels; c++, to += plane) {
      for (let d = 0; d < word(at, 0); d++) {
        const jd = d + word(at, 6);
        let start = to + (<usize>((jd * rows + word(at, 7)) * row) << 2);
        for (let h = 0; h < height; h++, x += <usize>width << 2, start += <usize>row << 2) {
          if (jd >= 0 && h + word(at, 7) >= 0) copyRow(start + first, x + from, width - skip);
        }
      }
    }
    return;
  }
  for (let c = 0; c < channels; c++, to += plane * <usize>(strideD * strideH * strideW)) {
    for (let d = 0; d < word(at, 0); d++) {
      const jd = d + word(at, 6);
      for (let h = 0; h < height; h++, x += <usize>width << 2) {
        const jh = h + word(at, 7);
        if (jd < 0 || jh < 0) continue;
        const phase = ((jd % strideD) * strideH + (jh % strideH)) * strideW;
        const start = to + <usize>phase * plane + (<usize>(((jd / strideD) * rows + jh / strideH) * row) << 2);
        if (strideW == 1) {
          copyRow(start + (<usize>(skip + beforeW) << 2), x + (<usize>skip << 2), width - skip);
          continue;
        }
        for (let w = skip; w < width; w++) {
          const j = w + beforeW;
          store<i32>(start + <usize>(j % strideW) * plane + (<usize>(j / strideW) << 2), load<i32>(x + (<usize>w << 2)));
        }
      }
    }
  }
}

/** Positions from the first to the last that is asked for, of some images. */
// @ts-ignore: decorator
@inline
export function positionsOf(images: i32, stageAt: usize, counts: usize): i32 {
  const rows = word(stageAt, 10);
  const row = word(stageAt, 11);
  const planes = (images - 1) * word(stageAt, 9) + word(counts, 0) - 1;
  return (planes * rows + word(counts, 1) - 1) * row + word(counts, 2);
}
