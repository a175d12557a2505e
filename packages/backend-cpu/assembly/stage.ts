// How convolutions lay out images. They go block by block: a block is some whole images, or a range of one image's positions along its outermost axis. A block's
// channels are staged: laid out with zeros where padding is, one plane for each remainder of the stride that the kernel meets, so that for each element of a kernel
// all positions lie in one run, at a fixed offset. Between two rows of a run there are positions that nobody asked for: they are left out.

// @ts-ignore: decorator
@inline
export function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function put(at: usize, i: i32, value: i32): void {
  store<i32>(at + (<usize>i << 2), value);
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

// Words of a blocking, as src/lower/blocks.ts writes them: three are depth, height, width.
const SIZE = 0;
const STRIDE = 3;
/** The place of the first element: padding before it, or less than 0 where the first are left out. */
const BEFORE = 6;
/** Places from row to row and so on of a staged plane, in steps of the stride. */
const ROWS = 9;
/** Positions of an image. */
const COUNTS = 12;
/** Images of a block. */
const IMAGES = 15;
/** The axis along which an image is cut into blocks, the positions of each, and how many blocks there are. */
const AXIS = 16;
const LENGTH = 17;
const CUTS = 18;
const ALL = 19;
/** Planes of a channel, and the bytes of each. */
const PLANES = 20;
const PLANE = 21;
/** Elements of a channel and of an image. */
const CHANNEL = 22;
const IMAGE = 23;
/** The remainders that are staged, three words each. */
const REMAINDERS = 24;

/** The words before what is a kernel's own. */
export function blockingWords(at: usize): usize {
  return <usize>(REMAINDERS + 3 * word(at, PLANES)) << 2;
}

// @ts-ignore: decorator
@inline
export function planesOf(at: usize): i32 {
  return word(at, PLANES);
}
// @ts-ignore: decorator
@inline
export function planeBytes(at: usize): usize {
  return <usize>word(at, PLANE);
}
/** Places of a staged image's row, plane of rows, and all of it. */
// @ts-ignore: decorator
@inline
export function rowPlaces(at: usize): i32 {
  return word(at, ROWS + 2);
}
// @ts-ignore: decorator
@inline
export function rowsPlaces(at: usize): i32 {
  return word(at, ROWS + 1) * word(at, ROWS + 2);
}
// @ts-ignore: decorator
@inline
export function imagePlaces(at: usize): i32 {
  return word(at, ROWS) * word(at, ROWS + 1) * word(at, ROWS + 2);
}

// Words of a frame: what a block is. It stands in scratch.
const FIRST_IMAGE = 0;
const HERE = 1;
const BEFORE_HERE = 2;
const COUNTS_HERE = 5;
const FIRST = 8;
export const frameBytes: usize = 44;

// @ts-ignore: decorator
@inline
export function firstImage(frame: usize): i32 {
  return word(frame, FIRST_IMAGE);
}
// @ts-ignore: decorator
@inline
export function imagesHere(frame: usize): i32 {
  return word(frame, HERE);
}
/** Positions along an axis of the block, and the first of them. */
// @ts-ignore: decorator
@inline
export function countHere(frame: usize, axis: i32): i32 {
  return word(frame, COUNTS_HERE + axis);
}
// @ts-ignore: decorator
@inline
export function firstHere(frame: usize, axis: i32): i32 {
  return word(frame, FIRST + axis);
}

/** Writes the frame of the block of that number. */
export function frameOf(frame: usize, at: usize, block: i32): void {
  const cuts = word(at, CUTS);
  const image = (block / cuts) * word(at, IMAGES);
  put(frame, FIRST_IMAGE, image);
  put(frame, HERE, min(word(at, IMAGES), word(at, ALL) - image));
  for (let axis = 0; axis < 3; axis++) {
    const first = axis == word(at, AXIS) ? (block % cuts) * word(at, LENGTH) : 0;
    put(frame, FIRST + axis, first);
    put(frame, BEFORE_HERE + axis, word(at, BEFORE + axis) - first * word(at, STRIDE + axis));
    const count = word(at, COUNTS + axis);
    put(frame, COUNTS_HERE + axis, axis == word(at, AXIS) ? min(word(at, LENGTH), count - first) : count);
  }
}

/** Places from the block's first position to its last. */
export function runHere(frame: usize, at: usize): i32 {
  const planes = (imagesHere(frame) - 1) * word(at, ROWS) + countHere(frame, 0) - 1;
  return (planes * word(at, ROWS + 1) + countHere(frame, 1) - 1) * word(at, ROWS + 2) + countHere(frame, 2);
}

// @ts-ignore: decorator
@inline
function clear(to: usize, end: usize): void {
  for (; to < end; to += 4) store<i32>(to, 0);
}

/** `count` elements that are `stride` apart, next to each other. */
// @ts-ignore: decorator
@inline
export function gatherRow(to: usize, from: usize, count: i32, stride: i32): void {
  if (stride == 1) {
    copyRow(to, from, count);
    return;
  }
  const step = <usize>stride << 2;
  let i = 0;
  if (stride == 2) {
    // One less: the second vector ends after the fourth element.
    for (; i + 5 <= count; i += 4) {
      const at = from + (<usize>i << 3);
      v128.store(to + (<usize>i << 2), v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6));
    }
  }
  for (; i < count; i++) store<i32>(to + (<usize>i << 2), load<i32>(from + <usize>i * step));
}

