/** The backend: storages on the heap, eager ops as programs of one op, compiled modules as programs of many. */
import { ErmineError, type Backend, type DType, type TypedArray } from "@ermine/core";
import type { Attributes } from "@ermine/core/define";
import { type Kernel, type KernelOutput, finalizationRegistry } from "@ermine/core/backend";
import { readBlock, writeBlock, type Block } from "./block.js";
import { compileCpu } from "./compiled/executable.js";
import { CpuVariable, type Blocks } from "./compiled/variable.js";
import { Emitter, type IndexSite } from "./emitter.js";
import { describeEngine, type Engine } from "./engine.js";
import { Heap } from "./heap.js";
import { lowerings, registrationCount, supports } from "./lower/index.js";
import type { Lowering, Operand } from "./lower/operand.js";
import { sizeOf } from "./lower/operand.js";
import { checkLookup, type Machine, type Statistics } from "./machine.js";
import type { Pool } from "./threads/pool.js";

interface Room {
  readonly address: number;
  readonly words: number;
}

/** The WebAssembly backend. */
export interface CpuBackend extends Backend {
  /** Always "cpu". */
  readonly name: "cpu";
  /** Which build runs. */
  readonly numerics: "fast" | "portable";
  /** Threads that large ops are spread over; results do not depend on it. */
  readonly threads: number;
  /** `workers`: threads that have come to help so far; they start with the first program that is large enough. */
  statistics(): Readonly<Statistics> & { readonly pages: number; readonly workers: number };
}

/** Reads the fault word, and clears it. */
function checkFault(heap: Heap, fault: number, sites: readonly IndexSite[], where: string | undefined): void {
  const site = heap.i32[fault >>> 2]!;
  if (site === 0) return;
  const index = heap.i32[(fault >>> 2) + 1]!;
  heap.i32[fault >>> 2] = 0;
  const { op, path, size } = sites[site - 1]!;
  throw new ErmineError(
    "ERMINE_VALUE",
    `${where === undefined ? "" : `${where}: `}${op}${path === "" ? "" : ` of the layer ${path}`}: the index ${index} is not in 0 … ${size - 1}.`,
  );
}

