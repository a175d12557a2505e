/** 200 raw rows of every type of column, through every step, as hashes of the bits of what they become: the same in every engine. */
import {
  columns,
  dates,
  embeddingIds,
  images,
  impute,
  log,
  minMax,
  missing,
  oneHot,
  ordinal,
  robust,
  standardize,
  textIds,
  textLength,
  type ColumnSteps,
  type ImagePixels,
} from "../src/index.js";

/** Whole numbers below 2³², by Numerical Recipes' congruences. */
function* wholeNumbers(seed: number): Generator<number> {
  for (let state = seed >>> 0; ;) yield (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
}

const rows = 200;
const words = ["ermine", "Straße", "ÉCOLE", "Zu\u0308rich", "北京", "don’t", "42", "𝒳", "🦡", "İstanbul"];

/** A column: what it holds at a random whole number. */
const column = <T>(seed: number, cellOf: (number: number) => T, gaps = true): (T | null)[] => {
  const numbers = wholeNumbers(seed);
  return Array.from({ length: rows }, () => {
    const number = numbers.next().value as number;
    return gaps && number % 11 === 0 ? null : cellOf(number);
  });
};
const two = (number: number): string => String(number).padStart(2, "0");
const day = (number: number): string =>
  `${1900 + (number % 200)}-${two(1 + ((number >>> 8) % 12))}-${two(1 + ((number >>> 16) % 28))}`;

const raw = {
  amount: column(1, (n) => (n - 2 ** 31) / 7e5),
  tiny: column(2, (n) => n * 1e-30, false),
  positive: column(3, (n) => n / 1e3, false),
  truth: column(4, (n) => n % 2 === 0),
  category: column(5, (n) => words[(n >>> 8) % words.length]!),
  number: column(6, (n) => (n >>> 8) % 5),
  day: column(7, day),
  time: column(8, (n) => `${day(n)}T${two((n >>> 4) % 24)}:${two((n >>> 9) % 60)}:30+05:30`),
  swiss: column(9, (n) => `${1 + ((n >>> 8) % 28)}.${1 + ((n >>> 16) % 12)}.${1990 + (n % 40)}`),
  count: column(10, (n) => n),
  text: column(11, (n) => `${words[(n >>> 8) % words.length]} ${words[(n >>> 16) % words.length]!.toUpperCase()}, ${n}`),
};

const parts = ["year", "month", "dayOfYear", "weekday", "hour"] as const;
const steps: Readonly<Record<string, ColumnSteps>> = {
  standardize: { amount: [impute(), standardize()], tiny: standardize() },
  minMax: { amount: [impute({ strategy: "median" }), minMax()], tiny: minMax({ low: -1, high: 1 }) },
  robust: { amount: [impute({ strategy: "mean" }), robust()] },
  log: { positive: [log(), standardize()], tiny: log() },
  missing: { amount: missing() },
  oneHot: { category: oneHot(), truth: oneHot(), number: oneHot() },
  ordinal: { category: ordinal({ unknown: -1 }) },
  embeddingIds: { category: embeddingIds(), truth: embeddingIds(), number: embeddingIds() },
  dates: { day: dates({ parts }), time: dates({ parts, zone: "-03:00" }) },
  formats: { swiss: dates({ parts, format: "d.M.yyyy" }), count: dates({ parts, format: "seconds" }) },
  words: { text: textIds(), length: { column: "text", steps: textLength() } },
  bytes: { text: textIds({ unit: "bytes", length: 24 }) },
};

/** An image of 1 to 9 pixels a side for each row, of 1 to 4 channels. */
function rawImages(): ImagePixels[] {
  const numbers = wholeNumbers(12);
  const next = (count: number): number => ((numbers.next().value as number) >>> 8) % count;
  return Array.from({ length: rows }, () => {
    const [height, width, channels] = [1 + next(9), 1 + next(9), 1 + next(4)];
    return { data: Uint8Array.from({ length: height * width * channels }, () => next(256)), height, width, channels };
  });
}

/** FNV-1a over 32-bit words. */
function hashOf(data: Float32Array | Int32Array): string {
  let hash = 0x811c9dc5;
  for (const word of new Int32Array(data.buffer, data.byteOffset, data.length)) hash = Math.imul(hash ^ word, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Of each step the hash of what 200 rows become; fitted on the first 150 of them. */
export function rawRowBits(): Record<string, string> {
  const training = Object.fromEntries(Object.entries(raw).map(([name, cells]) => [name, cells.slice(0, 150)]));
  const pictures = rawImages();
  const imageBits = (options: Parameters<typeof images>[0]): string =>
    hashOf(images(options).fit(pictures.slice(0, 150)).apply(pictures).data);
  return {
    ...Object.fromEntries(Object.entries(steps).map(([name, of]) => [name, hashOf(columns(of).fit(training).apply(raw).data)])),
    images: imageBits({ size: [5, 4] }),
    greyImages: imageBits({ size: 3, channels: 1, fit: "crop" }),
  };
}
