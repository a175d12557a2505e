/** Programs at random as tests, of any runner that has describe and it. */
import { ErmineError, type Backend } from "@ermine/core";
import { checkArgument, checkArguments, checkFunction, checkOptions } from "@ermine/core/define";
import { checkedRunner, type TestRunner } from "../laws/runner.js";
import type { GenerateOptions } from "./generate.js";
import { countsOf, describeFuzzDifference, discardsTooMany, sumOfCounts, type FuzzCounts } from "./report.js";
import { fuzz } from "./run.js";

/** The options of `testPrograms`. */
export interface TestProgramsOptions extends GenerateOptions {
  /** How many. Default 500. */
  readonly programs?: number;
  /** Of the first. Default 1. */
  readonly seed?: number;
  /** Programs in one test. Default 100. */
  readonly each?: number;
}

/**
 * Programs at random on a backend, eagerly and compiled, against the float64 reference.
 *
 * @example
 * // describe and it are your test runner's, create makes your backend.
 * testPrograms("yours", create, { describe, it });
 */
export function testPrograms(
  name: string,
  create: () => Backend | Promise<Backend>,
  runner: TestRunner,
  options: TestProgramsOptions = {},
): void {
  checkArguments("testPrograms", arguments, 4);
  const signature = "testPrograms(name, create, { describe, it }, options)";
  checkArgument(signature, "name", name, "string");
  checkFunction("testPrograms", create, signature);
  checkOptions("testPrograms", options, { programs: "integer", seed: "integer", each: "integer", large: "boolean" });
  const { programs = 500, seed = 1, each = 100, ...generated } = options;
  if (each < 1) throw new ErmineError("ERMINE_OPTION", `testPrograms: each is a whole number of at least 1, got ${each}.`);
  const { describe, it } = checkedRunner(signature, runner);
  let backend: Promise<Backend> | undefined;
  const counts: FuzzCounts[] = [];
  describe(`programs at random, on ${name}`, () => {
    for (let first = 0; first < programs; first += each) {
      const count = Math.min(each, programs - first);
      it(`seeds ${seed + first} … ${seed + first + count - 1}`, async () => {
        backend ??= Promise.resolve(create());
        const report = await fuzz({
          ...generated,
          targets: [{ label: name, backend: await backend }],
          seed: seed + first,
          programs: count,
          tries: 300,
        });
        const [difference] = report.differences;
        if (difference !== undefined) throw new Error(describeFuzzDifference(difference));
        counts.push(countsOf(report));
      }, 60_000);
    }
    it("at most a fifth of the programs cannot be judged", () => {
      const all = sumOfCounts(counts);
      if (discardsTooMany(all))
        throw new Error(`Too many programs say nothing: ${JSON.stringify(all.discarded)} of ${all.programs}.`);
      return Promise.resolve();
    });
  });
}
