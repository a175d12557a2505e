/** A compiled module: variables in blocks of their own, and for each entry and batch size one arena and one program, written once. */
import {
  bindFeeds,
  ErmineError,
  specialize,
  type Bindings,
  type DType,
  type Executable,
  type Feed,
  type Feeds,
  type Graph,
  type GraphModule,
  type OpNode,
  type PartTime,
  type TypedArray,
  type Value,
} from "@ermine/core";
import { readBlock, writeBlock, type Block, type Machine } from "../backend.js";
import { Emitter } from "../emitter.js";
import { loweringOf, type Operand } from "../lower/index.js";
import type { Heap } from "../heap.js";
import { sizeOf } from "../lower/operand.js";
import { fuse, madeOf } from "./fuse.js";
import { plan } from "./plan.js";

interface Blocks {
  allocate(length: number, dtype: DType): Block;
  release(block: object): void;
}

/** One entry at one batch size. */
interface Specialized {
  readonly program: number;
  readonly words: number;
  readonly feeds: readonly { readonly name: string; readonly place: Place }[];
  readonly outputs: readonly Place[];
  /** The words of each op, for profiles; those behind `committed` run only where the number at `commit` is not 0. */
  readonly parts: readonly Part[];
  readonly commit: number | undefined;
  readonly committed: number;
  /** Everything to give back. */
  readonly addresses: readonly number[];
}

interface Part {
  readonly nodes: readonly OpNode[];
  readonly from: number;
  readonly to: number;
}

/** A block and a view of its numbers, made anew when memory has moved. */
class Place {
  readonly block: Block;
  readonly #heap: Heap;
  #view: Float32Array | Int32Array;

  constructor(heap: Heap, block: Block) {
    this.#heap = heap;
    this.block = block;
    this.#view = this.#look();
  }

