// One fused kernel for each elementwise optimizer that ermine ships, from its definition: the ops of its chain of transformations are traced, decomposed to
// primitives and written as a loop over vectors, in which each op is the function that the chain's interpreter has for it. So a kernel has the bits of its
// definition. A chain that is not listed here runs as an interpreted chain (src/lower/chain.ts).
import { graphModule, lowerModule, specialize, traceEntry } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  asgd,
  lion,
  nadam,
  radam,
  rmsprop,
  rprop,
  sgd,
  sparseAdam,
} from "@ermine/trainer";
import { families } from "../instructions/table.mjs";

const decay = { weightDecay: 0.1 };
const momentum = { momentum: 0.9 };

/** The optimizers with kernels: each with its defaults, the most usual ones also with what people add to them. */
const shipped = [
  sgd(),
  sgd(decay),
  sgd(momentum),
  sgd({ ...momentum, ...decay }),
  sgd({ ...momentum, nesterov: true }),
  sgd({ ...momentum, ...decay, nesterov: true }),
  adam(),
  adam(decay),
  adamw(),
  sparseAdam(),
  rmsprop(),
  rmsprop(decay),
  rmsprop(momentum),
  adagrad(),
  adadelta(),
  adamax(),
  nadam(),
  nadam({ ...decay, decoupledWeightDecay: true }),
  radam(),
  radam({ ...decay, decoupledWeightDecay: true }),
  lion(),
  lion(decay),
  asgd(),
  rprop(),
];

/** Elements of the traced parameter: any number. */
const elements = 64;
const real = (shape) => ({ shape, dtype: "float32", domain: "real" });

/** The optimizer's op, and the step in primitives: inputs are p, g and the slots, outputs the new p and slots. */
function traced(optimizer) {
  const slots = Object.keys(optimizer.slots([elements]));
  const { graph } = traceEntry("update", (trace) => {
    const [p, g, ...kept] = ["p", "g", ...slots].map((name) => trace.feed(name, real([elements])));
    const scalars = trace.feed("scalars", real([optimizer.scalarCount]));
    const next = optimizer.update({ parameters: [p], slots: [kept] }, [g], scalars);
    return [next.parameters[0], ...next.slots[0]];
  });
  const { op, attributes } = graph.nodes.find((node) => node.kind === "op");
  const { update } = lowerModule(graphModule({ update: graph }), reference()).entries;
  return { name: op.name, form: attributes.form, slots, scalars: optimizer.scalarCount, graph: specialize(update, {}) };
}

/** Which function of assembly/ an op is, and the number of its kind. */
const kernelOf = new Map(
  ["unary", "binary"].flatMap((family) =>
    Object.entries(families[family].kinds).flatMap(([, { op }], kind) => (op === undefined ? [] : [[op, { family, kind }]])),
  ),
);
const functions = { unary: "one", binary: "two" };
const masks = { less: "f32x4.lt", lessEqual: "f32x4.le", equal: "f32x4.eq" };

/** A float32 as AssemblyScript has it. */
const float = (value) => {
  const text = String(Math.fround(value));
  return `<f32>${/[.e]/.test(text) ? text : `${text}.0`}`;
};

const isScalar = ({ type }) => type.shape.length === 0;

