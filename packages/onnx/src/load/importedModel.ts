/** A graph of a file as a module. */
import { cast, ErmineError, Parameter, Tensor, tensor, Variable, type Nested, type Shape, type WeightLayout } from "@ermine/core";
import { formatShape, nested } from "@ermine/core/define";
import { Module } from "@ermine/core/nn";
import { encode } from "../proto/codec.js";
import type { ModelProto, TensorProto, ValueInfoProto } from "../proto/messages.js";
import { partBefore, partProto } from "./before.js";
import type { PlannedNode } from "./plan.js";
import { Environment, runNodes } from "./run.js";
import { dtypeOf, elementName, writeTensor } from "./tensors.js";
import { readHost, Value, type HostArray } from "./value.js";

/** An input or output of the file. */
export interface ModelValue {
  /** Its name. */
  readonly name: string;
  /** What its elements are in the file: "float32", "int64", …; as tensors they are float32, int32 or bool. */
  readonly type: string;
  /** Its sizes: numbers, names of open ones, or undefined where nothing is said. undefined: not even how many. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
  /** Is it an input that is read as sizes, axes or counts? */
  readonly isStatic: boolean;
}

/** A float constant of the file. */
export interface Weight {
  readonly name: string;
  readonly host: HostArray;
  readonly kind: "parameter" | "buffer";
  readonly trainable: boolean;
  /** What its axes are to the node that takes it; undefined: not known. */
  readonly layout: WeightLayout | undefined;
}

/** What `loadModel` makes a model of. */
export interface ModelParts {
  readonly proto: ModelProto;
  readonly nodes: readonly PlannedNode[];
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  readonly constants: ReadonlyMap<string, HostArray>;
  readonly weights: readonly Weight[];
  readonly isLive: boolean;
  readonly maxConstantBytes: number;
}

/** What an input is given: a tensor, or numbers. */
export type GivenInput = Tensor | Nested | BigInt64Array;

/**
 * A model that a file says: what `loadModel` gives. Its parameters and buffers are the file's float constants, under their names there; it trains, compiles and is saved as
 * any other module.
 */
export class ImportedModel extends Module {
  readonly #parts: ModelParts;
  readonly #variables = new Map<string, Variable>();
  readonly #constants = new Map<string, Value>();

  /** @internal `shared`: variables of another model, by the file's names. */
  constructor(parts: ModelParts, shared?: ReadonlyMap<string, Variable>) {
    super();
    this.#parts = parts;
    for (const [name, host] of parts.constants) this.#constants.set(name, Value.host(host, { isKept: true }));
    for (const weight of parts.weights) this.#define(weight.name, shared?.get(weight.name) ?? variableOf(weight));
  }

