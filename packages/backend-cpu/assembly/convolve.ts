// Convolutions over up to three spatial axes as products with no columns cut out: of packed weights and staged images. An image's gradient is several of them over
// one staged gradient, one for each remainder of the stride: a phase.
import { tapsFour, tapsNarrow, tapsOfRow, tapsSix } from "./convolveTile";
import {
  blockingWords, copyRow, countHere, firstHere, firstImage, frameBytes, frameOf, imagePlaces, imagesHere, planeBytes, planesOf, rowPlaces, rowsPlaces, runHere, stage, word,
} from "./stage";
import { wide } from "./vectors";
import { sixes } from "./wideProduct";

/** Rows that come in panels of six; those after them come in panels of four, and one row alone as it is. */
// @ts-ignore: decorator
@inline
function highRows(rows: i32): i32 {
  return wide && rows > 1 ? 6 * sixes(rows) : 0;
}

// @ts-ignore: decorator
@inline
function panelRows(i: i32, high: i32, rows: i32): i32 {
  return i < high ? 6 : rows == 1 ? 1 : 4;
}

/** A panel of rows for channels [from, to): for each channel and tap the rows' weights; rows beyond the end are 0. */
// @ts-ignore: decorator
@inline
function packPanel(height: i32, to: usize, w: usize, some: i32, from: i32, end: i32, taps: i32, rowStep: usize, channelStep: usize, tapsAt: usize): void {
  for (let c = from; c < end; c++) {
    const channel = w + <usize>c * channelStep;
    for (let t = 0; t < taps; t++) {
      let at = channel + <usize>word(tapsAt, t);
      for (let r = 0; r < height; r++, to += 4, at += rowStep) store<f32>(to, r < some ? load<f32>(at) : 0);
    }
  }
}

/**
 * The weight's rows for channels [from, to) of each group, in the order in which micro-kernels read them. Groups are `groupStep` bytes apart, packed ones
 * `packedStep`; `taps`: each one's place in the kernel, in bytes.
 */
export function convolvePack(
  packed: usize, weight: usize, from: i32, to: i32, groups: i32, rows: i32, channels: i32, groupStep: usize, packedStep: usize, rowStep: usize, channelStep: usize,
  taps: i32, tapsAt: usize,
): void {
  const high = highRows(rows);
  const depth = channels * taps;
  for (let g = 0; g < groups; g++, packed += packedStep, weight += groupStep) {
    for (let i = 0; i < rows; ) {
      const height = panelRows(i, high, rows);
      const panel = packed + (<usize>(i * depth + from * taps * height) << 2);
      const first = weight + <usize>i * rowStep;
      if (height == 6) packPanel(6, panel, first, 6, from, to, taps, rowStep, channelStep, tapsAt);
      else if (height == 4) packPanel(4, panel, first, min(4, rows - i), from, to, taps, rowStep, channelStep, tapsAt);
      else packPanel(1, panel, first, 1, from, to, taps, rowStep, channelStep, tapsAt);
      i += height;
    }
  }
}

/** A panel's rows at all positions of a run. */
function panelAlong(height: i32, c: usize, step: usize, a: usize, x: usize, table: usize, depth: i32, bias: usize, positions: i32): void {
  const end = <usize>positions << 2;
  if (height == 6) for (let p: usize = 0; p < end; p += 64) tapsSix(c + p, step, a, x + p, table, depth, bias);
  else if (height == 1) for (let p: usize = 0; p < end; p += 128) tapsOfRow(c + p, a, x + p, table, depth, bias);
  else if (wide) for (let p: usize = 0; p < end; p += 64) tapsFour(c + p, step, a, x + p, table, depth, bias);
  else for (let p: usize = 0; p < end; p += 32) tapsNarrow(c + p, step, a, x + p, table, depth, bias);
}

/** Two rows' elements in turns: the first has as many as the second, or one more. */
export function interleaveRows(to: usize, a: usize, b: usize, countA: i32, countB: i32): void {
  let i = 0;
  for (; i + 4 <= countB; i += 4) {
    const x = v128.load(a + (<usize>i << 2));
    const y = v128.load(b + (<usize>i << 2));
    v128.store(to + (<usize>i << 3), v128.shuffle<i32>(x, y, 0, 4, 1, 5));
    v128.store(to + (<usize>i << 3), v128.shuffle<i32>(x, y, 2, 6, 3, 7), 16);
  }
  for (; i < countA; i++) {
    store<i32>(to + (<usize>i << 3), load<i32>(a + (<usize>i << 2)));
    if (i < countB) store<i32>(to + (<usize>i << 3), load<i32>(b + (<usize>i << 2)), 4);
  }
}

// Words of a pass, after its blocking.
const GROUPS = 0;
const CHANNELS = 2;
const ROWS = 3;
/** Elements of y between groups, channels and images. */
const GROUP_Y = 4;
const CHANNEL_Y = 5;
const IMAGE_Y = 6;
/** Bytes between the groups' packed weights, and biases; and of a row of results. */
const GROUP_PACKED = 7;
const GROUP_BIAS = 8;
const RUN = 9;
/** Height and width of y, and the steps between a phase's results. */
const HEIGHT = 10;
const WIDTH = 11;
const STEP = 12;
/** Phases of all axes, and along a row. */
const PHASES = 15;
const ALONG = 16;
const LIST = 17;
// Words of a phase: taps, the first result along each axis, results along each axis, the bytes of packed weights before its own, and each tap's place in the staged
// planes in bytes.
const FIRST = 1;
const COUNT = 4;
const PACKED = 7;
const TAPS = 8;

