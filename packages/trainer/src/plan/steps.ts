/** A model's steps on a backend apart from the training itself: with the same starting numbers, and nothing of them kept. */
import type { Backend, TypedArray } from "@ermine/core";
import { compileDetached, type GraphModule, type Program } from "@ermine/core/backend";
import type { EntryRun } from "../step/feeds.js";

/** The variables' numbers on the host, in the module's order. */
export const numbersOf = (module: GraphModule): Promise<TypedArray[]> =>
  Promise.all(module.variables.map((variable) => variable.data()));

/** The calls that one step is, on a program of its own. */
export interface DetachedSteps {
  readonly backend: Backend;
  readonly program: Program;
  /** Runs a step and reads what the trainer reads of one. A promise where the backend answers later. */
  step(): void | Promise<void>;
  /** Puts the variables' numbers back to these. */
  write(numbers: readonly TypedArray[]): void;
  dispose(): void;
}

export function detachedSteps(
  backend: Backend,
  module: GraphModule,
  runs: readonly EntryRun[],
  numbers: readonly TypedArray[],
): DetachedSteps {
  const program = compileDetached(backend, module);
  const write = (values: readonly TypedArray[]): void => values.forEach((data, i) => program.write(i, data));
  write(numbers);
  return {
    backend,
    program,
    write,
    step() {
      if (backend.readSync === undefined) return readLater(backend, program, runs);
      for (const { entry, feeds } of runs) {
        if (program.runSync !== undefined) {
          program.runSync(entry, feeds);
          continue;
        }
        for (const storage of program.run(entry, feeds)) {
          backend.readSync(storage);
          backend.release(storage);
        }
      }
    },
    dispose: () => program.dispose(),
  };
}

/** The same backend, its ops one by one. */
export function uncompiled(backend: Backend): Backend {
  const copy = { ...backend };
  delete copy.compile;
  return copy;
}

async function readLater(backend: Backend, program: Program, runs: readonly EntryRun[]): Promise<void> {
  for (const { entry, feeds } of runs) {
    for (const storage of program.run(entry, feeds)) {
      await backend.read(storage);
      backend.release(storage);
    }
  }
}
