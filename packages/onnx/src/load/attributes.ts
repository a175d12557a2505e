/** A node's attributes, read by kind; those of a function's body may be the call's. */
import { ErmineError } from "@ermine/core";
import type { AttributeProto, GraphProto, TensorProto } from "../proto/messages.js";

const text = new TextDecoder("utf-8");

/** Attributes by name. */
export class Attributes {
  readonly #values: ReadonlyMap<string, AttributeProto>;
  readonly #where: string;

  constructor(where: string, values: ReadonlyMap<string, AttributeProto>) {
    this.#where = where;
    this.#values = values;
  }

  /** Of a node; a name that stands twice is refused. */
  static of(where: string, protos: readonly AttributeProto[]): Attributes {
    const values = new Map<string, AttributeProto>();
    for (const proto of protos) {
      const name = proto.name ?? "";
      if (values.has(name)) throw new ErmineError("ERMINE_DATA", `${where} has the attribute ${JSON.stringify(name)} twice.`);
      values.set(name, proto);
    }
    return new Attributes(where, values);
  }

  /** The same with what the call of the function gives in the place of references; what it does not give has its default. */
  within(call: Attributes, defaults: ReadonlyMap<string, AttributeProto>): Attributes {
    if (![...this.#values.values()].some(({ refAttrName }) => (refAttrName ?? "") !== "")) return this;
    const values = new Map<string, AttributeProto>();
    for (const [name, proto] of this.#values) {
      const reference = proto.refAttrName ?? "";
      const value = reference === "" ? proto : (call.#values.get(reference) ?? defaults.get(reference));
      if (value !== undefined) values.set(name, value);
    }
    return new Attributes(this.#where, values);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  #read<T>(name: string, kind: string, type: number, read: (proto: AttributeProto) => T | undefined): T | undefined {
    const proto = this.#values.get(name);
    if (proto === undefined) return undefined;
    const given = proto.type ?? 0;
    const value = given === 0 || given === type ? read(proto) : undefined;
    if (value === undefined)
      throw new ErmineError("ERMINE_DATA", `${this.#where}: its attribute ${JSON.stringify(name)} is no ${kind}.`);
    return value;
  }

  /** A whole number. */
  int<D>(name: string, otherwise: D): number | D {
    return this.#read(name, "whole number", 2, (proto) => Number(proto.i ?? 0n)) ?? otherwise;
  }

  flag(name: string, otherwise = false): boolean {
    return this.int(name, Number(otherwise)) !== 0;
  }

  float<D>(name: string, otherwise: D): number | D {
    return this.#read(name, "number", 1, (proto) => proto.f ?? 0) ?? otherwise;
  }

  string<D>(name: string, otherwise: D): string | D {
    return this.#read(name, "text", 3, (proto) => text.decode(proto.s ?? new Uint8Array(0))) ?? otherwise;
  }

  ints<D>(name: string, otherwise: D): readonly number[] | D {
    return this.#read(name, "list of whole numbers", 7, (proto) => (proto.ints ?? []).map(Number)) ?? otherwise;
  }

  floats<D>(name: string, otherwise: D): readonly number[] | D {
    return this.#read(name, "list of numbers", 6, (proto) => proto.floats ?? []) ?? otherwise;
  }

  strings<D>(name: string, otherwise: D): readonly string[] | D {
    return this.#read(name, "list of texts", 8, (proto) => (proto.strings ?? []).map((bytes) => text.decode(bytes))) ?? otherwise;
  }

  tensor(name: string): TensorProto | undefined {
    return this.#read(name, "tensor", 4, (proto) => proto.t);
  }

  graph(name: string): GraphProto | undefined {
    return this.#read(name, "graph", 5, (proto) => proto.g);
  }

  /** The names of attributes that are graphs. */
  graphs(): readonly (readonly [name: string, graph: GraphProto])[] {
    return [...this.#values].flatMap(([name, { g }]) => (g === undefined ? [] : [[name, g] as const]));
  }
}
