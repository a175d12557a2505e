/** A model as a table: its layers, what shapes they give, how many parameters they have. */
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { ErmineError } from "../types/errors.js";
import { Trace } from "../dispatch/trace.js";
import { Dim, formatShape } from "../types/dim.js";
import { checkDTypeName, type DType } from "../types/dtype.js";
import { Tensor } from "../types/tensor.js";
import { leaves } from "../types/tree.js";
import { checkModule, type Module } from "./module.js";

/** The options of `summary`. */
export interface SummaryOptions {
  /** The shape of one sample, without the batch; for several inputs one each. Without it the table has no shapes. Default: shapes are left out. */
  readonly input?: readonly number[] | readonly (readonly number[])[];
  /** Of the inputs. Default "float32". */
  readonly dtype?: DType;
}

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, " ");

/** Lines of a table; the first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [line(rows[0]!), widths.map((w) => "─".repeat(w)).join("──"), ...rows.slice(1).map(line)];
}

/** The shapes that each module gives, in the order in which they run. Nothing is computed: the model is traced, in evaluation. */
function outputShapes(model: Module, { input, dtype = "float32" }: SummaryOptions): Map<Module, string> {
  const shapes = new Map<Module, string>();
  if (input === undefined) return shapes;
  const isShape = (shape: unknown): boolean => Array.isArray(shape) && shape.every(Number.isInteger);
  if (!isShape(input) && !(Array.isArray(input) && input.every(isShape)))
    throw new ErmineError(
      "ERMINE_OPTION",
      `summary: input is the shape of one sample, or a list of shapes, got ${show(input)}. Write { input: [1, 28, 28] }.`,
    );
  const inputs = (typeof input[0] === "number" || input.length === 0 ? [input] : input) as readonly (readonly number[])[];
  const modules = model.namedModules().map(([, module]) => ({ module, training: module.training }));
  const removers = modules.map(({ module }) =>
    module.onForward((output) => {
      const tensors = leaves(output).filter((leaf) => leaf instanceof Tensor);
      shapes.set(module, tensors.map((t) => formatShape(t.shape)).join(", "));
    }),
  );
  const trace = new Trace();
  try {
    model.eval();
    trace.run(() => {
      const batch = Dim.symbol("N");
      const feeds = inputs.map((sample, i) => trace.feed(`input${i}`, { shape: [batch, ...sample], dtype, domain: "real" }));
      return (model.forward as (...args: Tensor[]) => unknown)(...feeds);
    });
  } catch (error) {
    if (!(error instanceof ErmineError)) throw error;
    throw error.at(`summary of an input [N, ${inputs.map((sample) => sample.join(", ")).join("] and [N, ")}]`);
  } finally {
    for (const remove of removers) remove();
    for (const { module, training } of modules) module.training = training;
  }
  return shapes;
}

/**
 * A line for each module: its path, what it is, the shape that it gives ("N" is the batch), its own parameters (those of the modules inside
 * are theirs), and "frozen" where training leaves them; then the sums.
 *
 * @example console.log(summary(model, { input: [4] }));
 * @throws ErmineError where the input does not fit, with the layer's path
 */
export function summary(model: Module, options: SummaryOptions = {}): string {
  if (arguments.length > 2) checkArguments("summary", arguments, 2);
  checkModule("summary: its first argument", model);
  checkOptions("summary", options, { input: "any", dtype: "string" }, "model");
  if (options.dtype !== undefined) checkDTypeName("summary", options.dtype);
  const shapes = outputShapes(model, options);
  const counted = new Set<unknown>();
  const rows = model.namedModules().map(([path, module]) => {
    const inner = new Set(
      module.namedModules().flatMap(([at, other]) => (at === "" ? [] : other.namedParameters().map(([, p]) => p))),
    );
    const direct = module.namedParameters().filter(([, p]) => !inner.has(p) && !counted.has(p));
    for (const [, parameter] of direct) counted.add(parameter);
    const count = direct.reduce((total, [, p]) => total + p.shape.reduce((a, b) => a * b, 1), 0);
    const frozen = direct.length > 0 && direct.every(([, p]) => !p.trainable);
    const depth = path === "" ? 0 : path.split(".").length;
    const name = `${"  ".repeat(Math.max(0, depth - 1))}${path === "" ? "" : `${path}  `}${module.describe()}`;
    return [name, shapes.get(module) ?? "", count === 0 ? "" : grouped(count), frozen ? "frozen" : ""];
  });
  const columns = [true, options.input !== undefined, true, rows.some((row) => row[3] !== "")];
  const shown = [["Layer", "Output", "Parameters", ""], ...rows].map((row) => row.filter((_, i) => columns[i]));
  const all = model.parameterCount();
  const trainable = model.parameterCount({ trainable: true });
  return [...table(shown), `Parameters: ${grouped(all)}, of which ${grouped(trainable)} are trained`].join("\n");
}