/** A kernel's text, and what lowerings need to know of it. */
function kernel({ form, slots, scalars, graph }, number) {
  const names = new Map();
  const before = [];
  const body = [];
  let costly = 0;
  const operands = ["p", "g", ...slots];
  const nameOf = (value) => names.get(value) ?? fail(form, `reads ${value.node.kind} ${value.node.op?.name ?? ""}`);
  for (const node of graph.nodes) {
    const value = node.outputs[0];
    const name = `v${names.size}`;
    if (node.kind === "feed") {
      names.set(value, node.name);
      if (node.name !== "scalars") body.push((half) => `const ${node.name}$ = v128.load(${node.name} + i${half});`);
      continue;
    }
    if (node.kind === "constant" && node.data?.length === 1) {
      before.push(`const ${name} = splat(${float(node.data[0])});`);
    } else if (node.kind === "op" && node.op.name === "slice" && node.inputs[0].node.name === "scalars") {
      before.push(`const ${name} = v128.load32_splat(scalars, ${4 * node.attributes.starts[0]});`);
    } else if (node.kind === "op" && node.op.name === "reshape" && node.inputs[0].node.name === "scalars") {
      // The only one.
      before.push(`const ${name} = v128.load32_splat(scalars);`);
    } else if (node.kind === "op" && node.op.name === "reshape") {
      names.set(value, nameOf(node.inputs[0]));
      continue;
    } else if (node.kind === "op") {
      const called = (half) => call(node, form, (input) => (isHoisted(input) ? nameOf(input) : `${nameOf(input)}${half}`));
      if (isScalar(value)) before.push(`const ${name} = ${called("")};`);
      else body.push((half, lane) => `const ${name}${lane} = ${called(lane)};`);
      if (["div", "sqrt"].includes(node.op.name)) costly++;
    } else fail(form, `has a ${node.kind}`);
    names.set(value, name);
  }
  const outputs = ["p", ...slots];
  const results = graph.outputs.map((value) => nameOf(value));
  const lines = (half, lane) => body.map((line) => line(half, lane).replaceAll("$", lane));
  const stores = (half, lane) => results.map((name, i) => `v128.store(${outputs[i]}New + i, ${name}${lane}${half});`);
  const interleaved = (first, second) => first.flatMap((line, i) => [line, second[i]]);
  const text = `/** ${form}. */
function update${number}(scalars: usize, count: i32, at: usize): void {
${[...outputs.map((name) => `${name}New`), ...operands].map((name, i) => `  const ${name} = place(at, ${i});`).join("\n")}
${before.map((line) => `  ${line}`).join("\n")}
  const end = <usize>count << 2;
  let i: usize = 0;
  for (; i + 16 < end; i += 32) {
${interleaved(lines("", "a"), lines(", 16", "b"))
  .map((line) => `    ${line}`)
  .join("\n")}
${interleaved(stores("", "a"), stores(", 16", "b"))
  .map((line) => `    ${line}`)
  .join("\n")}
  }
  for (; i < end; i += 16) {
${[...lines("", "a"), ...stores("", "a")].map((line) => `    ${line}`).join("\n")}
  }
}
`;
  return { text, row: { kind: number, scalars, slots: slots.length, cost: 1 + costly / 2 } };
}

/** Values that are the same for all elements are made once, before the loop. */
function isHoisted(value) {
  const { node } = value;
  if (node.kind === "op" && node.op.name === "reshape") return isScalar(value) || isHoisted(node.inputs[0]);
  return node.kind === "constant" || isScalar(value) || (node.kind === "op" && node.op.name === "slice");
}

function call(node, form, nameOf) {
  const inputs = node.inputs.map(nameOf);
  if (node.op.name === "where") {
    // A comparison's mask as it is, not as the 0 or 1 that a bool is.
    const { op, inputs: compared = [] } = node.inputs[0].node;
    const mask = op && masks[op.name];
    if (mask !== undefined) return `select(${mask}(${compared.map(nameOf).join(", ")}), ${inputs[1]}, ${inputs[2]})`;
    return `select(i32x4.eq(${inputs[0]}, i32x4.splat(0)), ${inputs[2]}, ${inputs[1]})`;
  }
  const found = kernelOf.get(node.op.name) ?? fail(form, `has the op ${node.op.name}, which is no step of one element`);
  return `${functions[found.family]}(${found.kind}, ${inputs.join(", ")})`;
}

function fail(form, problem) {
  throw new Error(`No kernel can be made of the optimizer "${form}": it ${problem}.`);
}

/** The kernels as AssemblyScript and as a table in TypeScript. Optimizers of one form share a kernel. */
export function updates(header) {
  const all = shipped.map(traced);
  const forms = [...new Map(all.map((each) => [each.form, each])).values()];
  const kernels = forms.map(kernel);
  const names = [...new Set(all.map(({ name }) => name))];
  const assembly = `${header}import { place } from "../arguments";
import { two } from "../binaryLoops";
import { select, splat } from "../simd";
import { one } from "../unary";

${kernels.map(({ text }) => text).join("\n")}
/** \`at\`: where the new parameter and slots are written, the parameter, the gradient, the slots. */
export function update(kind: i32, scalars: usize, count: i32, at: usize): void {
  switch (kind) {
${forms.map((_form, i) => `    case ${i}: return update${i}(scalars, count, at);`).join("\n")}
    default: unreachable();
  }
}
`;
  const typescript = `${header}
/** The ops of the optimizers that have kernels. */
export const updateOps: readonly string[] = ${JSON.stringify(names)};

/** A kernel for a form of an optimizer: its number, how many scalars and slots it has, and what an element costs, relative to an addition. */
export interface UpdateKernel {
  readonly kind: number;
  readonly scalars: number;
  readonly slots: number;
  readonly cost: number;
}

export const updateKernels: Readonly<Record<string, UpdateKernel>> = {
${forms.map(({ form }, i) => `  ${JSON.stringify(form)}: ${JSON.stringify(kernels[i].row)},`).join("\n")}
};
`;
  return { assembly, typescript };
}