  #define(name: string, variable: Variable): void {
    this.#variables.set(name, variable);
    // What a module already has keeps its meaning.
    let property = name === "" ? "unnamed" : name;
    while (property in this) property += "_";
    Object.defineProperty(this, property, { value: variable, enumerable: true, configurable: false, writable: false });
  }

  /** What `forward` takes, in order. */
  inputs(): readonly ModelValue[] {
    return this.#parts.inputs;
  }

  /** What `forward` gives, in order. */
  outputs(): readonly ModelValue[] {
    return this.#parts.outputs;
  }

  /** The file's `metadata_props`. */
  metadata(): ReadonlyMap<string, string> {
    return new Map((this.#parts.proto.metadataProps ?? []).map(({ key, value }) => [key ?? "", value ?? ""] as const));
  }

  /**
   * The graph's outputs: a tensor where there is one, else an object by their names.
   *
   * @param given one for each input: a tensor; of one that is read as sizes, axes or counts also numbers (a number, a list, a typed array)
   * @throws ErmineError ERMINE_USAGE for another number of inputs, ERMINE_SHAPE and ERMINE_DTYPE where one does not fit what the file says of it, and
   * what the operators throw, with the node
   */
  override forward(...given: readonly GivenInput[]): Tensor | Record<string, Tensor> {
    const { nodes, inputs, outputs } = this.#parts;
    if (given.length !== inputs.length) {
      const names = inputs.map(({ name }) => name).join(", ");
      throw new ErmineError(
        "ERMINE_USAGE",
        `The model takes ${inputs.length === 1 ? "one input" : `${inputs.length} inputs`} (${names}), got ${given.length}.`,
      );
    }
    const environment = new Environment();
    inputs.forEach((input, i) => environment.set(input.name, this.#input(input, given[i]!)));
    for (const [name, value] of this.#constants) environment.set(name, value);
    for (const [name, variable] of this.#variables) environment.set(name, Value.of(variable.value));
    runNodes(
      nodes,
      { module: this, isLive: this.#parts.isLive, maxConstantBytes: this.#parts.maxConstantBytes, write: this.#write },
      environment,
    );
    const results = outputs.map(({ name }) => [name, environment.get(name)!.tensor] as const);
    return results.length === 1 ? results[0]![1] : Object.fromEntries(results);
  }

  readonly #write = (name: string, value: (old: Tensor) => Tensor): void => {
    const variable = this.#variables.get(name);
    if (variable !== undefined) variable.value = value(variable.value);
  };

  #input(input: ModelValue, given: GivenInput): Value {
    const place = `The input ${JSON.stringify(input.name)}`;
    const wanted = dtypeOf(typeNumber(input.type), place);
    if (!(given instanceof Tensor)) {
      const numbers = given instanceof BigInt64Array ? Float64Array.from(given, Number) : given;
      const { data, shape } = nested(place, numbers as Nested);
      checkShape(input, shape, place);
      return Value.host({ shape, dtype: wanted, elements: data });
    }
    checkShape(input, given.shape, place);
    if (given.dtype !== wanted && (wanted === "bool" || given.dtype === "float32")) {
      throw new ErmineError(
        "ERMINE_DTYPE",
        `${place} is ${input.type}, as a tensor ${wanted}, got ${given.dtype}. Use cast(x, "${wanted}").`,
      );
    }
    const t = cast(given, wanted);
    if (!input.isStatic) return Value.of(t);
    if (t.state.kind !== "eager")
      throw new ErmineError(
        "ERMINE_USAGE",
        `${place} says sizes, axes or counts, which a compiled program must know: pass it as numbers (an array), not as a tensor of the program.`,
      );
    return Value.both(t, readHost(t));
  }

  /**
   * The model up to a node: what that node is given. A new head is put on it. Parameters are this model's own, not copies.
   *
   * @param name the node's name, that of a value which it makes, or a parameter's name or its beginning: "fc" for the node that takes "fc.weight"
   * @returns a module with one output
   * @throws ErmineError ERMINE_USAGE where there is no such name, with the nearest one
   * @example
   * const loaded = loadModel(await saveModel(model, { sample: x }));
   * const last = loaded.namedParameters().at(-1)![0];
   * loaded.outputBefore(last).outputs().length; // => 1
   */
  outputBefore(name: string): ImportedModel {
    const { proto, nodes, inputs, constants, weights } = this.#parts;
    const fixed = new Set([
      ...constants.keys(),
      ...weights.map((weight) => weight.name),
      ...inputs.flatMap((input) => (input.isStatic ? [input.name] : [])),
    ]);
    const part = partBefore(nodes, name, fixed);
    const cut = partProto(proto, part);
    return new ImportedModel(
      {
        ...this.#parts,
        proto: cut,
        nodes: part.nodes,
        inputs: inputs.filter((input) => part.used.has(input.name)),
        outputs: [{ ...modelValue(cut.graph!.output![0]!), isStatic: false }],
        constants: new Map([...constants].filter(([constant]) => part.used.has(constant))),
        weights: weights.filter((weight) => part.used.has(weight.name)),
      },
      this.#variables,
    );
  }

  /** @internal The file, with the constants as they are now. */
  async toBytes(change: (proto: ModelProto) => ModelProto): Promise<Uint8Array> {
    const { proto } = this.#parts;
    const initializer: TensorProto[] = [];
    for (const tensorProto of proto.graph!.initializer ?? []) {
      const name = tensorProto.name ?? "";
      const variable = this.#variables.get(name);
      const constant = this.#constants.get(name)?.host;
      if (variable !== undefined) {
        const host = { shape: variable.shape, dtype: variable.type.dtype, elements: await variable.data() };
        initializer.push(writeTensor(host, tensorProto));
      } else if (tensorProto.dataLocation === 1) initializer.push(writeTensor(constant!, tensorProto));
      else initializer.push(tensorProto);
    }
    return encode("ModelProto", change({ ...proto, graph: { ...proto.graph!, initializer } }));
  }

  override describe(): string {
    return this.#parts.proto.graph?.name || "ImportedModel";
  }
}

function variableOf({ name, host, kind, trainable, layout = "outputFirst" }: Weight): Variable {
  const initial = tensor(host.elements as Float32Array, { shape: host.shape, dtype: host.dtype });
  return kind === "parameter"
    ? new Parameter(initial, { name, trainable, layout })
    : new Variable(initial, { name, trainable: false });
}

const names = new Map<string, number>(Array.from({ length: 24 }, (_, i) => [elementName(i), i] as const));
const typeNumber = (name: string): number => names.get(name)!;

/** @throws ErmineError ERMINE_SHAPE where it is not the shape that the file says */
function checkShape({ shape: said }: ModelValue, shape: Shape, place: string): void {
  if (said === undefined) return;
  const fits = said.length === shape.length && said.every((size, i) => typeof size !== "number" || size === shape[i]);
  if (fits) return;
  const expected = said.map((size) => size ?? "?").join(", ");
  throw new ErmineError("ERMINE_SHAPE", `${place} is [${expected}] in the file, got ${formatShape(shape)}.`);
}

/** An input or output as the file declares it. */
export function modelValue({ name, type }: ValueInfoProto): Omit<ModelValue, "isStatic"> {
  const tensorType = type?.tensorType;
  if (tensorType === undefined)
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `${JSON.stringify(name ?? "")} is no tensor but a sequence, a map or an optional, which ermine does not have.`,
    );
  const shape = tensorType.shape?.dim?.map(({ dimValue, dimParam }) =>
    dimValue !== undefined ? Number(dimValue) : dimParam === undefined || dimParam === "" ? undefined : dimParam,
  );
  return {
    name: name ?? "",
    type: elementName(tensorType.elemType ?? 0),
    shape: tensorType.shape === undefined ? undefined : (shape ?? []),
  };
}
