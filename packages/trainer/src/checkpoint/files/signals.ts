/** SIGINT and SIGTERM while a training runs: the first ends it after the step, the second ends the process at once. */
import { isMainThread } from "node:worker_threads";
import { ErmineError } from "@ermine/core";
import type { Interruptions } from "../callback.js";

interface SignalProcess {
  readonly pid: number;
  on(signal: string, listener: () => void): unknown;
  off(signal: string, listener: () => void): unknown;
  kill(pid: number, signal: string): unknown;
}

/** The first signal ends training after the update that runs, with a message. */
export const signals: Interruptions = {
  listen: (control, place) =>
    onSignals((signal) => {
      control.notice(
        `ermine: ${signal}: training ends after this update, with a checkpoint in ${place}. A second one ends the process at once.`,
      );
      control.interrupt(`interrupted by ${signal}`);
    }),
};

/** @param interrupt told of the first one @returns takes the handlers away */
function onSignals(interrupt: (signal: string) => void): () => void {
  const { process } = globalThis as { readonly process?: Partial<SignalProcess> };
  if (!isMainThread) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "checkpoint: signals are told to a process's main thread, and this is a worker. Leave signals out there, and abort the signal of trainInWorker on the main thread: " +
        'process.once("SIGINT", () => controller.abort()).',
    );
  }
  if (typeof process?.on !== "function") {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "checkpoint: signals are those of a Node.js process, and this is none. Leave signals out, and give fit a signal of an AbortController.",
    );
  }
  const signalProcess = process as SignalProcess;
  let isEnding = false;
  const listeners = ["SIGINT", "SIGTERM"].map((signal) => {
    const listener = (): void => {
      if (isEnding) {
        remove();
        signalProcess.kill(signalProcess.pid, signal);
        return;
      }
      isEnding = true;
      interrupt(signal);
    };
    signalProcess.on(signal, listener);
    return [signal, listener] as const;
  });
  const remove = (): void => {
    for (const [signal, listener] of listeners) signalProcess.off(signal, listener);
  };
  return remove;
}
