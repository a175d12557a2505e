/** The command's options. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import type { Mode } from "../golden/kind.js";
import { goldenKinds } from "../golden/run.js";

export interface CommandOptions {
  /** Absent: the laws alone. */
  readonly golden: string | undefined;
  readonly laws: boolean;
  readonly backend: string | undefined;
  readonly numerics: string | undefined;
  readonly kinds: readonly string[];
  readonly modes: readonly Mode[];
  readonly plugins: readonly string[];
}

export const usage = `ermine-conformance [--golden DIR] [--laws] [options]

  --golden DIR        the folder of golden files: every .json of one of the kinds below
  --laws              the laws, on every op, activation and loss
  --backend NAME      reference, cpu, tfjs, or the module of a plugin; default: every backend that is available
  --numerics LEVEL    fast or portable; default: both, where a backend has them
  --kind LIST         some of ${goldenKinds.map((kind) => kind.name).join(",")}; default: all that DIR has
  --mode LIST         some of eager,compiled; default: both
  --plugin MODULE     a module that exports a backend plugin; can be given more than once`;

/** @throws ErmineError ERMINE_OPTION */
export function readOptions(args: readonly string[], cwd: string): CommandOptions | "help" {
  const values = parse(args);
  if (values.help === true) return "help";
  if (values.golden === undefined && values.laws !== true) {
    throw new ErmineError("ERMINE_OPTION", `--golden DIR or --laws is needed.\n\n${usage}`);
  }
  return {
    golden: values.golden === undefined ? undefined : resolve(cwd, values.golden),
    laws: values.laws === true,
    backend: values.backend,
    numerics: values.numerics === undefined ? undefined : oneOf("--numerics", ["fast", "portable"], values.numerics),
    kinds: list(
      "--kind",
      goldenKinds.map(({ name }) => name),
      values.kind,
    ),
    modes: list("--mode", ["eager", "compiled"] as const, values.mode),
    plugins: values.plugin ?? [],
  };
}

const text = { type: "string" } as const;
const optionTypes = {
  golden: text,
  laws: { type: "boolean" },
  backend: text,
  numerics: text,
  kind: text,
  mode: text,
  plugin: { type: "string", multiple: true },
  help: { type: "boolean", short: "h" },
} as const;

function parse(args: readonly string[]) {
  const wrong = args.find((arg) => arg.startsWith("--") && !(arg.slice(2).split("=")[0]! in optionTypes));
  if (wrong !== undefined) {
    const near = nearestName(wrong.slice(2).split("=")[0]!, Object.keys(optionTypes));
    throw new ErmineError(
      "ERMINE_OPTION",
      `There is no option ${wrong}.${near === undefined ? "" : ` Did you mean --${near}?`}\n\n${usage}`,
    );
  }
  try {
    return parseArgs({ args: [...args], options: optionTypes, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ErmineError("ERMINE_OPTION", `${(error as Error).message}\n\n${usage}`);
  }
}

function list<T extends string>(option: string, all: readonly T[], value: string | undefined): readonly T[] {
  if (value === undefined) return all;
  const names = value.split(",").map((name) => name.trim());
  return names.map((name) => oneOf(option, all, name));
}

function oneOf<T extends string>(option: string, all: readonly T[], value: string): T {
  const match = all.find((name) => name === value);
  if (match !== undefined) return match;
  const near = nearestName(value, all);
  throw new ErmineError(
    "ERMINE_OPTION",
    `${option} knows ${all.join(", ")}; got "${value}".${near === undefined ? "" : ` Did you mean "${near}"?`}`,
  );
}
