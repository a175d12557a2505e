/** Nodes of a graph, or of a function's body, in the making: their names, their constants, and the sizes that are known only when the model runs. */
import { ErmineError, type Dim, type DType, type Shape, type Size } from "@ermine/core";
import { int64Proto, tensorProto } from "../elements.js";
import { encode } from "../proto/codec.js";
import type { NodeProto, TensorProto } from "../proto/schema.js";
import { attributeProtos, type AttributeValue } from "./attributes.js";

/** A value of the graph: its name there, and what it is. */
export interface Operand {
  /** The value's name. */
  readonly name: string;
  /** Its sizes, of which some may be open. */
  readonly shape: Shape;
  /** What its elements are. */
  readonly dtype: DType;
}

/** What a node has besides its operator and inputs. */
export interface NodeOptions {
  /** Default: none. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** How many outputs. Default 1. */
  readonly outputs?: number;
  /** Default: ONNX's own operators. */
  readonly domain?: string;
}

/** No input of the graph or of the function says what the symbol is: the nodes cannot stand here. */
export class UnknownSymbol extends ErmineError {
  constructor(symbol: string) {
    super("ERMINE_SHAPE", `No input says the size ${symbol}.`);
  }
}

export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  /** Tensors that the graph starts with; a function's body has Constant nodes instead. */
  readonly initializers: TensorProto[] = [];
  /** ONNX's operator set. */
  readonly opset: number;
  readonly #isFunction: boolean;
  readonly #names = new Map<string, number>();
  readonly #constants = new Map<string, string>();
  readonly #inputs: Operand[] = [];
  readonly #symbols = new Map<string, string>();
  readonly #sizes = new Map<string, string>();
  #place = "";

  constructor(opset: number, isFunction: boolean) {
    this.opset = opset;
    this.#isFunction = isFunction;
  }

  /** The name, or it with a number where it is taken. */
  name(wanted: string): string {
    const taken = this.#names.get(wanted);
    this.#names.set(wanted, (taken ?? 0) + 1);
    return taken === undefined ? wanted : this.name(`${wanted}_${taken + 1}`);
  }

  /** An input of the graph or function, from whose sizes open ones are read. */
  input(operand: Operand): Operand {
    this.#inputs.push(operand);
    return operand;
  }

  /** Names of the nodes that `fn` adds begin with `place`. */
  at<T>(place: string, fn: () => T): T {
    const outer = this.#place;
    this.#place = outer === "" || place.startsWith(outer) ? place : `${outer}.${place}`;
    try {
      return fn();
    } finally {
      this.#place = outer;
    }
  }

  /** Adds a node and gives its outputs' names. */
  add(opType: string, inputs: readonly string[], { attributes = {}, outputs = 1, domain }: NodeOptions = {}): readonly string[] {
    const name = this.name(this.#place === "" ? opType : `${this.#place}.${opType}`);
    const output = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : this.name(`${name}.${i}`)));
    const input = inputs.slice(0, inputs.findLastIndex((given) => given !== "") + 1);
    const attribute = attributeProtos(attributes);
    this.nodes.push({ input, output, name, opType, attribute, ...(domain === undefined ? {} : { domain }) });
    return output;
  }

  /** A node of one output. */
  node(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    return this.add(opType, inputs, { attributes })[0]!;
  }

  /** A tensor that does not change; equal small ones are one. */
  constant(tensor: TensorProto, wanted = "constant"): string {
    const isSmall = (tensor.rawData?.length ?? 0) <= 256;
    const key = isSmall ? `${tensor.dataType} ${tensor.dims!.join()} ${tensor.rawData!.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    let name: string;
    if (this.#isFunction) name = this.node("Constant", [], { value: tensor });
    else {
      name = this.name(wanted);
      this.initializers.push({ ...tensor, name });
    }
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** A tensor of one value without axes. */
  scalar(value: number, dtype: DType = "float32"): string {
    return this.constant(tensorProto([value], [], dtype));
  }

  /** A list of int64. */
  int64s(values: readonly (number | bigint)[]): string {
    return this.constant(int64Proto(values));
  }

  /** The sizes as a list of int64, computed where some are open. */
  shape(sizes: Shape): string {
    if (sizes.every((size) => typeof size === "number")) return this.int64s(sizes);
    const key = sizes.join();
    let known = this.#sizes.get(key);
    if (known === undefined) {
      known =
        sizes.length === 1
          ? this.size(sizes[0]!)
          : this.node(
              "Concat",
              sizes.map((size) => this.size(size)),
              { axis: 0n },
            );
      this.#sizes.set(key, known);
    }
    return known;
  }

  /** The size as a list of one int64. */
  size(size: Size): string {
    if (typeof size === "number") return this.int64s([size]);
    const terms = [...size.terms].map(([symbols, coefficient]) => {
      const factors = symbols === "" ? [] : symbols.split("*").map((symbol) => this.#symbol(symbol));
      if (coefficient !== 1 || factors.length === 0) factors.push(this.int64s([coefficient]));
      return factors.reduce((product, factor) => this.node("Mul", [product, factor]));
    });
    return terms.reduce((sum, term) => this.node("Add", [sum, term]));
  }

  /** @throws UnknownSymbol where no input's size is c · symbol + d */
  #symbol(symbol: string): string {
    let value = this.#symbols.get(symbol);
    if (value === undefined) this.#symbols.set(symbol, (value = this.#solve(symbol)));
    return value;
  }

  #solve(symbol: string): string {
    const places = this.#inputs.flatMap((operand) =>
      operand.shape.flatMap((size, axis) => {
        if (typeof size === "number") return [];
        const linear = linearIn(size, symbol);
        return linear === undefined ? [] : [{ operand, axis, ...linear }];
      }),
    );
    const place = places.find(({ factor, rest }) => factor === 1 && rest === 0) ?? places[0];
    if (place === undefined) throw new UnknownSymbol(symbol);
    const { operand, axis, factor, rest } = place;
    const length = this.node("Shape", [operand.name], { start: BigInt(axis), end: BigInt(axis + 1) });
    const times = rest === 0 ? length : this.node("Sub", [length, this.int64s([rest])]);
    return factor === 1 ? times : this.node("Div", [times, this.int64s([factor])]);
  }

  /** Gives the value of that name another one, in every node. It is no input and no initializer. */
  rename(from: string, to: string): void {
    const changed = (names: readonly string[]): readonly string[] => names.map((name) => (name === from ? to : name));
    this.nodes.forEach((node, i) => {
      if (node.input!.includes(from) || node.output!.includes(from))
        this.nodes[i] = { ...node, input: changed(node.input!), output: changed(node.output!) };
    });
  }

  /** The nodes as bytes: equal where two builders say the same. */
  key(): string {
    return this.nodes.map((node) => encode("NodeProto", node).join()).join(";");
  }
}

/** The size as factor · symbol + rest; undefined where it is not that. */
function linearIn(size: Dim, symbol: string): { readonly factor: number; readonly rest: number } | undefined {
  const factor = size.terms.get(symbol);
  const rest = size.terms.get("") ?? 0;
  return factor === undefined || size.terms.size !== (rest === 0 ? 1 : 2) ? undefined : { factor, rest };
}
