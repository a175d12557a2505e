// Writes what instructions/table.mjs says, and the optimizers' kernels, as TypeScript (src/generated/) and as AssemblyScript (assembly/generated/). Both
// folders are made at each build.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { updates } from "./updates.mjs";
import { families, instructions, sizes } from "../instructions/table.mjs";

const header = "// Made by scripts/generate.mjs. Not to be edited.\n";
const constantOf = (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const entries = Object.entries;

/** An argument as the interpreter reads it. */
const readers = {
  place: (i) => `place(pc, ${i})`,
  i32: (i) => `at(pc, ${i})`,
  f32: (i) => `real(pc, ${i})`,
  flag: (i) => `at(pc, ${i}) != 0`,
  words: (i) => `pc + ${4 * i}`,
};

/** Which file has a kernel: its own, or the generated switches. */
function fileOf(name, { file, kernel = name }) {
  const generated = entries(families).some(([, family]) => family.switches.some((each) => each.name === kernel));
  return generated ? "./switches" : `../${file}`;
}

/** What the interpreter calls for every instruction that does not change where it goes on. */
function kernelCalls() {
  const rows = entries(instructions);
  const imports = rows
    .filter(([, { file }]) => file !== undefined)
    .map(([name, row]) => `import { ${row.kernel ?? name} } from "${fileOf(name, row)}";`);
  const cases = rows.flatMap(([name, { file, args, given, kernel = name }], opcode) => {
    const list = given ?? entries(args).map(([, type], i) => readers[type](i + 1));
    return file === undefined ? [] : [`    case ${opcode}: return ${kernel}(${list.join(", ")});`];
  });
  return `${header}import { at, place, real } from "../arguments";
${imports.join("\n")}

/** Calls the kernel of the instruction at \`pc\`, which ends at \`next\`. Scratch is this thread's \`own\`, and the \`common\` one of all. */
// @ts-ignore: decorator
@inline
export function perform(opcode: i32, pc: usize, next: usize, own: usize, common: usize): void {
  switch (opcode) {
${cases.join("\n")}
    default: unreachable();
  }
}
`;
}

/** The instructions that the interpreter has itself. */
const opcodes = () =>
  `${header}${entries(instructions)
    .flatMap(([name, { file }], opcode) => (file === undefined ? [`export const ${constantOf(name)} = ${opcode};`] : []))
    .join("\n")}\n`;

/** A file of constants for each family: the names are unique within one only. */
const kindFiles = () =>
  entries(families).map(([family, { kinds }]) => [
    `${family}.ts`,
    `${header}${Object.keys(kinds)
      .map((kind, i) => `export const ${constantOf(kind)} = ${i};`)
      .join("\n")}\n`,
  ]);

const familyCodes = () =>
  `${header}${Object.keys(families)
    .map((family, i) => `export const ${constantOf(family)} = ${i};`)
    .join("\n")}\n`;

const sizeConstants = () =>
  `${header}${entries(sizes)
    .map(([name, value]) => `export const ${constantOf(name)} = ${value};`)
    .join("\n")}\n`;

function switches() {
  const all = entries(families).flatMap(([family, { kinds, switches: list }]) =>
    list.map((each) => ({ family, kinds, ...each })),
  );
  const imports = all.map(({ name, file, loop, kinds }) => {
    const loops = [...new Set([loop, ...Object.values(kinds).flatMap((kind) => kind.loop ?? [])])];
    return `import { ${loops.map((each) => `${each} as ${name}_${each}`).join(", ")} } from "../${file}";`;
  });
  const functions = all.map(({ name, loop, kinds, parameters }) => {
    const declared = entries(parameters).map(([parameter, type]) => `${parameter}: ${type}`);
    const handed = Object.keys(parameters).join(", ");
    const cases = entries(kinds).map(([, kind], i) => `    case ${i}: return ${name}_${kind.loop ?? loop}(${i}, ${handed});`);
    return `export function ${name}(kind: i32, ${declared.join(", ")}): void {
  switch (kind) {
${cases.join("\n")}
    default: unreachable();
  }
}`;
  });
  return `${header}${imports.join("\n")}\n\n${functions.join("\n\n")}\n`;
}

const literal = (value) => JSON.stringify(value);
const record = (object) =>
  `{\n${entries(object)
    .map(([key, value]) => `  ${key}: ${value},`)
    .join("\n")}\n}`;

/** An op as a row: its family, its kind, and what is not usual of it. */
function opRows() {
  const rows = {};
  for (const [family, { kinds }] of entries(families)) {
    const numbers = Object.keys(kinds);
    numbers.forEach((kind, i) => {
      const { op, integers, dtypes, options, reads } = kinds[kind];
      if (op === undefined) return;
      const row = {
        family: literal(family),
        kind: i,
        ...(integers === undefined ? {} : { integers: numbers.indexOf(integers) }),
        ...(dtypes === undefined ? {} : { dtypes: literal(dtypes) }),
        ...(options === undefined ? {} : { options: literal(options) }),
        ...(reads === undefined ? {} : { reads }),
      };
      rows[op] = `{ ${entries(row)
        .map(([key, value]) => `${key}: ${value}`)
        .join(", ")} }`;
    });
  }
  return rows;
}

function typescript() {
  const names = Object.keys(instructions);
  const argumentsOf = ({ args }) =>
    `[${entries(args)
      .map(([name, type]) => (type === "words" ? `...${name}: number[]` : `${name}: number`))
      .join(", ")}]`;
  const costs = entries(instructions).flatMap(([name, { cost }]) => (cost === undefined ? [] : [[name, cost]]));
  const chained = entries(families).filter(([, { chained: is = true }]) => is);
  return `${header}import type { DType } from "@ermine/core";

/** The number of each instruction. */
export const opcode = ${record(Object.fromEntries(names.map((name, i) => [name, i])))} as const;

/** The arguments of each instruction, in order: addresses, numbers, and float32 values as their bits. */
export interface InstructionArguments {
${entries(instructions)
  .map(
    ([name, row]) =>
      `  /** The arguments of \`${name}\`, whose kernel is in assembly/${row.file ?? "interpreter"}.ts. */\n  ${name}: ${argumentsOf(row)};`,
  )
  .join("\n")}
}

/** What one element costs an instruction, relative to an addition. */
export const costs = ${record(Object.fromEntries(costs))} as const;

/** How kernels cut their work into blocks. */
export const sizes = ${record(sizes)} as const;

/** The kinds of each family of kernels. */
export const kinds = ${record(
    Object.fromEntries(
      entries(families).map(([family, { kinds }]) => [
        family,
        `{ ${Object.keys(kinds)
          .map((kind, i) => `${kind}: ${i}`)
          .join(", ")} }`,
      ]),
    ),
  )} as const;

/** The families whose kinds can be steps of a chain. */
export type Family = ${chained.map(([family]) => literal(family)).join(" | ")};

/** How a chain's step is written: the family's number, how many words its options are, and whether an operand may be a single element. */
export const stepForms: Readonly<Record<Family, { readonly code: number; readonly options: number; readonly single: boolean }>> = ${record(
    Object.fromEntries(
      chained.map(([family, { options, views }]) => [
        family,
        `{ code: ${Object.keys(families).indexOf(family)}, options: ${options}, single: ${views === "contiguous or single"} }`,
      ]),
    ),
  )};

/** What an element costs in a step, relative to an addition, where that is not 1: by the kind. */
export const stepCosts: Readonly<Record<Family, Readonly<Record<number, number>>>> = ${record(
    Object.fromEntries(
      chained.map(([family, { kinds }]) => [
        family,
        `{ ${Object.values(kinds)
          .flatMap(({ cost }, i) => (cost === undefined ? [] : [`${i}: ${cost}`]))
          .join(", ")} }`,
      ]),
    ),
  )};

/** An op that is one step: its family and kind, its kind on int32 and bool, and which attributes are its options. */
export interface StepRow {
  readonly family: Family;
  readonly kind: number;
  readonly integers?: number;
  readonly dtypes?: readonly DType[];
  readonly options?: readonly string[];
  readonly reads?: 1 | 2;
}

export const stepRows: Readonly<Record<string, StepRow>> = ${record(opRows())};
`;
}

/** The source of a worker thread as text, which needs no address under which a bundler or a server would have to have it. */
function worker(root) {
  const { outputFiles } = buildSync({
    entryPoints: [join(root, "src", "threads", "workerMain.ts")],
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    target: "es2022",
    minify: true,
  });
  return `${header}/** src/threads/workerMain.ts as a script. */\nexport const workerSource = ${literal(outputFiles[0].text.trim())};\n`;
}

/** Writes a file where it differs, so that what depends on it by time is not made again. */
function write(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

/** Writes the files of a folder, and removes those that are made no more. */
function writeFolder(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isFile() && !(entry.name in files)) rmSync(join(folder, entry.name));
  for (const [name, text] of entries(files)) write(join(folder, name), text);
}

/** @param root the package's folder */
export function generate(root) {
  const assembly = join(root, "assembly", "generated");
  const sources = join(root, "src", "generated");
  const made = updates(header);
  writeFolder(sources, { "instructions.ts": typescript(), "updates.ts": made.typescript, "worker.ts": worker(root) });
  writeFolder(join(assembly, "kinds"), Object.fromEntries(kindFiles()));
  writeFolder(assembly, {
    "kernels.ts": kernelCalls(),
    "opcodes.ts": opcodes(),
    "updates.ts": made.assembly,
    "switches.ts": switches(),
    "families.ts": familyCodes(),
    "sizes.ts": sizeConstants(),
  });
}
