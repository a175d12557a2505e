/** A program as source: what can be pasted into a test, with public functions alone. */
import { ownCalls } from "./calls.js";
import { entryOfCore } from "./exportsOfCore.js";
import type { Mode } from "../golden/kind.js";
import { isList, isName, isRef, stepsOf, type Arg, type Entry, type Leaf, type Program, type Step } from "./program.js";

/** Names that the source imports, by module. */
class Imports {
  readonly #modules = new Map<string, Set<string>>();

  add(module: string, ...names: readonly string[]): void {
    for (const name of names) {
      const entry = module === "@ermine/core" ? entryOfCore(name) : module;
      if (!this.#modules.has(entry)) this.#modules.set(entry, new Set());
      this.#modules.get(entry)!.add(name);
    }
  }

  toString(): string {
    return [...this.#modules].map(([module, names]) => `import { ${[...names].sort().join(", ")} } from "${module}";`).join("\n");
  }
}

const isIdentifier = (key: string): boolean =>
  [...key].every((letter) => letter.toLowerCase() !== letter.toUpperCase() || letter === "_");

const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function argText(arg: Arg, variables: ReadonlySet<string>): string {
  if (isRef(arg)) return variables.has(arg.ref) ? `${arg.ref}.value` : arg.ref;
  if (isName(arg)) return arg.name;
  if (typeof arg === "number") return numberText(arg);
  if (arg === undefined) return "undefined";
  if (typeof arg !== "object" || arg === null) return JSON.stringify(arg);
  if (isList(arg)) return `[${arg.map((item) => argText(item, variables)).join(", ")}]`;
  const fields = Object.entries(arg).map(
    ([key, item]) => `${isIdentifier(key) ? key : JSON.stringify(key)}: ${argText(item, variables)}`,
  );
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function namesIn(arg: Arg): readonly string[] {
  if (isName(arg)) return [arg.name];
  if (typeof arg !== "object" || arg === null || isRef(arg)) return [];
  return Object.values(arg as object).flatMap((item: Arg) => namesIn(item));
}

function stepText({ result, call, args, take = "" }: Step, variables: ReadonlySet<string>, imports: Imports): string {
  for (const arg of args) imports.add("@ermine/core", ...namesIn(arg));
  const texts = args.map((arg) => argText(arg, variables));
  const ownCall = ownCalls[call];
  if (ownCall === undefined) {
    imports.add("@ermine/core", call);
    return `const ${result} = ${call}(${texts.join(", ")})${take}${take.startsWith("[") ? "!" : ""};`;
  }
  const { core = [], nn = [], trainer = [] } = ownCall.imports?.(...args) ?? {};
  if (core.length > 0) imports.add("@ermine/core", ...core);
  if (nn.length > 0) imports.add("@ermine/core/nn", ...nn);
  if (trainer.length > 0) imports.add("@ermine/trainer", ...trainer);
  return `const ${result} = ${ownCall.print(...texts)}${take}${take === "" ? "" : "!"};`;
}

function elementsText({ dtype, data }: Leaf): string {
  const elements =
    data.length > 8 && data.every((value) => Object.is(value, data[0]))
      ? `Array(${data.length}).fill(${numberText(data[0]!)})`
      : `[${data.map(numberText).join(", ")}]`;
  const array = { float32: "Float32Array", int32: "Int32Array", bool: "Uint8Array" }[dtype];
  return `${array}.from(${elements})`;
}

const leafText = (leaf: Leaf): string =>
  `tensor(${elementsText(leaf)}, { shape: [${leaf.shape.join(", ")}], dtype: "${leaf.dtype}" })`;

/** The entries that are one program, compiled. */
function jointText(together: readonly number[], program: Program, imports: Imports): string {
  imports.add("@ermine/core", "compileModule", "graphModule", "traceEntry");
  const feeds = Object.entries(program.inputs).map(
    ([name, { shape, dtype }]) => `trace.feed("${name}", { shape: [${shape.join(", ")}], dtype: "${dtype}", domain: "real" })`,
  );
  const entries = together.map((i) => `entry${i}: traceEntry("entry${i}", (trace) => entry${i}(${feeds.join(", ")})).graph`);
  return `const joint = withBackend(backend, () => compileModule(backend, graphModule({ ${entries.join(", ")} })));`;
}

function jointCallText(entry: number, program: Program): string {
  const feeds = Object.entries(program.inputs).map(
    ([name, leaf]) => `${name}: { shape: [${leaf.shape.join(", ")}], value: ${elementsText(leaf)} }`,
  );
  return `joint.run("entry${entry}", { ${feeds.join(", ")} }).map((storage) => [...backend.readSync!(storage)])`;
}

/** The names that are read after the gradients are known. */
function keptOf(entry: Entry): readonly string[] {
  const later = { ...entry, steps: [] };
  const used = new Set([
    ...stepsOf(later).flatMap((step) => refsIn(step)),
    ...entry.outputs,
    ...entry.writes.map(({ value }) => value),
    entry.commit ?? "",
  ]);
  return entry.steps.flatMap(({ result }) => (used.has(result) ? [result] : []));
}

const refsIn = (step: Step): readonly string[] => {
  const visit = (arg: Arg): readonly string[] =>
    isRef(arg)
      ? [arg.ref]
      : typeof arg !== "object" || arg === null || isName(arg)
        ? []
        : Object.values(arg as object).flatMap((item: Arg) => visit(item));
  return step.args.flatMap(visit);
};

function entryText(entry: Entry, index: number, program: Program, imports: Imports): string {
  const variables = new Set(Object.keys(program.variables));
  const line = (step: Step): string => stepText(step, variables, imports);
  const { gradient, commit } = entry;
  const lines: string[] = [];
  const steps = entry.steps.map(line);
  if (gradient === undefined) lines.push(...steps);
  else {
    imports.add("@ermine/core", "valueAndGrad");
    const keptNames = keptOf(entry);
    const list = `[${keptNames.join(", ")}]`;
    const sources = `[${gradient.sources.join(", ")}]`;
    const result = (name: string): string => (variables.has(name) ? `${name}.value` : name);
    const inner = [
      "valueAndGrad(() => {",
      ...steps.map((text) => `  ${text}`),
      `  return [${result(gradient.of)}, ${list}] as const;`,
      `}, ${sources})`,
    ];
    if (gradient.twice === true) {
      imports.add("@ermine/core", "add", "mul", "square", "sum");
      const energy = gradient.sources
        .map((_, i) => `mul(sum(square(first.grads[${i}]!)), 0.5)`)
        .reduce((all, one) => `add(${all}, ${one})`);
      lines.push(
        "const { value, grads } = valueAndGrad(() => {",
        `  const first = ${inner.map((text, i) => (i === 0 ? text : `  ${text}`)).join("\n")};`,
        `  return [${energy}, first.value[1]] as const;`,
        `}, ${sources});`,
      );
    } else lines.push(`const { value, grads } = ${inner.join("\n")};`);
    if (keptNames.length > 0) lines.push(`const ${list} = value[1];`);
    lines.push(
      `const [${gradient.sources.map((_, i) => `g${i}`).join(", ")}] = grads as [${gradient.sources.map(() => "Tensor").join(", ")}];`,
    );
    imports.add("@ermine/core", "type Tensor");
  }
  lines.push(...entry.after.map(line));
  const name = (value: string): string => (variables.has(value) ? `${value}.value` : value);
  lines.push(`const results: Tensor[] = [${entry.outputs.map(name).join(", ")}];`);
  if (entry.writes.length > 0) {
    lines.push(
      `const [${entry.writes.map(({ variable }) => `${variable}Next`).join(", ")}] = [${entry.writes.map(({ value }) => name(value)).join(", ")}];`,
    );
    if (commit !== undefined) {
      imports.add("@ermine/core", "currentTrace", "where");
      lines.push(`currentTrace()?.commitIf(${name(commit)});`);
    }
    for (const { variable } of entry.writes) {
      const next = `${variable}Next!`;
      lines.push(
        `${variable}.value = ${commit === undefined ? next : `currentTrace() === undefined ? where(${name(commit)}, ${next}, ${variable}.value) : ${next}`};`,
      );
    }
  }
  lines.push("return results;");
  const body = lines.flatMap((text) => text.split("\n")).map((text) => `  ${text}`);
  return [`const entry${index} = () => {`, ...body, "};"].join("\n");
}

/**
 * TypeScript that runs the program on `backend` and prints its results.
 *
 * Inputs are arguments of the compiled function, so they are arguments here too.
 */
export function printProgram(program: Program, mode: Mode = "compiled"): string {
  const imports = new Imports();
  imports.add("@ermine/core", "tensor", "type Tensor", "withBackend");
  const inputs = Object.keys(program.inputs);
  const entries = program.entries.map((entry, i) =>
    entryText(entry, i, program, imports).replace("= () =>", `= (${inputs.map((name) => `${name}: Tensor`).join(", ")}) =>`),
  );
  if (Object.keys(program.variables).length > 0) imports.add("@ermine/core", "Variable");
  const list = `[${program.entries.map((_, i) => `entry${i}`).join(", ")}]`;
  const one = entries.length === 1 ? "entry0" : "choose";
  const choose = `const choose = (entry: number, ...inputs: Tensor[]): Tensor[] => (${list} as ((...inputs: Tensor[]) => Tensor[])[])[entry]!(...inputs);`;
  const run = mode === "compiled" ? `const run = compile(${one}, { backend });` : `const run = ${one};`;
  // A variable takes over the tensor that is written to it, but for one that is kept.
  const writes = program.entries.some((entry) => entry.writes.length > 0);
  if (writes) imports.add("@ermine/core", "keep");
  const input = (leaf: Leaf): string => (writes ? `keep(${leafText(leaf)})` : leafText(leaf));
  const together = mode === "compiled" ? (program.together ?? []) : [];
  const isAllJoint = program.calls.every((entry) => together.includes(entry));
  if (mode === "compiled" && !isAllJoint) imports.add("@ermine/core", "compile");
  const lines = [
    ...Object.entries(program.inputs).map(([name, leaf]) => `const ${name} = ${input(leaf)};`),
    ...Object.entries(program.variables).map(
      ([name, leaf]) => `const ${name} = new Variable(${leafText(leaf)}, { name: "${name}" });`,
    ),
    ...entries,
    ...(entries.length === 1 || isAllJoint ? [] : [choose]),
    ...(isAllJoint ? [] : [run]),
    ...(together.length === 0 ? [] : [jointText(together, program, imports)]),
    ...program.calls.map((entry, i) => {
      if (together.includes(entry)) return `const call${i} = ${jointCallText(entry, program)};`;
      const args = entries.length === 1 ? inputs : [String(entry), ...inputs];
      return `const call${i} = withBackend(backend, () => run(${args.join(", ")}).map((t) => t.toArray()));`;
    }),
    `console.log(${[...program.calls.map((_, i) => `call${i}`), ...Object.keys(program.variables).map((name) => `withBackend(backend, () => ${name}.value.toArray())`)].join(", ")});`,
  ];
  return `${String(imports)}\n\n${lines.join("\n")}\n`;
}
