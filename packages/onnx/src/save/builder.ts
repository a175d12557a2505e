/** Nodes of a graph, or of a function's body, in the making: their names, their constants, and the sizes that are known only when the model runs. */
import { ErmineError, type Dim, type DType, type Shape, type Size } from "@ermine/core";
import { elementTypeOf, int64Proto, tensorProto } from "../elements.js";
import type { GraphProto, NodeProto, TensorProto } from "../proto/messages.js";
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
  /** Where nodes are added: those of the graph, or of one inside of it. */
  #nodes = this.nodes;
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

  /**
   * The nodes that `fn` adds, as a graph inside of a node, which sees what surrounds it: the names of its values are none of those, and constants and sizes stand around it.
   *
   * @param inputs what the graph is given; their names are made here
   * @param fn gives the names of the graph's outputs, of its inputs' names
   */
  body(
    name: string,
    inputs: readonly Omit<Operand, "shape">[],
    fn: (inputs: readonly string[]) => readonly string[],
  ): GraphProto {
    const outer = this.#nodes;
    const inside: NodeProto[] = [];
    const names = inputs.map((input) => this.name(input.name));
    this.#nodes = inside;
    let results: readonly string[];
    try {
      results = fn(names);
      const outputs = new Set<string>();
      // An output is what a node of the graph makes, and no other output.
      results = results.map((result) => {
        const isNew = !outputs.has(result) && inside.some(({ output }) => output!.includes(result));
        const output = isNew ? result : this.node("Identity", [result]);
        outputs.add(output);
        return output;
      });
    } finally {
      this.#nodes = outer;
    }
    const typed = (name: string, dtype: DType) => ({ name, type: { tensorType: { elemType: elementTypeOf(dtype) } } });
    return {
      node: inside,
      name,
      input: names.map((inputName, i) => typed(inputName, inputs[i]!.dtype)),
      output: results.map((output) => ({ name: output })),
    };
  }

  /** Nodes that `fn` adds stand around the graph in the making, where every part of it sees their values. */
  #around<T>(fn: () => T): T {
    const inside = this.#nodes;
    this.#nodes = this.nodes;
    try {
      return fn();
    } finally {
      this.#nodes = inside;
    }
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
    this.#nodes.push({ input, output, name, opType, attribute, ...(domain === undefined ? {} : { domain }) });
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
    const equal = key === undefined ? undefined : this.#constants.get(key);
    if (equal !== undefined) return equal;
    let name: string;
    if (this.#isFunction) name = this.#around(() => this.node("Constant", [], { value: tensor }));
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
    return this.#around(() => this.#shape(sizes));
  }

  #shape(sizes: Shape): string {
    if (sizes.every((size) => typeof size === "number")) return this.int64s(sizes);
    const key = sizes.join();
    let list = this.#sizes.get(key);
    if (list === undefined) {
      list =
        sizes.length === 1
          ? this.size(sizes[0]!)
          : this.node(
              "Concat",
              sizes.map((size) => this.size(size)),
              { axis: 0n },
            );
      this.#sizes.set(key, list);
    }
    return list;
  }

  /** The size as a list of one int64. */
  size(size: Size): string {
    return this.#around(() => this.#size(size));
  }

  #size(size: Size): string {
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
    this.nodes.forEach((node, i) => (this.nodes[i] = renamed(node, changed)));
  }
}

/** The node with other names of values, inside of its graphs too. */
function renamed(node: NodeProto, changed: (names: readonly string[]) => readonly string[]): NodeProto {
  const hasGraph = node.attribute?.some(({ g }) => g !== undefined) === true;
  return {
    ...node,
    input: changed(node.input!),
    output: changed(node.output!),
    ...(hasGraph && {
      attribute: node.attribute!.map((attribute) =>
        attribute.g === undefined
          ? attribute
          : { ...attribute, g: { ...attribute.g, node: attribute.g.node!.map((inner) => renamed(inner, changed)) } },
      ),
    }),
  };
}

/** The size as factor · symbol + rest; undefined where it is not that. */
function linearIn(size: Dim, symbol: string): { readonly factor: number; readonly rest: number } | undefined {
  const factor = size.terms.get(symbol);
  const rest = size.terms.get("") ?? 0;
  return factor === undefined || size.terms.size !== (rest === 0 ? 1 : 2) ? undefined : { factor, rest };
}
