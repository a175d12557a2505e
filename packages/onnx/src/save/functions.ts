/** Model-local functions: what ONNX has no operator for, one function for each definition and its options, whose body is what the definition decomposes to. */
import type { Op } from "@ermine/core/define";
import { encode } from "../proto/codec.js";
import type { FunctionProto } from "../proto/schema.js";
import { GraphBuilder, UnknownSymbol } from "./builder.js";
import { bodies, type Call } from "./operators/index.js";

/** The domain of the functions. */
export const functionDomain = "ermine";

/** Writes what a definition decomposes to, and gives the names of its outputs that are used. */
export type WriteDecomposition = (op: Op, call: Call) => readonly string[];

interface Written {
  readonly name: string;
  readonly body: string;
}

export class Functions {
  readonly #opset: number;
  readonly #decomposed: WriteDecomposition;
  readonly #protos: FunctionProto[] = [];
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
    return this.#protos;
  }

  /** Calls the function of an op; undefined where its body needs a size that none of the inputs says. */
  call(op: Op, call: Call): readonly string[] | undefined {
    const inputs = call.inputs.filter((input) => input !== undefined);
    const key = this.#key(op, call);
    if (!this.#calls.has(key)) this.#calls.set(key, this.#write(op, call));
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
      const isOwn = !given.has(name) && !distinct.has(name);
      const output = isOwn ? name : builder.node("Identity", [name]);
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
    return this.#named(op, proto);
  }

  /** The function itself, or the one of the same definition that says the same. */
  #named(op: Op, proto: FunctionProto): Written {
    const body = encode("FunctionProto", proto).join();
    const others = this.#written.get(op) ?? [];
    const equal = others.find((other) => other.body === body);
    if (equal !== undefined) return equal;
    const wanted = identifier(op.name);
    const count = (this.#names.get(wanted) ?? 0) + 1;
    this.#names.set(wanted, count);
    const written = { name: count === 1 ? wanted : `${wanted}_${count}`, body };
    this.#protos.push({ name: written.name, ...proto });
    this.#written.set(op, [...others, written]);
    return written;
  }
}

/** A name that is an identifier in every runtime. */
const identifier = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, "_");

/** Attributes as text that tells apart what JSON does not. */
const attributesText = (attributes: object): string =>
  JSON.stringify(attributes, (_, value: unknown) => {
    if (typeof value !== "number") return value;
    return Number.isFinite(value) && !Object.is(value, -0) ? value : `number ${Object.is(value, -0) ? "-0" : value}`;
  });
