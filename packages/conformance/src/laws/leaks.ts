/** The law of memory: what a call took it gives back, when it ends and when it fails half-way. */
import type { Backend } from "@ermine/core";
import type { Mode } from "../golden/kind.js";
import { run, type Call } from "./call.js";
import { callsOf } from "./definitions.js";
import type { Law } from "./law.js";
import { Broken, fragile } from "./views.js";

/** Twice the same: scalars that a backend keeps are there after the first time. */
async function leaves(backend: Backend, label: string, work: () => Promise<unknown>): Promise<void> {
  await work();
  const before = backend.memory();
  await work();
  const after = backend.memory();
  // Fewer is possible: the garbage collector may free an earlier program's.
  if (after.tensors <= before.tensors && after.bytes <= before.bytes) return;
  throw new Error(
    `${label} leaves ${after.tensors - before.tensors} tensors and ${after.bytes - before.bytes} bytes behind on ${backend.name}`,
  );
}

const breaks = async (call: Call, backend: Backend, mode: Mode): Promise<void> => {
  try {
    await run(call, backend, mode, 5, 1);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
  }
};

export const nothingLeaks: Law = {
  name: "nothing leaks",
  trials: (definitions) =>
    callsOf(definitions).map((call) => ({
      name: call.name,
      async check(backend) {
        for (const mode of ["eager", "compiled"] as const) {
          await leaves(backend, mode, () => run(call, backend, mode, 5, 1));
          const view = fragile(backend);
          await run(call, view.backend, mode, 5, 1);
          const calls = view.calls();
          for (const n of new Set([1, Math.ceil(calls / 2), calls])) {
            if (n === 0) continue;
            await leaves(backend, `${mode}, failing in kernel ${n} of ${calls},`, () => {
              view.failFrom(n);
              return breaks(call, view.backend, mode);
            });
          }
        }
      },
    })),
};
