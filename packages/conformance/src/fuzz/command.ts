/** The options of `ermine-fuzz`. */
import { parseArgs } from "node:util";
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";

export interface FuzzCommand {
  readonly seed: number;
  readonly programs: number | undefined;
  readonly minutes: number | undefined;
  readonly backends: readonly string[];
  readonly plugins: readonly string[];
  readonly differences: number;
  readonly planted: boolean;
  /** The report as one line of JSON: for the process that started this one. */
  readonly json: boolean;
}

export const fuzzUsage = `ermine-fuzz [options]: programs at random, on every backend against the float64 reference

  --seed N            of the first program; the others are the next ones. Default 1
  --programs N        how many. Default 2000, or until --minutes are over
  --minutes M         stop after that time
  --backend LIST      reference, cpu, tfjs, or the modules of plugins; default: every backend that is available
  --plugin MODULE     a module that exports a backend plugin; can be given more than once
  --differences N     stop after that many differences. Default 10
  --planted           eleven backends with one fault each: is each found within 2000 programs?

Exit status: 1 where a program differs, or where more than a fifth of them cannot be judged.`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const optionTypes = {
  seed: text,
  programs: text,
  minutes: text,
  backend: { type: "string", multiple: true },
  plugin: { type: "string", multiple: true },
  differences: text,
  planted: flag,
  json: flag,
  help: { type: "boolean", short: "h" },
} as const;

/** @throws ErmineError ERMINE_OPTION */
export function readFuzzOptions(args: readonly string[]): FuzzCommand | "help" {
  const wrong = args.find((arg) => arg.startsWith("--") && !(arg.slice(2).split("=")[0]! in optionTypes));
  if (wrong !== undefined) {
    const near = nearestName(wrong.slice(2).split("=")[0]!, Object.keys(optionTypes));
    throw new ErmineError(
      "ERMINE_OPTION",
      `There is no option ${wrong}.${near === undefined ? "" : ` Did you mean --${near}?`}\n\n${fuzzUsage}`,
    );
  }
  const values = parse(args);
  if (values.help === true) return "help";
  const minutes = numberOf("minutes", values.minutes, 0, false);
  return {
    seed: numberOf("seed", values.seed, 0, true) ?? 1,
    programs: numberOf("programs", values.programs, 1, true) ?? (minutes === undefined ? 2000 : undefined),
    minutes,
    backends: (values.backend ?? []).flatMap((list) => list.split(",").map((name) => name.trim())),
    plugins: values.plugin ?? [],
    differences: numberOf("differences", values.differences, 1, true) ?? 10,
    planted: values.planted === true,
    json: values.json === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ErmineError("ERMINE_OPTION", `${(error as Error).message}\n\n${fuzzUsage}`);
  }
}

function numberOf(option: string, text: string | undefined, least: number, whole: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value >= least && Number.isFinite(value) && (!whole || Number.isSafeInteger(value))) return value;
  throw new ErmineError(
    "ERMINE_OPTION",
    `--${option} is a ${whole ? "whole " : ""}number ≥ ${least}, got "${text}".\n\n${fuzzUsage}`,
  );
}