// @ts-ignore: decorator
@inline
function nextPhase(phase: usize): usize {
  return phase + (<usize>(TAPS + word(phase, 0)) << 2);
}

// @ts-ignore: decorator
@inline
function resultsOf(phase: usize, frame: usize, axis: i32): i32 {
  return min(countHere(frame, axis), word(phase, COUNT + axis) - firstHere(frame, axis));
}

/** A row of the weight's results of all phases, to where they go. */
function writeRow(y: usize, results: usize, frame: usize, at: usize, own: usize): void {
  const run = <usize>word(own, RUN);
  const width = word(own, WIDTH);
  const along = word(own, ALONG);
  const step = word(own, STEP + 2);
  const row = rowPlaces(at);
  const whole = step == 1 && word(own, STEP + 1) == 1 && row == width;
  let phase = own + (LIST << 2);
  for (let f = 0; f < word(own, PHASES); f += along) {
    const counts = resultsOf(phase, frame, 2);
    const rows = resultsOf(phase, frame, 1);
    for (let i = 0; i < imagesHere(frame); i++) {
      for (let d = 0; d < resultsOf(phase, frame, 0); d++) {
        const yd = (firstHere(frame, 0) + d) * word(own, STEP) + word(phase, FIRST);
        let from = results + (<usize>(i * imagePlaces(at) + d * rowsPlaces(at)) << 2);
        for (let h = 0; h < rows; h++, from += <usize>row << 2) {
          const yh = (firstHere(frame, 1) + h) * word(own, STEP + 1) + word(phase, FIRST + 1);
          const places = (yd * word(own, HEIGHT) + yh) * width + firstHere(frame, 2) * step;
          let to = y + (<usize>(i * word(own, IMAGE_Y) + places) << 2);
          if (whole) {
            copyRow(to, from, rows * width);
            break;
          }
          if (step == 1) copyRow(to, from, counts);
          else if (step == 2 && along == 2) interleaveRows(to, from, from + 6 * run, counts, max(0, resultsOf(nextPhase(phase), frame, 2)));
          else {
            let other = phase;
            for (let w = 0; w < along; w++, other = nextPhase(other), to += 4) {
              const source = from + <usize>(6 * w) * run;
              for (let j = 0; j < resultsOf(other, frame, 2); j++) store<i32>(to + (<usize>(j * step) << 2), load<i32>(source + (<usize>j << 2)));
            }
          }
        }
      }
    }
    for (let w = 0; w < along; w++) {
      phase = nextPhase(phase);
      results += 6 * run;
    }
  }
}

/** y [images, groups · rows, …] = bias + Σ over channels and taps of weight · x, for blocks [from, to); bias 0: none. `at`: a blocking (stage.ts), then a pass. */
export function convolve(yAt: usize, x: usize, packed: usize, bias: usize, scratch: usize, from: i32, to: i32, at: usize): void {
  const own = at + blockingWords(at);
  const channels = word(own, CHANNELS);
  const rows = word(own, ROWS);
  const run = <usize>word(own, RUN);
  const phases = word(own, PHASES);
  const planes = planesOf(at);
  const plane = planeBytes(at);
  const channelY = <usize>word(own, CHANNEL_Y) << 2;
  const high = highRows(rows);
  const xGroup = <usize>channels * (<usize>word(at, 22) << 2);

  const frame = scratch;
  const bias6 = frame + frameBytes;
  const tables = bias6 + 36;
  let table = tables;
  let phase = own + (LIST << 2);
  for (let f = 0; f < phases; f++, phase = nextPhase(phase)) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < word(phase, 0); t++, table += 4) store<i32>(table, <i32>(<usize>(c * planes) * plane) + word(phase, TAPS + t));
    }
  }
  const results = (table + 15) & ~15;
  const staged = results + <usize>(6 * phases) * run;
  for (let b = from; b < to; b++) {
    frameOf(frame, at, b);
    const positions = runHere(frame, at);
    for (let g = word(own, GROUPS); g < word(own, GROUPS + 1); g++) {
      stage(staged, x + <usize>g * xGroup, channels, frame, at);
      const weights = packed + <usize>g * <usize>word(own, GROUP_PACKED);
      const biases = bias + <usize>g * <usize>word(own, GROUP_BIAS);
      let y = yAt + (<usize>(g * word(own, GROUP_Y) + firstImage(frame) * word(own, IMAGE_Y)) << 2);
      for (let i = 0; i < rows; ) {
        const height = panelRows(i, high, rows);
        for (let r = 0; r < height; r++) {
          const known = bias != 0 && i + r < rows;
          store<f32>(bias6 + (<usize>r << 2), known ? load<f32>(biases + (<usize>(i + r) << 2)) : 0);
        }
        table = tables;
        phase = own + (LIST << 2);
        for (let f = 0; f < phases; f++, phase = nextPhase(phase)) {
          const depth = channels * word(phase, 0);
          const panel = weights + <usize>word(phase, PACKED) + (<usize>(i * depth) << 2);
          panelAlong(height, results + <usize>(6 * f) * run, run, panel, staged, table, depth, bias6, positions);
          table += <usize>depth << 2;
        }
        for (let r = 0; r < min(height, rows - i); r++, y += channelY) writeRow(y, results + <usize>r * run, frame, at, own);
        i += height;
      }
    }
  }
}