  get view(): Float32Array | Int32Array {
    if (this.#view.buffer !== this.#heap.memory.buffer) this.#view = this.#look();
    return this.#view;
  }

  #look(): Float32Array | Int32Array {
    const { address, dtype, length } = this.block;
    const Numbers = dtype === "float32" ? Float32Array : Int32Array;
    return new Numbers(this.#heap.memory.buffer, address, length);
  }
}

/** Batch sizes kept ready for each module. */
const most = 16;

export function compileCpu(machine: Machine, module: GraphModule, blocks: Blocks): Executable {
  const { heap } = machine;
  const variables = module.variables.map((variable) => {
    const block = blocks.allocate(sizeOf(variable.shape), variable.type.dtype);
    heap.i32.fill(0, block.address >>> 2, (block.address >>> 2) + block.length);
    return block;
  });
  const index = new Map(module.variables.map((variable, i) => [variable, i]));
  const ready = new Map<string, Specialized>();

  function specialized(entry: string, graph: Graph, bindings: Bindings): Specialized {
    const key = keyOf(entry, bindings);
    const known = ready.get(key);
    if (known !== undefined) return known;
    if (ready.size >= most) {
      const [oldest, stale] = ready.entries().next().value!;
      ready.delete(oldest);
      last = undefined;
      stale.addresses.forEach((address) => heap.release(address));
    }
    const made = build(fuse(specialize(graph, bindings)));
    ready.set(key, made);
    return made;
  }

  function build(graph: Graph): Specialized {
    const planned = plan(graph);
    const addresses: number[] = [];
    const allocate = (bytes: number): number => {
      const address = heap.allocate(bytes);
      addresses.push(address);
      return address;
    };
    const arena = allocate(planned.bytes);
    const fixed = new Map<Value, number>();
    const feeds: { name: string; place: Place }[] = [];
    for (const node of graph.nodes) {
      const value = node.outputs[0]!;
      const { shape, dtype } = value.type;
      const length = sizeOf(shape as readonly number[]);
      if (node.kind === "variable") fixed.set(value, variables[index.get(node.variable)!]!.address);
      if (node.kind === "constant" && node.data === undefined) fixed.set(value, (node.storage as Block).address);
      if (node.kind === "feed" || (node.kind === "constant" && node.data !== undefined)) {
        const block: Block = { address: allocate(Math.max(1, length) * 4), length, dtype };
        fixed.set(value, block.address);
        if (node.kind === "feed") feeds.push({ name: node.name, place: new Place(heap, block) });
        else writeBlock(heap, block, node.data!);
      }
    }
    const addressOf = (value: Value): number => {
      const direct = planned.direct.get(value);
      if (direct !== undefined) return variables[index.get(direct)!]!.address;
      return fixed.get(value) ?? arena + planned.offsets.get(value)!;
    };
    const operand = (value: Value): Operand => ({
      address: addressOf(value),
      shape: value.type.shape as readonly number[],
      dtype: value.type.dtype,
    });
    const parts: Part[] = [];
    let committed = Infinity;
    const emit = (): Emitter => {
      const emitter = new Emitter();
      const part = (nodes: readonly OpNode[], from: number): void => {
        if (emitter.words.length > from) parts.push({ nodes, from, to: emitter.words.length });
      };
      let skipAt = -1;
      const begin = (): void => {
        if (graph.commit === undefined) return;
        skipAt = emitter.words.length;
        emitter.emit("skipUnless", addressOf(graph.commit), 0);
      };
      planned.order.forEach((node, i) => {
        if (i === planned.committed) begin();
        const from = emitter.words.length;
        const lowering = loweringOf(node.op.name);
        if (lowering === undefined)
          throw new ErmineError("ERMINE_UNSUPPORTED", `The cpu backend has no lowering for ${node.op.name}.`);
        // A dead output has no place where the op can leave it out; others keep theirs.
        const outputs = node.outputs.map((value) =>
          planned.used(value) || node.op.name !== "convolutionGradient" ? operand(value) : undefined,
        );
        lowering.emit(
          emitter,
          node.inputs.map((value) => value && operand(value)),
          outputs as readonly Operand[],
          node.attributes,
        );
        part(madeOf(node), from);
      });
      if (planned.committed === planned.order.length && graph.updates.length > 0) begin();
      const copies = emitter.words.length;
      for (const { variable, value } of planned.copied) {
        const { address, length } = variables[index.get(variable)!]!;
        emitter.emit("move", address, addressOf(value), length);
      }
      part([], copies);
      committed = skipAt < 0 ? Infinity : skipAt;
      if (skipAt >= 0) emitter.words[skipAt + 2] = emitter.words.length - skipAt - 3;
      return emitter;
    };
    const emitter = emit();
    machine.reserve(emitter);
    const { words } = emitter;
    const program = allocate(words.length * 4);
    heap.i32.set(words, program >>> 2);
    const outputs = graph.outputs.map(
      (value) =>
        new Place(heap, {
          address: addressOf(value),
          length: sizeOf(value.type.shape as readonly number[]),
          dtype: value.type.dtype,
        }),
    );
    const commit = graph.commit && addressOf(graph.commit);
    return { program, words: words.length, feeds, outputs, parts, commit, committed, addresses };
  }

  function fill({ block, view }: Place, { value }: Feed): void {
    if (typeof value === "function") value(view);
    else if (ArrayBuffer.isView(value)) view.set(value as TypedArray);
    else copyWords((value as Block).address, block.address, (value as Block).length);
  }

  const copyWords = (from: number, to: number, count: number): void => {
    heap.i32.copyWithin(to >>> 2, from >>> 2, (from >>> 2) + count);
  };

  const copyOf = (block: Block): Block => {
    const copy = blocks.allocate(block.length, block.dtype);
    copyWords(block.address, copy.address, block.length);
    return copy;
  };

  // A loop feeds one object over and over: what it is of is looked up once.
  let last: { readonly entry: string; readonly feeds: Feeds; readonly chosen: Specialized } | undefined;

  /** The entry's program for these sizes, its feeds written. */
  function fed(entry: string, feeds: Feeds): Specialized {
    if (last === undefined || last.feeds !== feeds || last.entry !== entry) {
      const graph = module.entries[entry];
      if (graph === undefined) {
        throw new ErmineError(
          "ERMINE_USAGE",
          `There is no entry "${entry}". There are: ${Object.keys(module.entries).join(", ")}.`,
        );
      }
      last = { entry, feeds, chosen: specialized(entry, graph, bindFeeds(entry, graph, feeds)) };
    }
    const { chosen } = last;
    for (let i = 0; i < chosen.feeds.length; i++) {
      const { name, place } = chosen.feeds[i]!;
      fill(place, feeds[name]!);
    }
    return chosen;
  }

  function execute(entry: string, feeds: Feeds): Specialized {
    const chosen = fed(entry, feeds);
    machine.statistics.runs++;
    machine.call(chosen.program, chosen.words);
    return chosen;
  }

  return {
    run: (entry, feeds) => execute(entry, feeds).outputs.map(({ block }) => copyOf(block)),
    runSync: (entry, feeds) =>
      execute(entry, feeds).outputs.map(({ block, view }) => (block.dtype === "bool" ? Uint8Array.from(view) : view)),
    async profile(entry, feeds) {
      const { program, parts, commit, committed } = fed(entry, feeds);
      const times: PartTime[] = [];
      for (const { nodes, from, to } of parts) {
        if (from >= committed && heap.i32[commit! >>> 2] === 0) break;
        const started = performance.now();
        machine.call(program + from * 4, to - from);
        times.push({ nodes, seconds: (performance.now() - started) / 1000 });
      }
      return times;
    },
    snapshot: (i) => copyOf(variables[i]!),
    read: (i) => Promise.resolve(readBlock(heap, variables[i]!)),
    write(i, data) {
      const block = variables[i]!;
      if (ArrayBuffer.isView(data)) writeBlock(heap, block, data as TypedArray);
      else copyWords((data as Block).address, block.address, block.length);
    },
    dispose() {
      for (const block of variables) blocks.release(block);
      for (const { addresses } of ready.values()) addresses.forEach((address) => heap.release(address));
      ready.clear();
      last = undefined;
    },
  };
}

function keyOf(entry: string, bindings: Bindings): string {
  let key = entry;
  for (const name in bindings) key += `|${name}=${bindings[name]}`;
  return key;
}
