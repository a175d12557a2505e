/** What an operator of ONNX is to ermine, and a call of one. */
import { ErmineError, type Dim, type Size, type Tensor, type WeightLayout } from "@ermine/core";
import type { Attributes } from "../attributes.js";
import { OpenSize } from "../host.js";
import type { Module } from "@ermine/core/nn";
import { readHost, Value, type HostArray } from "../value.js";

/** What runs of a graph have in common. */
export interface Run {
  /** The module: `training` is asked of it by what follows its mode. */
  readonly module: Module;
  /** Do batch normalization and dropout follow the module's mode? */
  readonly isLive: boolean;
  /** Constants that operators make have at most so many bytes. */
  readonly maxConstantBytes: number;
  /** Writes a variable of the module by its name in the file. */
  write(name: string, value: (old: Tensor) => Tensor): void;
}

/** A call of an operator. */
export class Call {
  /** The operator's version: that of the operator set that the file imports. */
  readonly opset: number;
  readonly attributes: Attributes;
  /** The inputs; undefined where one is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** Their names in the file. */
  readonly names: readonly string[];
  /** How many outputs are asked for. */
  readonly outputs: number;
  /** Which of them have a name. */
  readonly used: readonly boolean[];
  readonly run: Run;
  /** Runs a graph among the attributes, with these inputs. */
  readonly body: (name: string, inputs: readonly Value[]) => readonly Value[];

  constructor(fields: Omit<Call, keyof CallMethods>) {
    this.opset = fields.opset;
    this.attributes = fields.attributes;
    this.inputs = fields.inputs;
    this.names = fields.names;
    this.outputs = fields.outputs;
    this.used = fields.used;
    this.run = fields.run;
    this.body = fields.body;
  }

  has(position: number): boolean {
    return this.inputs[position] !== undefined;
  }

  value(position: number): Value {
    const value = this.inputs[position];
    if (value === undefined) throw new ErmineError("ERMINE_DATA", `Its input ${position} is left out, which it needs.`);
    return value;
  }

  tensor(position: number): Tensor {
    return this.value(position).tensor;
  }

  optional(position: number): Tensor | undefined {
    return this.inputs[position]?.tensor;
  }

  /** All inputs, none of them left out. */
  tensors(): readonly Tensor[] {
    return this.inputs.map((_, i) => this.tensor(i));
  }

  /** The elements of an input that the operator reads as a size, an axis or a count. @throws ErmineError ERMINE_UNSUPPORTED where it is computed */
  host(position: number): HostArray {
    const value = this.value(position);
    if (value.host !== undefined) return value.host;
    const t = value.tensor;
    if (t.state.kind === "eager" && t.state.host !== undefined) return readHost(t);
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `It takes ${JSON.stringify(this.names[position])} for sizes, axes or counts, and that is computed from tensors: its shapes would not be known before it runs. ` +
        "Such an input of the model is given as plain numbers (an array), or stands in the file as a constant.",
    );
  }

  /** An input's elements as sizes, some of which may be open. */
  sizes(position: number): readonly Size[] {
    return Array.from(this.host(position).elements);
  }

  /** An input's elements as numbers. @throws ErmineError ERMINE_UNSUPPORTED where one is open */
  numbers(position: number): readonly number[] {
    const sizes = this.sizes(position);
    if (sizes.some((size) => typeof size !== "number")) throw new OpenSize("It", sizes as readonly (number | Dim)[]);
    return sizes as readonly number[];
  }

  /** The one number of an input. */
  number(position: number): number {
    const numbers = this.numbers(position);
    if (numbers.length !== 1)
      throw new ErmineError("ERMINE_DATA", `Its input ${position} is one number, got ${numbers.length} of them.`);
    return numbers[0]!;
  }

  /** Whole numbers that are an input or, in earlier versions, an attribute. */
  ints(name: string, position: number): readonly number[] | undefined {
    return this.has(position) ? this.numbers(position) : this.attributes.ints(name, undefined);
  }

  /** One whole number that is an input or, in earlier versions, an attribute. */
  int(name: string, position: number): number | undefined {
    return this.has(position) ? this.number(position) : this.attributes.int(name, undefined);
  }

  /** @throws ErmineError ERMINE_MEMORY for a shape that takes more than a constant may */
  checkSize(shape: readonly Size[]): void {
    if (shape.some((size) => typeof size !== "number")) return;
    const bytes = (shape as readonly number[]).reduce((a, b) => a * b, 4);
    if (bytes <= this.run.maxConstantBytes) return;
    throw new ErmineError(
      "ERMINE_MEMORY",
      `It makes a tensor [${shape.join(", ")}] of ${Math.round(bytes / 2 ** 20)} MB, more than a constant may have: ` +
        `${Math.round(this.run.maxConstantBytes / 2 ** 20)} MB. Where the file is trusted, allow it: loadModel(bytes, { maxConstantBytes: … }).`,
    );
  }
}

type CallMethods = Pick<
  Call,
  "has" | "value" | "tensor" | "optional" | "tensors" | "host" | "sizes" | "numbers" | "number" | "ints" | "int" | "checkSize"
>;

/** What becomes of a call. */
export type Result = Tensor | Value | readonly (Tensor | Value | undefined)[];

/** An operator. */
export interface Operator {
  /** Over tensors. */
  run(call: Call): Result;
  /** Over elements that the host knows, all inputs being so; undefined: as tensors after all. */
  fold?(call: Call, inputs: readonly (HostArray | undefined)[]): HostArray | readonly HostArray[] | undefined;
  /** Positions of inputs that are read as sizes, axes or counts; from `staticFrom` on all. Default none. */
  readonly statics?: readonly number[];
  /** Positions of inputs whose elements count for nothing, but only their shape. Default none. */
  readonly shapesOf?: readonly number[];
  /** Positions of inputs that no gradient flows to, or "all". Default none but the static ones. */
  readonly opaque?: readonly number[] | "all";
  /** Positions of inputs that are running statistics: buffers. Default none. */
  readonly running?: readonly number[];
  /** What the axes of a weight at a position are, where they are not (outputs, inputs, …). Default: nowhere. */
  layout?(position: number, attributes: Attributes): WeightLayout | undefined;
}

/** Operators by name, each from the version of the operator set on that it is so. */
export type Entries = readonly (readonly [name: string, operator: Operator | Versions])[];

/** Meanings that have changed, by the first version that has them. */
export type Versions = readonly (readonly [since: number, operator: Operator])[];

/** An operator of tensors alone. */
export const over = (run: (call: Call) => Result, rest: Omit<Operator, "run"> = {}): Operator => ({ run, ...rest });

export const isVersions = (entry: Operator | Versions): entry is Versions => Array.isArray(entry);