/** The first of a row's places at or after its beginning, where they begin at `start` of what is there. */
// @ts-ignore: decorator
@inline
export function firstInside(start: i32, stride: i32): i32 {
  return start >= 0 ? 0 : (stride - 1 - start) / stride;
}

/**
 * The block's channels [channels, images, D, H, W] into planes: for each channel those of its remainders. `x` is the first channel that is asked for of the first
 * of all images.
 */
export function stage(to: usize, x: usize, channels: i32, frame: usize, at: usize): void {
  const depth = word(at, SIZE);
  const height = word(at, SIZE + 1);
  const width = word(at, SIZE + 2);
  const strideD = word(at, STRIDE);
  const strideH = word(at, STRIDE + 1);
  const strideW = word(at, STRIDE + 2);
  const planesD = word(at, ROWS);
  const rows = word(at, ROWS + 1);
  const row = word(at, ROWS + 2);
  const rowBytes = <usize>row << 2;
  const planes = word(at, PLANES);
  const plane = planeBytes(at);
  const channel = <usize>word(at, CHANNEL) << 2;
  const image = <usize>word(at, IMAGE) << 2;
  const here = imagesHere(frame);
  x += <usize>firstImage(frame) * image;
  for (let c = 0; c < channels; c++, x += channel) {
    for (let p = 0; p < planes; p++, to += plane) {
      const remainder = at + (<usize>(REMAINDERS + 3 * p) << 2);
      const startD = word(remainder, 0) - word(frame, BEFORE_HERE);
      const startH = word(remainder, 1) - word(frame, BEFORE_HERE + 1);
      const startW = word(remainder, 2) - word(frame, BEFORE_HERE + 2);
      const first = min(row, firstInside(startW, strideW));
      const count = max(0, min(row, startW >= width ? 0 : (width - 1 - startW) / strideW + 1) - first);
      const left = <usize>first << 2;
      const right = <usize>(first + count) << 2;
      const skipped = (startW + first * strideW) << 2;
      let target = to;
      for (let i = 0; i < here; i++) {
        for (let d = 0; d < planesD; d++) {
          const sd = startD + d * strideD;
          const outside = sd < 0 || sd >= depth;
          let sh = startH;
          for (let h = 0; h < rows; h++, sh += strideH, target += rowBytes) {
            if (outside || sh < 0 || sh >= height) {
              clear(target, target + rowBytes);
              continue;
            }
            clear(target, target + left);
            const from = x + <usize>i * image + (<usize>((sd * height + sh) * width) << 2) + skipped;
            gatherRow(target + left, from, count, strideW);
            clear(target + right, target + rowBytes);
          }
        }
      }
      clear(target, to + plane);
    }
  }
}
