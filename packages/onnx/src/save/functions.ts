/** Model-local functions: what ONNX has no operator for, one function for each definition and its options, whose body is what the definition decomposes to. */
import type { Op } from "@ermine/core/define";
import { encode } from "../proto/codec.js";
import type { FunctionProto } from "../proto/messages.js";
import { GraphBuilder, UnknownSymbol } from "./builder.js";
import { noteText, type CallTypes } from "../functionNote.js";
import { bodies, type Call } from "./operators/index.js";

/** The domain of the functions. */
export const functionDomain = "ermine";

/** Writes what a definition decomposes to, and gives the names of its outputs that are used. */
export type WriteDecomposition = (op: Op, call: Call) => readonly string[];

interface Written {
  readonly proto: FunctionProto;
  readonly name: string;
  /** Its options and its bytes: equal of functions that are the same. */
  readonly key: string;
  /** The definition's options. */
  readonly attributes: Call["attributes"];
  /** What it is called with. */
  readonly calls: CallTypes[];
}

export class Functions {
  readonly #opset: number;
  readonly #decomposed: WriteDecomposition;
  readonly #all: Written[] = [];
  /** By op, attributes and types of a call; undefined where the body cannot stand alone. */
  readonly #calls = new Map<string, Written | undefined>();
  readonly #ids = new Map<Op, number>();
  readonly #written = new Map<Op, Written[]>();
  readonly #names = new Map<string, number>();

  constructor(opset: number, decomposed: WriteDecomposition) {
    this.#opset = opset;
    this.#decomposed = decomposed;
  }

  /** All functions, each after those that its body calls. */
  get protos(): readonly FunctionProto[] {
    return this.#all.map(({ name, proto, attributes, calls }) => {
      const docString = noteText({ attributes, calls });
      return { name, ...proto, ...(docString === undefined ? {} : { docString }) };
    });
  }

  /** Calls the function of an op; undefined where its body needs a size that none of the inputs says. */
  call(op: Op, call: Call): readonly string[] | undefined {
    const inputs = call.inputs.filter((input) => input !== undefined);
    const key = this.#key(op, call);
    if (!this.#calls.has(key)) {
      const added = this.#write(op, call);
      this.#calls.set(key, added);
      const types = call.inputs.map((input) => input && { dtype: input.dtype, shape: input.shape });
      added?.calls.push({ inputs: types, used: call.used });
    }
    const written = this.#calls.get(key);
    if (written === undefined) return undefined;
    const count = call.used.filter(Boolean).length;
    return call.builder.add(
      written.name,
      inputs.map(({ name }) => name),
      { outputs: count, domain: functionDomain },
    );
  }

  #key(op: Op, { attributes, inputs, used }: Call): string {
    if (!this.#ids.has(op)) this.#ids.set(op, this.#ids.size);
    const types = inputs.map((input) => (input === undefined ? "" : `${input.dtype}[${input.shape.join()}]`));
    return `${this.#ids.get(op)} ${attributesText(attributes)} ${types.join()} ${used.join()}`;
  }

  #write(op: Op, call: Call): Written | undefined {
    const builder = new GraphBuilder(this.#opset, true);
    const inputs = call.inputs.map((input, i) => {
      const spec = op.inputs[Math.min(i, op.inputs.length - 1)];
      return input && builder.input({ ...input, name: builder.name(identifier(spec?.name ?? "x")) });
    });
    const inside: Call = { ...call, builder, inputs };
    let outputs: readonly string[];
    try {
      outputs = bodies().get(op)?.(inside) ?? this.#decomposed(op, inside);
    } catch (error) {
      if (error instanceof UnknownSymbol) return undefined;
      throw error;
    }
    const given = new Set(inputs.map((input) => input?.name));
    const distinct = new Set<string>();
    outputs = outputs.map((name) => {
      const isNew = !given.has(name) && !distinct.has(name);
      const output = isNew ? name : builder.node("Identity", [name]);
      distinct.add(output);
      return output;
    });
    const proto: FunctionProto = {
      input: inputs.flatMap((input) => (input === undefined ? [] : [input.name])),
      output: outputs,
      node: builder.nodes,
      opsetImport: [{ version: BigInt(this.#opset) }, { domain: functionDomain, version: 1n }],
      domain: functionDomain,
    };
    return this.#named(op, proto, call.attributes);
  }

  /** The function itself, or the one of the same definition and options that says the same. */
  #named(op: Op, proto: FunctionProto, attributes: Call["attributes"]): Written {
    const key = `${attributesText(attributes)} ${encode("FunctionProto", proto).join()}`;
    const others = this.#written.get(op) ?? [];
    const equal = others.find((other) => other.key === key);
    if (equal !== undefined) return equal;
    const wanted = identifier(op.name);
    const count = (this.#names.get(wanted) ?? 0) + 1;
    this.#names.set(wanted, count);
    const written: Written = { proto, name: count === 1 ? wanted : `${wanted}_${count}`, key, attributes, calls: [] };
    this.#all.push(written);
    this.#written.set(op, [...others, written]);
    return written;
  }
}

/** A name that is an identifier in every runtime. */
export const identifier = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, "_");

/** Attributes as text that tells apart what JSON does not. */
const attributesText = (attributes: object): string =>
  JSON.stringify(attributes, (_, value: unknown) => {
    if (typeof value !== "number") return value;
    return Number.isFinite(value) && !Object.is(value, -0) ? value : `number ${Object.is(value, -0) ? "-0" : value}`;
  });
