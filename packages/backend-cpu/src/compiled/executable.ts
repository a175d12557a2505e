/** A compiled module: for each entry and batch size one arena and one program, written once, over the blocks of its variables. */
import { ErmineError, type TypedArray } from "@ermine/core";
import type { Bindings } from "@ermine/core/define";
import {
  type Executable,
  type Feed,
  type Feeds,
  type Graph,
  type GraphModule,
  type PartTime,
  type Value,
  type GraphVariable,
  type VariableStorage,
  bindFeeds,
  isFeedSource,
  specialize,
} from "@ermine/core/backend";
import type { Machine } from "../machine.js";
import { copyWords, writeBlock, type Block } from "../block.js";
import { Emitter, type IndexSite } from "../emitter.js";
import type { Heap } from "../heap.js";
import { missing } from "../lower/movement.js";
import { sizeOf } from "../lower/operand.js";
import { inParts } from "../lower/split.js";
import { fuse } from "./fuse.js";
import { withTableUpdates } from "./tables.js";
import { withKernelInputs } from "./kernelInputs.js";
import { BlockView } from "./blockView.js";
import type { Plan } from "./layout.js";
import { plan } from "./plan.js";
import { bodiesOf } from "./rowParts.js";
import { write, type ProgramPart, type Places } from "./program.js";
import { copyOf, type Blocks, type CpuVariable } from "./variable.js";

/** One entry at one batch size. */
interface Specialized {
  readonly program: number;
  readonly words: number;
  readonly parts: readonly ProgramPart[];
  readonly sites: readonly IndexSite[];
  /** Whether the step is accepted. */
  readonly commit: BlockView | undefined;
  readonly feeds: readonly FeedPlace[];
  readonly outputs: readonly BlockView[];
  /** Everything to give back. */
  readonly addresses: number[];
  /** Of its arena. */
  readonly bytes: number;
}

interface FeedPlace {
  readonly name: string;
  readonly place: BlockView;
  /** Made when rows are first fed. */
  gather: Gather | undefined;
}

/** The program that gathers a feed's rows out of a storage. */
interface Gather {
  readonly from: Block;
  readonly rows: BlockView;
  readonly program: number;
  readonly words: number;
  readonly sites: readonly IndexSite[];
}

/** The cost of moving an element, relative to a multiply-add: it comes from far away. */
const moved = 40;

/** Batch sizes kept ready for each module: so many, and so many bytes of arenas beside the newest's. */
const most = 16;
const mostBytes = 2 ** 28;

/** The specialized programs that are ready to run. */
interface Kept {
  readonly ready: Map<string, Specialized>;
  /** Their addresses. */
  readonly held: Set<readonly number[]>;
  /** The program whose arena is in use: it stays where memory is full. */
  busy: Specialized | undefined;
  /** A loop feeds one object over and over: what it is of is looked up once. */
  last: { readonly entry: string; readonly feeds: Feeds; readonly chosen: Specialized } | undefined;
}

