/** A configuration of a file, of options and of `--set`: what comes later counts. */
import { readFile } from "node:fs/promises";
import { dirname, extname, isAbsolute, join } from "node:path";
import { ErmineError } from "@ermine/core";
import { parse } from "yaml";
import { checkFile } from "../table/readTable.js";
import { checkConfiguration, type Configuration } from "./schema.js";

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

/** What the command line says. */
export interface Stated {
  /** A YAML or JSON file; undefined: none. */
  readonly file: string | undefined;
  /** Of options, by their paths; undefined: not given. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Each "path=value", the value as YAML has it. */
  readonly set: readonly string[];
}

/** @throws ErmineError ERMINE_OPTION where something is wrong in it, ERMINE_DATA where the file cannot be read */
export async function loadConfiguration({ file, options, set }: Stated): Promise<Configuration> {
  const tree: Tree = file === undefined ? {} : await fromFile(file);
  for (const [path, value] of Object.entries(options)) if (value !== undefined) put(tree, path.split("."), value, path);
  for (const assignment of set) {
    const equals = assignment.indexOf("=");
    if (equals < 1)
      throw new ErmineError(
        "ERMINE_OPTION",
        `--set takes path=value, as in --set optimizer.learningRate=0.01; got ${assignment}.`,
      );
    const path = assignment.slice(0, equals);
    put(tree, path.split("."), valueOf(`--set ${path}`, assignment.slice(equals + 1)), path);
  }
  return checkConfiguration(file ?? "The configuration", tree);
}

async function fromFile(path: string): Promise<Tree> {
  await checkFile(path);
  const extension = extname(path).toLowerCase();
  if (![".yaml", ".yml", ".json"].includes(extension))
    throw new ErmineError("ERMINE_OPTION", `${path} is no configuration: its name ends with .yaml or .json.`);
  const tree = valueOf(path, await readFile(path, "utf8"));
  if (tree === null) return {};
  if (!isTree(tree)) throw new ErmineError("ERMINE_OPTION", `${path} is no configuration: it must be keys and values.`);
  const { data } = tree;
  // A file's paths are those from where it is.
  if (typeof data === "string" && !isAbsolute(data)) tree["data"] = join(dirname(path), data);
  return tree;
}

/** JSON is YAML. */
function valueOf(where: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (error) {
    throw new ErmineError("ERMINE_OPTION", `${where} is no YAML: ${(error as Error).message.split("\n")[0]!}`, { cause: error });
  }
}

function put(tree: Tree, [key, ...rest]: readonly string[], value: unknown, path: string): void {
  if (key === "__proto__") throw new ErmineError("ERMINE_OPTION", `There is no ${path}.`);
  if (rest.length === 0) {
    tree[key!] = value;
    return;
  }
  if (!Object.hasOwn(tree, key!) || tree[key!] === null) tree[key!] = {};
  const inner = tree[key!];
  if (!isTree(inner)) throw new ErmineError("ERMINE_OPTION", `${path}: ${key} has no parts.`);
  put(inner, rest, value, path);
}

/** Seconds of "90", "90s", "5m" or "1.5h". @throws ErmineError ERMINE_OPTION */
export function secondsOf(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text.trim());
  const seconds = match === null ? 0 : Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] ?? "s") as "s" | "m" | "h"];
  if (seconds > 0) return seconds;
  throw new ErmineError("ERMINE_OPTION", `${option} is a time, 90s, 5m or 1h; got ${text}.`);
}