/** @param Workers the worker threads, where the engine has more than one */
export function createBackend(engine: Engine, Workers: typeof Pool | undefined): CpuBackend {
  const heap = new Heap(engine.memory, engine.exports.heapBase(), engine.maximumPages);
  const statistics: Statistics = { runs: 0, wasmCalls: 0 };
  // Scratch and the eager program: kept, and replaced by larger ones when needed.
  const allocate = (words: number): Room => ({ address: heap.allocate(words * 4), words });
  const larger = (current: Room, words: number): Room => {
    if (words <= current.words) return current;
    const next = allocate(words);
    heap.release(current.address);
    return next;
  };
  const fault = heap.allocate(16);
  heap.i32[fault >>> 2] = 0;
  let room = allocate(1024);
  let shared = allocate(64);
  // One for each thread; workers get theirs when a program forks.
  const scratch = [allocate(1024)];
  const pool = Workers && new Workers(engine, (bytes) => heap.allocate(bytes));
  const place = (): void => {
    engine.exports.useScratch(scratch[0]!.address, shared.address);
    pool?.place(scratch.map(({ address }) => address));
  };
  place();
  const machine: Machine = {
    engine,
    heap,
    statistics,
    reserve({ forks, scratchWords, sharedWords }) {
      const threads = forks ? engine.threads : 1;
      let moved = sharedWords > shared.words;
      shared = larger(shared, sharedWords);
      for (let thread = 0; thread < threads; thread++) {
        const had = scratch[thread];
        const has = had === undefined ? allocate(Math.max(64, scratchWords)) : larger(had, scratchWords);
        if (has === had) continue;
        scratch[thread] = has;
        moved = true;
      }
      if (moved) place();
      if (forks) pool?.start();
    },
    fault,
    call(address, words, sites, where) {
      checkAlive();
      statistics.wasmCalls++;
      pool?.check();
      try {
        engine.exports.run(address, words);
      } catch (error) {
        heap.i32[fault >>> 2] = 0;
        throw pool?.failed(error) ?? error;
      }
      if (sites.length > 0) checkFault(heap, fault, sites, where);
    },
  };
  let disposed = false;
  /** @throws ErmineError ERMINE_RELEASED: its memory is nobody's any more */
  const checkAlive = (): void => {
    if (disposed)
      throw new ErmineError(
        "ERMINE_RELEASED",
        "This cpu backend was disposed of, and its tensors with it. Make a new one: await cpu().",
      );
  };
  const ownBlocks = (): number => 3 + scratch.length + (pool === undefined ? 0 : 1);
  let live = 0;

  const block = (length: number, dtype: DType): Block => {
    checkAlive();
    const allocated = { address: heap.allocate(Math.max(1, length) * 4), length, dtype };
    live++;
    return allocated;
  };

  function runEagerly(
    name: string,
    lowering: Lowering,
    inputs: readonly (Operand | undefined)[],
    outputs: readonly Operand[],
    attributes: Attributes,
  ): void {
    const emitter = new Emitter(fault);
    checkLookup(emitter, lowering, inputs, attributes, { op: name, path: "" });
    lowering.emit(emitter, inputs, outputs, attributes);
    machine.reserve(emitter);
    const { words } = emitter;
    if (words.length === 0) return;
    room = larger(room, words.length);
    heap.i32.set(words, room.address >>> 2);
    machine.call(room.address, words.length, emitter.sites);
  }

  const kernelOf =
    (name: string, lowering: Lowering): Kernel =>
    (inputs, attributes, outputs) => {
      const blocks = outputs.map(({ shape, dtype }) => block(sizeOf(shape), dtype));
      const operands = inputs.map(
        (input) => input && { address: (input.storage as Block).address, shape: input.shape, dtype: input.dtype },
      );
      const places = outputs.map(({ shape, dtype }: KernelOutput, i): Operand => ({ address: blocks[i]!.address, shape, dtype }));
      try {
        runEagerly(name, lowering, operands, places, attributes);
      } catch (error) {
        blocks.forEach(release);
        throw error;
      }
      return blocks;
    };

  /** The list of the lowerings; made anew after one was registered. */
  const tablesNow = (): Pick<Backend, "capabilities" | "kernels"> => ({
    capabilities: {
      ops: new Map([...lowerings].map(([name, { dtypes }]) => [name, dtypes])),
      dtypes: ["float32", "int32", "bool"],
      deterministic: true,
      loops: true,
      conditionals: true,
    },
    kernels: Object.fromEntries([...lowerings].map(([name, lowering]) => [name, kernelOf(name, lowering)])),
  });
  let [listed, listedAt] = [tablesNow(), registrationCount()];
  const tables = (): typeof listed => {
    if (listedAt !== registrationCount()) [listed, listedAt] = [tablesNow(), registrationCount()];
    return listed;
  };

  const read = (storage: object): TypedArray => {
    checkAlive();
    return readBlock(heap, storage as Block);
  };

  const release = (storage: object): void => {
    if (disposed) return;
    live--;
    heap.release((storage as Block).address);
  };

  const blocks: Blocks = { allocate: block, release, read, checkAlive };
  const backend: CpuBackend = {
    name: "cpu",
    get engine() {
      return describeEngine(engine, pool?.threads ?? 1, pool?.refused);
    },
    get threads() {
      return pool?.threads ?? 1;
    },
    numerics: engine.numerics,
    get details() {
      return { threads: pool?.threads ?? 1, simd: engine.numerics === "fast" ? "relaxed" : "plain", vectors: engine.vectors };
    },
    get capabilities() {
      return tables().capabilities;
    },
    get kernels() {
      return tables().kernels;
    },
    supports,
    upload(data, shape, dtype) {
      const storage = block(sizeOf(shape), dtype);
      writeBlock(heap, storage, data);
      return storage;
    },
    release,
    read: async (storage) => read(storage),
    readSync: read,
    createVariable: ({ shape, dtype }, initial) =>
      new CpuVariable(heap, blocks, sizeOf(shape), dtype, initial as Block | undefined),
    compile(module, variables) {
      checkAlive();
      return compileCpu(machine, module, variables, blocks);
    },
    memory: () => (disposed ? { tensors: 0, bytes: 0 } : { tensors: live, bytes: heap.bytes }),
    statistics: () => ({ ...statistics, pages: heap.pages, blocks: heap.blocks - ownBlocks(), workers: pool?.workers ?? 0 }),
    dispose() {
      disposed = true;
      pool?.stop();
    },
  };
  if (pool !== undefined) abandoned.register(backend, pool);
  return backend;
}

/** Workers of backends that nobody can reach any more, and that were not disposed of. They know nothing of the backend. */
const abandoned = finalizationRegistry<Pool>((pool) => pool.stop());
