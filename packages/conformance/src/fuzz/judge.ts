/** One program on every target, against the reference. */
import { ErmineError, type Backend } from "@ermine/core";
import type { Mode } from "../golden/kind.js";
import { runProgram, type Outcome } from "./evaluate.js";
import { consult, differenceOf, widened, type Expected } from "./oracle.js";
import type { Program } from "./program.js";

/** Where programs are run. */
export interface FuzzTarget {
  /** "cpu fast". */
  readonly label: string;
  /** The backend that is tried. */
  readonly backend: Backend;
  /** Default: eager and compiled. */
  readonly modes?: readonly Mode[];
  /** Only programs with at least one large tensor: for several threads. */
  readonly largeOnly?: boolean;
}

export type Verdict =
  | { readonly kind: "same" }
  | { readonly kind: "discarded"; readonly reason: string }
  | {
      readonly kind: "different";
      readonly target: string;
      readonly mode: Mode;
      readonly sort: Sort;
      readonly difference: string;
    };

/** Other values; refused, or not, where it should be otherwise; something else than an ErmineError thrown. */
export type Sort = "values" | "refusal" | "error";

interface Difference {
  readonly sort: Sort;
  readonly difference: string;
}

const isLarge = (program: Program): boolean =>
  [...Object.values(program.inputs), ...Object.values(program.variables)].some(({ data }) => data.length > 5000);

const both: readonly Mode[] = ["eager", "compiled"];

interface Run {
  readonly target: string;
  readonly mode: Mode;
  /** A string says what else than an ErmineError was thrown. */
  readonly outcome: Outcome | string;
}

/** The first target that differs. */
export async function judge(program: Program, targets: readonly FuzzTarget[]): Promise<Verdict> {
  const oracle = await attempt(() => consult(program));
  if (typeof oracle === "string")
    return { kind: "different", target: "reference", mode: "eager", sort: "error", difference: oracle };
  if (oracle.kind === "discarded") return oracle;
  const runs = await runEverywhere(program, targets);
  if (oracle.kind === "refused") {
    // A compiled program leaves out what nothing reads: a value, where its gradient alone is.
    const whole = runs.filter(({ mode }) => mode === "eager" || program.entries.every(({ gradient }) => gradient === undefined));
    return firstOf(whole, (outcome) => refusalDifference(outcome, oracle.error)) ?? { kind: "discarded", reason: "refused" };
  }
  const difference = firstOf(runs, (outcome) => valueDifference(outcome, oracle.values));
  // Results that agree to rounding need no perturbations; those that differ by them are tried with many more.
  if (difference === undefined) return { kind: "same" };
  for (const times of [3, 24] as const) {
    const wider = await widened(program, oracle.values, times);
    if (wider.kind === "discarded") return wider;
    const again = firstOf(runs, (outcome) => valueDifference(outcome, wider.values));
    if (again === undefined) return { kind: "same" };
    if (times === 24) return again;
  }
  return difference;
}

async function runEverywhere(program: Program, targets: readonly FuzzTarget[]): Promise<readonly Run[]> {
  const large = isLarge(program);
  const runs: Run[] = [];
  for (const { label, backend, modes = both, largeOnly = false } of targets) {
    if (largeOnly && !large) continue;
    for (const mode of modes)
      runs.push({ target: label, mode, outcome: await attempt(() => runProgram(program, backend, mode)) });
  }
  return runs;
}

function firstOf(runs: readonly Run[], differenceIn: (outcome: Outcome) => Difference | undefined): Verdict | undefined {
  for (const { target, mode, outcome } of runs) {
    const difference: Difference | undefined =
      typeof outcome === "string" ? { sort: "error", difference: outcome } : differenceIn(outcome);
    if (difference !== undefined) return { kind: "different", target, mode, ...difference };
  }
  return undefined;
}

const refusal = (difference: string): Difference => ({ sort: "refusal", difference });

/** Which of several reasons is met first is nobody's promise. */
const refusalDifference = (outcome: Outcome, { message }: ErmineError): Difference | undefined =>
  outcome instanceof ErmineError ? undefined : refusal(`it gives values and should be refused: ${message}`);

function valueDifference(outcome: Outcome, expected: readonly Expected[]): Difference | undefined {
  if (outcome instanceof ErmineError) return refusal(`it is refused: ${outcome.message}`);
  const difference = differenceOf(outcome, expected);
  return difference === undefined ? undefined : { sort: "values", difference };
}

/** The results or the error, as text. */
async function attempt<T>(run: () => Promise<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    return describe(error);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `it throws ${error.name}: ${error.message}` : `it throws ${String(error)}`;
