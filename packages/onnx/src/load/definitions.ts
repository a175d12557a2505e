/**
 * Functions of a file that are core's own definitions: those that bear a definition's name, and whose body is what this version writes for the call that their note says. They run as the
 * definition, with its gradient, its domain and its kernel; every other function runs its body.
 */
import { Dim, type DType, type Shape, type Size, type Tensor } from "@ermine/core";
import { addSizes, apply, mulSizes, sameSize, subSizes, type Op } from "@ermine/core/define";
import { candidateOf } from "./candidates.js";
import { functionDomain } from "../save/functions.js";
import { GraphBuilder } from "../save/builder.js";
import { GraphWriter } from "../save/writeGraph.js";
import { noteOf, type CallTypes, type FunctionNote } from "../functionNote.js";
import { encode } from "../proto/codec.js";
import type { FunctionProto, NodeProto } from "../proto/messages.js";
import type { Definition, FindDefinition } from "./definition.js";
import { Value } from "./value.js";

/** So many calls are written again of a file; the functions of further ones run their bodies. */
const mostCalls = 256;

/** Finds the definitions of a file's functions. */
export function definitionFinder(functions: readonly FunctionProto[]): FindDefinition {
  const bodies = new Bodies();
  const ofFile = new Map(functions.map((proto) => [proto.name ?? "", proto] as const));
  let calls = 0;
  return (proto) => {
    if (proto.domain !== functionDomain) return undefined;
    const candidate = candidateOf(proto.name ?? "");
    const note = candidate === undefined || proto.docString === undefined ? undefined : noteOf(proto.docString);
    if (candidate === undefined || note === undefined || !candidate.takes(note.attributes)) return undefined;
    const { op } = candidate;
    const opset = Number(proto.opsetImport?.find(({ domain }) => (domain ?? "") === "")?.version ?? 0n);
    const equal = note.calls.filter((call) => calls++ < mostCalls && isWritten(op, note, call, opset, { bodies, ofFile, proto }));
    return equal.length === 0 ? undefined : definition(op, note.attributes, equal);
  };
}

/** The operator sets of which core's definitions are written. */
const [firstOpset, lastOpset] = [18, 23];

interface File {
  readonly bodies: Bodies;
  readonly ofFile: ReadonlyMap<string, FunctionProto>;
  readonly proto: FunctionProto;
}

/** Is the function's body what this version writes for the call? */
function isWritten(op: Op, { attributes }: FunctionNote, call: CallTypes, opset: number, file: File): boolean {
  if (!(opset >= firstOpset && opset <= lastOpset)) return false;
  try {
    const types = op.infer(
      call.inputs.map((input) => input && { ...input, domain: "real" as const }),
      attributes,
    );
    if (types.length !== call.used.length || !hasAxis(attributes, call)) return false;
    const writer = new GraphWriter(opset, ({ data }) => {
      if (data === undefined) throw new TypeError("a constant of a definition is not on the host");
      return data;
    });
    const inputs = call.inputs.map((input, i) => input && { ...input, name: `input ${i}` });
    writer.functions.call(op, { builder: new GraphBuilder(opset, false), inputs, outputs: types, used: call.used, attributes });
    const written = new Map(writer.functions.protos.map((proto) => [proto.name!, proto] as const));
    const top = writer.functions.protos.at(-1);
    return top !== undefined && file.bodies.of(top, written) === file.bodies.of(file.proto, file.ofFile);
  } catch {
    // A note that no call of the definition fits says nothing of the function.
    return false;
  }
}

/** Is the axis among the options, where there is one, as definitions have it? */
function hasAxis({ axis }: FunctionNote["attributes"], { inputs: [x] }: CallTypes): boolean {
  if (axis === undefined) return true;
  return Number.isInteger(axis) && (axis as number) >= 0 && (axis as number) < (x?.shape.length ?? 0);
}

/** Numbers functions, so that those of equal bodies have one number, whatever their values and their functions are called. */
class Bodies {
  readonly #numbers = new Map<string, number>();
  readonly #functions = new Map<FunctionProto, number>();

  /** The function's number; `all`: what its nodes may call. */
  of(proto: FunctionProto, all: ReadonlyMap<string, FunctionProto>): number {
    let number = this.#functions.get(proto);
    if (number === undefined) {
      // A function that calls itself is none that is written.
      this.#functions.set(proto, -1);
      const text = this.#text(proto, all);
      number = this.#numbers.get(text) ?? this.#numbers.size;
      this.#numbers.set(text, number);
      this.#functions.set(proto, number);
    }
    return number;
  }

