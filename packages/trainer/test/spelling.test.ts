/** Calls that were ignored or ended in a raw error: each is refused with the call that is meant. */
import { mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { expect, test } from "vitest";
import * as trainers from "../src/index.js";
import { refusal } from "./refusal.js";

const { dataset, defineMetric, defineOptimizer, perParameter, schedules, sgd, Trainer } = trainers;
const bits = Uint8Array.of(1, 0);
const defaults = { learningRate: 0.1, weightDecay: 0 };
const trainer = () => new Trainer({ model: new Linear(2, 1), loss: mse, optimizer: sgd(), backend: reference() });

test.each<[string, () => unknown, RegExp]>([
  [
    "a column's dtypes",
    () => dataset({ inputs: { data: bits, shape: [2, 1], dtypes: "bool" } as never }),
    /The column inputs has no option "dtypes"\. Did you mean "dtype"/,
  ],
  [
    "a column next to another called data",
    () => dataset({ inputs: { age: { data: bits, shapes: [2, 1] } } }),
    /The column inputs\.age has no option "shapes"\. Did you mean "shape"/,
  ],
  ["defineMetric({})", () => defineMetric({} as never), /defineMetric needs name\. Write defineMetric\(\{ name: …, better: …/],
  [
    "a metric whose better is best",
    () => defineMetric({ name: "own", better: "best", sums: 1, count: () => [1], compute: () => 1 } as never),
    /better is "higher" or "lower", got "best"/,
  ],
  ["defineOptimizer({})", () => defineOptimizer({} as never), /defineOptimizer needs name\. Write defineOptimizer\(\{ name: …/],
  [
    "an optimizer without a direction",
    () => defineOptimizer({ name: "own", defaults, links: () => [] } as never),
    /the defaults of own need maximize/,
  ],
  [
    "an optimizer of link",
    () => defineOptimizer({ name: "own", defaults, link: () => [] } as never),
    /no option "link"\. Did you mean "links"/,
  ],
  ["perParameter({})", () => perParameter({} as never), /perParameter needs name/],
  ["rateNow()", () => trainer().rateNow(undefined as never), /the rate must be a schedule, got undefined/],
  ["rateAt of an optimizer", () => schedules.rateAt(sgd() as never, { step: 0, epoch: 0 }), /the rate must be a schedule/],
])("%s", async (_, fn, message) => {
  expect((await refusal(fn)).message).toMatch(message);
});