/** @param variables the module's, which this backend has made */
export function compileCpu(
  machine: Machine,
  module: GraphModule,
  variables: readonly VariableStorage[],
  blocks: Blocks,
): Executable {
  const { heap } = machine;
  const places = new Map(module.variables.map((variable, i) => [variable, variables[i] as CpuVariable]));
  const blockOf = (variable: GraphVariable): Block => places.get(variable)!.block;
  /** The least recently chosen first. */
  const ready = new Map<string, Specialized>();
  /** The addresses of those that are ready. */
  const held = new Set<readonly number[]>();
  const cache: Kept = { ready, held, busy: undefined, last: undefined };
  const release = releasing(heap, held, heap.onFull(reclaiming(heap, new WeakRef(cache))));

  function specialized(entry: string, graph: Graph, bindings: Bindings): Specialized {
    const key = keyOf(entry, bindings);
    const cached = ready.get(key);
    if (cached !== undefined) {
      ready.delete(key);
      ready.set(key, cached);
      return cached;
    }
    let bytes = [...ready.values()].reduce((sum, other) => sum + other.bytes, 0);
    for (const [oldest, stale] of ready) {
      if (ready.size < most && bytes <= mostBytes) break;
      bytes -= stale.bytes;
      drop(oldest, stale);
    }
    const specialized = build(fuse(withTableUpdates(withKernelInputs(specialize(graph, bindings)))));
    ready.set(key, specialized);
    held.add(specialized.addresses);
    return specialized;
  }

  const drop = (key: string, program: Specialized): void => dropFrom(heap, cache, key, program);

  /** Allocates, and notes what is to be given back. */
  const allocator =
    (addresses: number[]) =>
    (bytes: number): number => {
      const address = heap.allocate(bytes);
      addresses.push(address);
      return address;
    };

  function build(graph: Graph): Specialized {
    const planned = plan(graph);
    const addresses: number[] = [];
    try {
      return laidOut(graph, planned, addresses);
    } catch (error) {
      // Out of memory half-way: nothing of it stays.
      addresses.forEach((address) => heap.release(address));
      throw error;
    }
  }

  function laidOut(graph: Graph, planned: Plan, addresses: number[]): Specialized {
    const allocate = allocator(addresses);
    const arena = allocate(planned.bytes);
    const fixed = new Map<Value, number>();
    const feeds: FeedPlace[] = [];
    const constantsIn = (subgraph: Graph): void => {
      for (const node of subgraph.nodes) {
        if (node.kind === "op") bodiesOf(node.op).forEach(constantsIn);
        if (node.kind !== "constant") continue;
        const { outputs, data, storage } = node;
        const { shape, dtype } = outputs[0]!.type;
        const length = sizeOf(shape as readonly number[]);
        const address = data === undefined ? (storage as Block).address : allocate(Math.max(1, length) * 4);
        if (data !== undefined) writeBlock(heap, { address, length, dtype }, data);
        fixed.set(outputs[0]!, address);
      }
    };
    for (const node of graph.nodes) {
      if (node.kind === "op") {
        bodiesOf(node.op).forEach(constantsIn);
        continue;
      }
      const value = node.outputs[0]!;
      const { shape, dtype } = value.type;
      const length = sizeOf(shape as readonly number[]);
      if (node.kind === "variable") fixed.set(value, blockOf(node.variable).address);
      if (node.kind === "constant" && node.data === undefined) fixed.set(value, (node.storage as Block).address);
      if (node.kind === "feed" || (node.kind === "constant" && node.data !== undefined)) {
        const block: Block = { address: allocate(Math.max(1, length) * 4), length, dtype };
        fixed.set(value, block.address);
        if (node.kind === "feed") feeds.push({ name: node.name, place: new BlockView(heap, block), gather: undefined });
        else writeBlock(heap, block, node.data!);
      }
    }
    const places: Places = {
      of(value) {
        const root = planned.root(value);
        const direct = planned.direct.get(root);
        return direct === undefined ? (fixed.get(root) ?? arena + planned.offsets.get(root)!) : blockOf(direct).address;
      },
      after(value) {
        const saved = planned.saved.get(planned.root(value));
        return saved === undefined ? places.of(value) : arena + saved;
      },
      variable: blockOf,
      constant: (value) => fixed.get(value),
      room: (loop) => arena + loop.from,
    };
    const { emitter, parts } = write(graph, planned, places, machine.fault);
    machine.reserve(emitter);
    const { words } = emitter;
    const program = allocate(words.length * 4);
    heap.i32.set(words, program >>> 2);
    const placeOf = (value: Value): BlockView => {
      const { shape, dtype } = value.type;
      return new BlockView(heap, { address: places.after(value), length: sizeOf(shape as readonly number[]), dtype });
    };
    const outputs = graph.outputs.map(placeOf);
    const commit = graph.commit && placeOf(graph.commit);
    return {
      program,
      words: words.length,
      parts,
      sites: emitter.sites,
      commit,
      feeds,
      outputs,
      addresses,
      bytes: planned.bytes,
    };
  }

  /** A program for rows of `from`; the one for rows of another storage makes room for it. */
  function gatherFrom(
    name: string,
    { shape, value }: Feed,
    count: number,
    { block }: BlockView,
    before: Gather | undefined,
    addresses: number[],
  ): Gather {
    const from = value as Block;
    const each = block.length / shape[0]!;
    if (ArrayBuffer.isView(value) || isFeedSource(value) || shape[0] !== count || from.length % each !== 0) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `"${name}" is fed ${count} rows for the shape [${shape.join(", ")}]: rows are those of a storage, one for each of the shape's.`,
      );
    }
    const allocate = allocator(addresses);
    const rows = before?.rows ?? new BlockView(heap, { address: allocate(count * 4), length: count, dtype: "int32" });
    const emitter = new Emitter(machine.fault);
    emitter.check(rows.block.address, count, { op: "rows", path: "", size: from.length / each });
    inParts(emitter, block.length * moved, count, (first, end) => {
      const places = [block.address + 4 * first * each, from.address, rows.block.address + 4 * first] as const;
      emitter.emit("indexSelect", ...places, 1, from.length / each, each, end - first, missing(block.dtype));
    });
    machine.reserve(emitter);
    const { words } = emitter;
    const program = before?.program ?? allocate(words.length * 4);
    heap.i32.set(words, program >>> 2);
    return { from, rows, program, words: words.length, sites: emitter.sites };
  }

  /** The entry's program for these sizes, its feeds written. */
  function fed(entry: string, feeds: Feeds): Specialized {
    if (cache.last === undefined || cache.last.feeds !== feeds || cache.last.entry !== entry) {
      const graph = module.entries[entry];
      if (graph === undefined) {
        throw new ErmineError(
          "ERMINE_USAGE",
          `There is no entry "${entry}". There are: ${Object.keys(module.entries).join(", ")}.`,
        );
      }
      cache.busy = undefined;
      cache.last = { entry, feeds, chosen: specialized(entry, graph, bindFeeds(entry, graph, feeds)) };
    }
    const { chosen } = cache.last;
    cache.busy = chosen;
    for (let i = 0; i < chosen.feeds.length; i++) {
      const feedPlan = chosen.feeds[i]!;
      const feed = feeds[feedPlan.name]!;
      const { rows, value } = feed;
      if (rows === undefined) {
        const { block, view } = feedPlan.place;
        // Arrays first: a look for a method on arrays of many kinds costs more than the question.
        if (ArrayBuffer.isView(value)) view.set(value as TypedArray);
        else if (isFeedSource(value)) value.copyInto(view);
        else copyWords(heap, (value as Block).address, block.address, (value as Block).length);
        continue;
      }
      if (feedPlan.place.block.length === 0) continue;
      if (feedPlan.gather?.from !== feed.value || feedPlan.gather.rows.block.length !== rows.length) {
        feedPlan.gather = gatherFrom(feedPlan.name, feed, rows.length, feedPlan.place, feedPlan.gather, chosen.addresses);
      }
      feedPlan.gather.rows.view.set(rows);
      machine.call(feedPlan.gather.program, feedPlan.gather.words, feedPlan.gather.sites, `${entry}: ${feedPlan.name}`);
    }
    return chosen;
  }

  /** Runs a program whose feeds are written. */
  function execute(entry: string, chosen: Specialized): Specialized {
    machine.statistics.runs++;
    machine.call(chosen.program, chosen.words, chosen.sites, entry);
    return chosen;
  }

  return {
    supportsRowGather: true,
    run(entry, feeds) {
      try {
        return execute(entry, fed(entry, feeds)).outputs.map(({ block }) => copyOf(heap, blocks, block));
      } finally {
        // Its outputs are copied: memory that is full may have it.
        cache.busy = undefined;
      }
    },
    // Its outputs are read where they are, until the next call.
    runSync: (entry, feeds) =>
      execute(entry, fed(entry, feeds)).outputs.map(({ block, view }) => (block.dtype === "bool" ? Uint8Array.from(view) : view)),
    async profile(entry, feeds) {
      const { commit, parts, program, sites } = fed(entry, feeds);
      const times: PartTime[] = [];
      for (const { nodes, from, to, committed } of parts) {
        if (committed && commit?.view[0] === 0) break;
        const started = performance.now();
        machine.call(program + 4 * from, to - from, sites, entry);
        times.push({ nodes, seconds: (performance.now() - started) / 1000 });
      }
      return times;
    },
    dispose() {
      release();
      ready.clear();
      cache.busy = cache.last = undefined;
    },
    finalizer: release,
  };
}

function dropFrom(heap: Heap, cache: Kept, key: string, { addresses }: Specialized): void {
  cache.ready.delete(key);
  cache.held.delete(addresses);
  cache.last = undefined;
  for (const address of addresses) heap.release(address);
}

/** Where memory is full: gives back the programs that are not in use. The heap holds this, so that it must not hold the module. */
const reclaiming = (heap: Heap, weak: WeakRef<Kept>) => (): void => {
  const cache = weak.deref();
  if (cache === undefined) return;
  for (const [key, program] of cache.ready) if (program !== cache.busy) dropFrom(heap, cache, key, program);
};

/** Gives back all that a module's programs hold. Outside of them, so that it refers to nothing of the module. */
const releasing =
  (heap: Heap, held: Set<readonly number[]>, stopReclaiming: () => void): (() => void) =>
  () => {
    stopReclaiming();
    for (const addresses of held) for (const address of addresses) heap.release(address);
    held.clear();
  };

function keyOf(entry: string, bindings: Bindings): string {
  let key = entry;
  for (const name in bindings) key += `|${name}=${bindings[name]}`;
  return key;
}