  #text(proto: FunctionProto, all: ReadonlyMap<string, FunctionProto>): string {
    const values = new Map<string, number>();
    const place = (name: string): number => {
      if (name === "") return -1;
      if (!values.has(name)) values.set(name, values.size);
      return values.get(name)!;
    };
    const operator = ({ domain = "", opType = "" }: NodeProto): unknown => {
      const called = domain === functionDomain ? all.get(opType) : undefined;
      return called === undefined ? [domain, opType] : this.of(called, all);
    };
    return JSON.stringify([
      (proto.input ?? []).map(place),
      (proto.node ?? []).map((node) => [
        operator(node),
        (node.input ?? []).map(place),
        (node.attribute ?? []).map((attribute) => encode("AttributeProto", attribute).join()),
        (node.output ?? []).map(place),
        node.overload ?? "",
      ]),
      (proto.output ?? []).map(place),
      (proto.opsetImport ?? []).map(({ domain = "", version = 0n }) => [domain, `${version}`]),
      [
        ...(proto.attribute ?? []),
        ...(proto.attributeProto ?? []).map((attribute) => encode("AttributeProto", attribute).join()),
      ],
    ]);
  }
}

function definition(op: Op, attributes: FunctionNote["attributes"], calls: readonly CallTypes[]): Definition {
  return {
    run(values) {
      // What the host knows stays known: shapes are computed by it.
      if (values.every((value) => value === undefined || value.host !== undefined)) return undefined;
      const match = firstMatch(calls, values);
      if (match === undefined) return undefined;
      const { call, symbols } = match;
      let next = 0;
      const inputs = call.inputs.map((input): Tensor | undefined => (input === undefined ? undefined : values[next++]!.tensor));
      return apply(op, inputs, bound(attributes, symbols) as typeof attributes).flatMap((t, i) =>
        call.used[i] === true ? [Value.of(t)] : [],
      );
    },
  };
}

type Symbols = ReadonlyMap<string, Size>;

/** The first call that the values fit, and what its open sizes are. */
function firstMatch(
  calls: readonly CallTypes[],
  values: readonly (Value | undefined)[],
): { readonly call: CallTypes; readonly symbols: Symbols } | undefined {
  for (const call of calls) {
    const symbols = symbolsOf(call, values);
    if (symbols !== undefined) return { call, symbols };
  }
  return undefined;
}

/** What the open sizes are where the function is called with these values; undefined where it was not written for such. */
function symbolsOf({ inputs }: CallTypes, values: readonly (Value | undefined)[]): Symbols | undefined {
  const types = inputs.filter((input) => input !== undefined);
  const isOfType = (type: { readonly dtype: DType; readonly shape: Shape }, value: Value | undefined): boolean =>
    value !== undefined && value.items === undefined && value.dtype === type.dtype && value.rank === type.shape.length;
  if (types.length !== values.length || !types.every((type, i) => isOfType(type, values[i]))) return undefined;
  const symbols = new Map<string, Size>();
  const pairs = types.flatMap(({ shape }, i) => shape.map((size, axis) => [size, values[i]!.shape[axis]!] as const));
  for (const [size, actual] of pairs) {
    const symbol = size instanceof Dim ? [...size.terms.keys()][0]! : "";
    if (size instanceof Dim && !symbols.has(symbol) && size.terms.get(symbol) === 1 && size.terms.size <= 2)
      symbols.set(symbol, subSizes(actual, size.terms.get("") ?? 0));
  }
  const fits = pairs.every(([size, actual]) => {
    const expected = valueOf(size, symbols);
    return expected !== undefined && sameSize(expected, actual);
  });
  return fits ? symbols : undefined;
}

/** The options with numbers, or sizes of the running trace, in the place of open sizes. */
function bound(option: unknown, symbols: Symbols): unknown {
  if (option instanceof Dim) return valueOf(option, symbols);
  if (Array.isArray(option)) return option.map((item) => bound(item, symbols));
  if (option === null || typeof option !== "object") return option;
  return Object.fromEntries(Object.entries(option).map(([key, value]) => [key, bound(value, symbols)]));
}

/** The size where its symbols are these; undefined where one is not known. */
function valueOf(size: Size, symbols: Symbols): Size | undefined {
  if (!(size instanceof Dim)) return size;
  let total: Size = 0;
  for (const [product, coefficient] of size.terms) {
    let term: Size = coefficient;
    for (const symbol of product === "" ? [] : product.split("*")) {
      const value = symbols.get(symbol);
      if (value === undefined) return undefined;
      term = mulSizes(term, value);
    }
    total = addSizes(total, term);
  }
  return total;
}
