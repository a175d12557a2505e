/** Makes a program that differs as small as it can be and still differ: fast-check walks the simpler ones. */
import fc from "fast-check";
import { ErmineError } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { runProgram, type Computed } from "./evaluate.js";
import { stepsOf, withoutUnused, type Program } from "./program.js";
import { simplerThan, type ComputedValues } from "./simpler.js";

type Tables = readonly ComputedValues[];

/** The one program, and what is simpler than it. */
class OneProgram extends fc.Arbitrary<Program> {
  readonly #program: Program;
  readonly #tables: WeakMap<Program, Tables>;

  constructor(program: Program, tables: WeakMap<Program, Tables>) {
    super();
    [this.#program, this.#tables] = [program, tables];
  }

  override generate(): fc.Value<Program> {
    return new fc.Value(this.#program, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Program {
    return value !== undefined;
  }

  override shrink(program: Program): fc.Stream<fc.Value<Program>> {
    const tables = this.#tables.get(program) ?? [];
    const simpler = simplerThan(program, (entry) => tables[entry] ?? new Map());
    return new fc.Stream(
      (function* () {
        for (const candidate of simpler) yield new fc.Value(candidate, undefined);
      })(),
    );
  }
}

export interface ShrinkOptions {
  /** How many programs are tried. Default 1500. */
  readonly tries?: number;
}

/** @param differs whether a program still shows what was found */
export async function shrink(
  program: Program,
  differs: (program: Program) => Promise<boolean>,
  { tries = 1500 }: ShrinkOptions = {},
): Promise<Program> {
  const tables = new WeakMap<Program, Tables>();
  let [left, best] = [tries, program];
  const property = fc.asyncProperty(new OneProgram(withoutUnused(program), tables), async (candidate) => {
    if (left-- <= 0 || !(await differs(candidate))) return true;
    tables.set(candidate, await tablesOf(candidate));
    best = candidate;
    return false;
  });
  await fc.check(property, { numRuns: 1, seed: 1 });
  return best;
}

/** The result of every step of each entry on the reference, from the variables' initial elements. */
async function tablesOf(program: Program): Promise<Tables> {
  const backend = reference();
  const tables: ComputedValues[] = [];
  for (const [i, entry] of program.entries.entries()) {
    const steps = stepsOf(entry).map(({ result }) => result);
    const alone: Program = {
      ...program,
      entries: program.entries.map((other, k) => (k === i ? { ...other, outputs: steps } : other)),
      calls: [i],
    };
    const outcome = await attempt(() => runProgram(alone, backend, "eager"));
    tables.push(new Map(outcome.slice(0, steps.length).map((result, k) => [steps[k]!, result])));
  }
  return tables;
}

async function attempt(run: () => ReturnType<typeof runProgram>): Promise<readonly Computed[]> {
  try {
    const outcome = await run();
    return outcome instanceof ErmineError ? [] : outcome;
  } catch {
    return [];
  }
}
