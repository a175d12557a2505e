/** A compiled module: a part of a TensorFlow session, which has the variables; each run of an entry is one call. */
import { ErmineError, type Backend } from "@ermine/core";
import { type Executable, type GraphModule, type VariableStorage, bindFeeds, isFeedSource } from "@ermine/core/backend";
import { concrete, bind } from "@ermine/core/define";
import { dataType } from "../native/binding.js";
import { emptiness } from "./emptiness.js";
import { encodedNodes } from "./graphDef.js";
import { runOpByOp } from "./opByOp.js";
import type { SessionPart, Sessions } from "./session.js";
import { smallGraphCheck } from "./smallGraphs.js";
import { Staging } from "./staging.js";
import { translate } from "./translate.js";
import type { TfVariable, Variables } from "./variable.js";

/** Threads within TensorFlow's ops, and what sets them for this thread, where something does. */
export interface Threads {
  readonly threads: number;
  readonly limit: ((threads: number) => void) | undefined;
}

/** The backend, and what it is made of. */
export interface Home extends Variables {
  readonly backend: Backend;
  readonly sessions: Sessions;
}

/**
 * Compiles `module`, whose ops must be this backend's own. Runs with values that have no elements go op by op.
 *
 * @param places of the module's variables: this backend's own
 */
export function compileProgram(
  { backend, binding, eager, sessions, name: nameOf }: Home,
  module: GraphModule,
  places: readonly VariableStorage[],
  { threads, limit }: Threads,
): Executable {
  const variables = places as readonly TfVariable[];
  const empty = new Map(Object.entries(module.entries).map(([name, graph]) => [name, emptiness(graph)]));
  const whole = Object.fromEntries(Object.entries(module.entries).filter(([name]) => !empty.get(name)!.always));
  const names = { prefix: `${nameOf("p")}/`, variables: variables.map(({ name }) => name) };
  const translation = translate({ ...module, entries: whole }, names, { read: (storage) => eager.read(storage), threads });
  const part: SessionPart = { nodes: encodedNodes(translation.nodes), variables, session: undefined };
  const entries = new Map(
    Object.entries(translation.entries).map(([name, entry]) => [
      name,
      {
        ...entry,
        inputNames: entry.feeds.map((feed) => feed.placeholder).join(),
        outputNames: entry.fetches.join(),
        staging: new Staging(binding),
        isSmall: smallGraphCheck(module.entries[name]!),
      },
    ]),
  );
  const discard = (ids: Iterable<number>): void => {
    for (const id of ids) binding.deleteTensor(id);
  };
  let disposed = false;
  function alive(): void {
    eager.checkAlive();
    if (disposed) throw new ErmineError("ERMINE_RELEASED", "This compiled program was disposed already.");
  }
  const finalizer = releasing(part);

  return {
    run(entryName, feeds) {
      alive();
      const isEmpty = empty.get(entryName);
      if (isEmpty === undefined) {
        throw new ErmineError("ERMINE_USAGE", `There is no entry "${entryName}". There are: ${[...empty.keys()].join(", ")}.`);
      }
      const bindings = bindFeeds(entryName, module.entries[entryName]!, feeds);
      if (isEmpty.holds(bindings)) return runOpByOp(backend, module, entryName, feeds, bindings, variables);
      const entry = entries.get(entryName)!;
      const session = sessions.of(part);
      session.flush();
      session.forgetViews();
      const temporary: number[] = [];
      try {
        const inputs = entry.feeds.map(({ name, dtype }) => {
          const feed = feeds[name]!;
          if (!isFeedSource(feed.value) && !ArrayBuffer.isView(feed.value)) return eager.check(feed.value).id;
          const id = binding.createTensor(feed.shape, dataType[dtype], entry.staging.write(name, dtype, feed));
          temporary.push(id);
          return id;
        });
        const alone = limit !== undefined && entry.isSmall(bindings);
        let ids: number[];
        try {
          if (alone) limit(1);
          ids = session.run(entryName, inputs, entry.inputNames, entry.outputNames, entry.lookups);
        } finally {
          if (alone) limit(threads);
        }
        if (entry.outputs.length === 0) {
          discard(ids);
          return [];
        }
        return ids.map((id, i) => eager.adopt(id, concrete(bind(entry.outputs[i]!.shape, bindings)), entry.outputs[i]!.dtype));
      } finally {
        discard(temporary);
      }
    },
    dispose() {
      disposed = true;
      finalizer();
    },
    finalizer,
  };
}

/** Gives back what a program holds; refers to nothing else of it. */
const releasing = (part: SessionPart) => (): void => {
  part.session?.remove(part);
  part.nodes = undefined;
};
