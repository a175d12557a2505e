/** A compiled module: one TensorFlow session that owns the variables; each run of an entry is one call. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bindFeeds,
  bytesPerElement,
  concrete,
  bind,
  ErmineError,
  isFeedSource,
  type Backend,
  type DType,
  type Executable,
  type GraphModule,
  type Storage,
  type TypedArray,
} from "@ermine/core";
import { explained, fitting, type Eager } from "../eager.js";
import { dataType, type Binding } from "../native/binding.js";
import { emptiness } from "./emptiness.js";
import { savedModel } from "./graphDef.js";
import { runOpByOp } from "./opByOp.js";
import { Staging } from "./staging.js";
import { smallness } from "./smallness.js";
import { translate } from "./translate.js";

/** What a program holds in TensorFlow. It refers to nothing of the module, so that it can be given back when the program was collected. */
export class Session {
  readonly #binding: Binding;
  readonly model: number;
  readonly #types: readonly { readonly dtype: DType; readonly shape: readonly number[] }[];
  /** New values that no run has needed yet: written together. */
  readonly pending = new Map<number, number>();
  /** All variables as they are now, fetched together and held until something changes. */
  views: readonly number[] | undefined;
  disposed = false;

  constructor(binding: Binding, model: number, types: Session["types"]) {
    this.#binding = binding;
    this.model = model;
    this.#types = types;
  }

  get types(): readonly { readonly dtype: DType; readonly shape: readonly number[] }[] {
    return this.#types;
  }

  discard(ids: Iterable<number>): void {
    for (const id of ids) this.#binding.deleteTensor(id);
  }

  forgetViews(): void {
    if (this.views !== undefined) this.discard(this.views);
    this.views = undefined;
  }

