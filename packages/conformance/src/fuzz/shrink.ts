/** Makes a program that differs as small as it can be and still differ: fast-check walks the simpler ones. */
import fc from "fast-check";
import { ErmineError } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { runProgram, type Computed } from "./evaluate.js";
import { stepsOf, withoutUnused, type Program } from "./program.js";
import { simplerThan, type Known } from "./simpler.js";

type Tables = readonly Known[];

/** The one program, and what is simpler than it. */
class OneProgram extends fc.Arbitrary<Program> {
  readonly #program: Program;
  readonly #known: WeakMap<Program, Tables>;

  constructor(program: Program, known: WeakMap<Program, Tables>) {
    super();
    [this.#program, this.#known] = [program, known];
  }

  override generate(): fc.Value<Program> {
    return new fc.Value(this.#program, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Program {
    return value !== undefined;
  }

  override shrink(program: Program): fc.Stream<fc.Value<Program>> {
    const tables = this.#known.get(program) ?? [];
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
  const known = new WeakMap<Program, Tables>();
  let [left, best] = [tries, program];
  const property = fc.asyncProperty(new OneProgram(withoutUnused(program), known), async (candidate) => {
    if (left-- <= 0 || !(await differs(candidate))) return true;
    known.set(candidate, await tablesOf(candidate));
    best = candidate;
    return false;
  });
  await fc.check(property, { numRuns: 1, seed: 1 });
  return best;
}

/** What every step of each entry gives on the reference, from the variables' first elements. */
async function tablesOf(program: Program): Promise<Tables> {
  const backend = reference();
  const tables: Known[] = [];
  for (const [i, entry] of program.entries.entries()) {
    const steps = stepsOf(entry).map(({ result }) => result);
    const alone: Program = {
      ...program,
      entries: program.entries.map((own, k) => (k === i ? { ...own, outputs: steps } : own)),
      calls: [i],
    };
    const found = await attempt(() => runProgram(alone, backend, "eager"));
    tables.push(new Map(found.slice(0, steps.length).map((result, k) => [steps[k]!, result])));
  }
  return tables;
}

async function attempt(run: () => ReturnType<typeof runProgram>): Promise<readonly Computed[]> {
  try {
    const found = await run();
    return found instanceof ErmineError ? [] : found;
  } catch {
    return [];
  }
}
