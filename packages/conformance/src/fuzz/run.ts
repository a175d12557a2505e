/** Many programs on some targets: counts, what was discarded, and what differs, made small and printed. */
import { checkBackend } from "@ermine/core/backend";
import { checkArguments, checkDefinition, type OptionKinds } from "@ermine/core/define";
import type { Mode } from "../golden/kind.js";
import { generate, type GenerateOptions } from "./generate.js";
import { judge, type FuzzTarget, type Verdict } from "./judge.js";
import { printProgram } from "./print.js";
import type { Program } from "./program.js";
import { shrink, type ShrinkOptions } from "./shrink.js";

/** The options of `fuzz`. */
export interface FuzzOptions extends ShrinkOptions, GenerateOptions {
  /** The backends that are tried. */
  readonly targets: readonly FuzzTarget[];
  /** Of the first program; the others are the next ones. Default 1. */
  readonly seed?: number;
  /** How many. Default: until `seconds` are over, else 500. */
  readonly programs?: number;
  /** Stop after that many. Default: no limit. */
  readonly seconds?: number;
  /** Stop after that many differences. Default 1. */
  readonly differences?: number;
  /** Told of each difference as it is found. Default: nobody is told. */
  readonly onDifference?: (difference: FuzzDifference) => void;
  /** Told now and then. Default: nobody is told. */
  readonly onProgress?: (report: FuzzReport) => void;
}

const optionKinds: OptionKinds<FuzzOptions> = {
  targets: "list",
  seed: "integer",
  programs: "number",
  seconds: "number",
  differences: "integer",
  tries: "integer",
  large: "boolean",
  onDifference: "function",
  onProgress: "function",
};

/** A program that does not give on a target what it gives on the reference. */
export interface FuzzDifference {
  /** The seed that draws the program again. */
  readonly seed: number;
  /** "cpu fast". */
  readonly target: string;
  /** Op by op or compiled. */
  readonly mode: Mode;
  /** "call 0, t3[1] of 4 is 2 and should be 1 ± 1e-7", of the small program. */
  readonly difference: string;
  /** The program, as small as it still differs. */
  readonly program: Program;
  /** The small program as TypeScript, to paste into a test that has a `backend`. */
  readonly source: string;
}

/** The result of `fuzz`. */
export interface FuzzReport {
  /** How many programs were drawn. */
  readonly programs: number;
  /** How many could not be judged, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
  /** The programs that differ. */
  readonly differences: readonly FuzzDifference[];
}

/**
 * Draws programs and compares each target with the float64 reference, eagerly and compiled.
 *
 * @example
 * const { differences } = await fuzz({ targets: [{ label: "cpu", backend: await cpu() }], programs: 5 });
 * differences.length; // => 0
 * @returns how many programs there were, how many of them nothing could be said of, and those that differ, as small as they still do
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  checkArguments("fuzz", arguments, 1);
  checkDefinition("fuzz", options, optionKinds, ["targets"]);
  for (const target of options.targets) checkBackend("fuzz({ targets: [{ label, backend }] })", target?.backend);
  const { targets, seed = 1, seconds, differences: most = 1, onDifference, onProgress } = options;
  const programs = options.programs ?? (seconds === undefined ? 500 : Infinity);
  const end = seconds === undefined ? Infinity : performance.now() + 1000 * seconds;
  const discarded: Record<string, number> = {};
  const differences: FuzzDifference[] = [];
  const report = (count: number): FuzzReport => ({ programs: count, discarded, differences });
  let count = 0;
  for (; count < programs && differences.length < most && performance.now() < end; count++) {
    const program = generate(seed + count, options);
    const verdict = await judge(program, targets);
    if (verdict.kind === "discarded") discarded[verdict.reason] = (discarded[verdict.reason] ?? 0) + 1;
    if (verdict.kind === "different") {
      const difference = await explain(seed + count, program, verdict, options);
      differences.push(difference);
      onDifference?.(difference);
    }
    if (count % 100 === 99) {
      onProgress?.(report(count + 1));
      // Finalizers and timers have their turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return report(count);
}

async function explain(
  seed: number,
  program: Program,
  firstVerdict: Extract<Verdict, { kind: "different" }>,
  options: FuzzOptions,
): Promise<FuzzDifference> {
  const { target, mode, sort, difference } = firstVerdict;
  const where = options.targets.flatMap((candidate) =>
    candidate.label === target ? [{ ...candidate, modes: [mode], largeOnly: false }] : [],
  );
  let last = difference;
  const differs = async (candidate: Program): Promise<boolean> => {
    const verdict = await judge(candidate, where);
    if (verdict.kind !== "different" || verdict.sort !== sort) return false;
    last = verdict.difference;
    return true;
  };
  const small = await shrink(program, differs, options);
  await differs(small);
  return {
    seed,
    target,
    mode,
    difference: last,
    program: small,
    source: `// ${target}, ${mode}: ${last}\n${printProgram(small, mode)}`,
  };
}