  memory(): { readonly tensors: number; readonly bytes: number } {
    if (this.disposed) return { tensors: 0, bytes: 0 };
    const bytes = this.#types.reduce((sum, { shape, dtype }) => sum + shape.reduce((x, y) => x * y, bytesPerElement[dtype]), 0);
    return { tensors: this.#types.length, bytes };
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.forgetViews();
    this.discard(this.pending.values());
    this.pending.clear();
    this.#binding.deleteSavedModel(this.model);
  }
}

export interface TfProgram extends Executable {
  readonly session: Session;
}

/** Loads a graph from a private folder that is gone when this returns. */
function load(binding: Binding, bytes: Uint8Array): number {
  const directory = mkdtempSync(join(tmpdir(), "ermine-tfjs-"));
  try {
    chmodSync(directory, 0o700);
    writeFileSync(join(directory, "saved_model.pb"), bytes, { mode: 0o600 });
    return binding.loadSavedModel(directory, "serve");
  } catch (error) {
    throw explained(error, "compile");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Threads within TensorFlow's ops, and what sets them for this thread, where something does. */
export interface Threads {
  readonly threads: number;
  readonly limit: ((threads: number) => void) | undefined;
}

/** The backend, and what it is made of. */
export interface Home {
  readonly backend: Backend;
  readonly binding: Binding;
  readonly eager: Eager;
}

/** Compiles `module`, whose ops must be this backend's own. Runs with values that have no elements go op by op. */
export function compileProgram({ backend, binding, eager }: Home, module: GraphModule, { threads, limit }: Threads): TfProgram {
  const empty = new Map(Object.entries(module.entries).map(([name, graph]) => [name, emptiness(graph)]));
  const whole = Object.fromEntries(Object.entries(module.entries).filter(([name]) => !empty.get(name)!.always));
  const translation = translate({ ...module, entries: whole }, { read: (storage) => eager.read(storage), threads });
  const model = load(binding, savedModel(translation.nodes));
  const entries = new Map(
    Object.entries(translation.entries).map(([name, entry]) => [
      name,
      {
        ...entry,
        inputNames: entry.feeds.map((feed) => feed.placeholder).join(),
        outputNames: entry.fetches.join(),
        staging: new Staging(binding),
        isSmall: smallness(module.entries[name]!),
      },
    ]),
  );
  const held = new Session(
    binding,
    model,
    module.variables.map(({ type, shape }) => ({ dtype: type.dtype, shape })),
  );
  const { types, pending } = held;

  function session(what: string, inputs: readonly number[], inputNames: string, outputNames: string, alone = false): number[] {
    try {
      if (alone) limit?.(1);
      return binding.runSavedModel(model, inputs, inputNames, outputNames).map(({ id }) => id);
    } catch (error) {
      throw explained(error, what);
    } finally {
      if (alone) limit?.(threads);
    }
  }
  const discard = (ids: Iterable<number>): void => held.discard(ids);
  const forgetViews = (): void => held.forgetViews();
  function flush(): void {
    if (pending.size === 0) return;
    const whole = pending.size === types.length;
    const chosen = [...pending.keys()];
    const fetch = whole ? translation.writeAll : chosen.map((i) => translation.variables[i]!.write).join();
    const names = chosen.map((i) => translation.variables[i]!.placeholder).join();
    discard(session("write", [...pending.values()], names, fetch));
    discard(pending.values());
    pending.clear();
  }
  function current(variable: number): number {
    flush();
    held.views ??= types.length === 0 ? [] : session("read", [], "", translation.variables.map(({ read }) => read).join());
    return held.views[variable]!;
  }
  function alive(): void {
    eager.checkAlive();
    if (held.disposed) throw new ErmineError("ERMINE_RELEASED", "This compiled program was disposed already.");
  }

  function snapshot(variable: number): Storage {
    alive();
    const { shape, dtype } = types[variable]!;
    return eager.adopt(eager.execute("Identity", [current(variable)], {}, 1)[0]!, shape, dtype);
  }
  function write(variable: number, data: TypedArray | Storage): void {
    alive();
    const { shape, dtype } = types[variable]!;
    const id = ArrayBuffer.isView(data)
      ? binding.createTensor(shape, dataType[dtype], fitting(data as TypedArray, dtype))
      : eager.execute("Identity", [eager.check(data as Storage).id], {}, 1)[0]!;
    const earlier = pending.get(variable);
    if (earlier !== undefined) binding.deleteTensor(earlier);
    pending.set(variable, id);
    forgetViews();
  }

  return {
    run(entryName, feeds) {
      alive();
      const isEmpty = empty.get(entryName);
      if (isEmpty === undefined) {
        throw new ErmineError("ERMINE_USAGE", `There is no entry "${entryName}". There are: ${[...empty.keys()].join(", ")}.`);
      }
      const bindings = bindFeeds(entryName, module.entries[entryName]!, feeds);
      if (isEmpty.holds(bindings)) return runOpByOp(backend, module, entryName, feeds, bindings, { snapshot, write });
      const entry = entries.get(entryName)!;
      flush();
      forgetViews();
      const temporary: number[] = [];
      try {
        const inputs = entry.feeds.map(({ name, dtype }) => {
          const feed = feeds[name]!;
          if (!isFeedSource(feed.value) && !ArrayBuffer.isView(feed.value)) return eager.check(feed.value).id;
          const id = binding.createTensor(feed.shape, dataType[dtype], entry.staging.write(name, dtype, feed));
          temporary.push(id);
          return id;
        });
        const ids = session(entryName, inputs, entry.inputNames, entry.outputNames, entry.isSmall(bindings));
        if (entry.outputs.length === 0) {
          discard(ids);
          return [];
        }
        return ids.map((id, i) => eager.adopt(id, concrete(bind(entry.outputs[i]!.shape, bindings)), entry.outputs[i]!.dtype));
      } finally {
        discard(temporary);
      }
    },
    snapshot,
    async read(variable) {
      alive();
      return binding.tensorDataSync(current(variable));
    },
    write,
    session: held,
    dispose: () => held.dispose(),
  };
}
