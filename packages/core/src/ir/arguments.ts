/**
 * Arguments of the functions over definitions and graphs. A parameter is named by what it is, `graph` or `op`, so that the signature of a call says what is
 * to be checked.
 */
import { checkArguments, checkMapped, misplacedArgument, nameOf, parametersOf } from "../types/arguments.js";
import { isPlainObject } from "../types/options.js";

type Rule = readonly [text: string, holds: (value: unknown) => boolean];

const has =
  (...fields: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === "object" && value !== null && fields.every((field) => field in value);
const isListOf =
  (holds: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(holds);

/** Is it the definition of an op? Functions that are asked of each node say so without a look at their signature. */
export const isOp = (value: unknown): boolean => typeof (value as { infer?: unknown } | null | undefined)?.infer === "function";
/** Is it a node of a graph? */
export const isNode = (value: unknown): boolean => Array.isArray((value as { outputs?: unknown } | null | undefined)?.outputs);

const text: Rule = ["a string", (value) => typeof value === "string"];
const fn: Rule = ["a function", (value) => typeof value === "function"];
const object: Rule = ["an object of values by their names", isPlainObject];
const graph: Rule = ["a graph", has("nodes", "feeds", "outputs", "updates")];
const node: Rule = ["a node of a graph", isNode];
const t: Rule = ["a tensor", has("state")];

/** What a parameter of each name is. */
const rules: Readonly<Record<string, Rule>> = {
  attributes: object,
  bindings: object,
  change: fn,
  check: fn,
  entries: ["an object of graphs by their names", (value) => isPlainObject(value) && Object.values(value).every(graph[1])],
  entry: text,
  feeds: object,
  fn,
  graph,
  listed: fn,
  look: fn,
  module: ["a module, of graphModule(entries)", has("variables", "entries")],
  name: text,
  node,
  nodes: ["a list of nodes", isListOf(node[1])],
  observe: fn,
  op: ["the definition of an op", isOp],
  outputs: ["a list of tensors", isListOf(t[1])],
  places: ["a list of variables' places", isListOf(has())],
  requirement: ["a requirement of a graph", has("what", "path")],
  t,
  // A tensor has these fields too.
  type: ["{ shape, dtype, domain }", (value) => isPlainObject(value) && has("shape", "dtype")(value)],
  variable: ["a variable", has("type", "role")],
};

/** The parameters of the signatures that were asked for, and the rule of each. */
const calls = new Map<string, readonly (readonly [name: string, rule: Rule | undefined])[]>();

/**
 * Refuses arguments that are not what the signature's parameters are called, and more than there are. A backend is left to `checkBackend`. A function of one parameter
 * goes to `map`, which adds a place and the array.
 *
 * @param signature "specialize(graph, bindings)"
 * @throws ErmineError ERMINE_USAGE with the call that is meant
 */
export function checkCall(signature: string, received: ArrayLike<unknown>): void {
  let parameters = calls.get(signature);
  if (parameters === undefined) {
    parameters = parametersOf(signature).map((name) => [name, rules[name]]);
    calls.set(signature, parameters);
  }
  const { length } = parameters;
  if (received.length > length) (length === 1 ? checkMapped : checkArguments)(nameOf(signature), received, length);
  for (let i = 0; i < length; i++) {
    const [name, rule] = parameters[i]!;
    if (rule !== undefined && !rule[1](received[i])) throw misplacedArgument(signature, name, received[i], rule[0]);
  }
}
