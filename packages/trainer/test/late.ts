/** A backend that answers in a later macrotask, and counts what it has not answered yet. */
import type { Backend } from "@ermine/core";
import { reference } from "@ermine/core/reference";

export interface Answers {
  /** Reads that are not answered now. */
  waiting: number;
  /** Largest number of operations that waited at the same time. */
  most: number;
  /** All of them. */
  reads: number;
}

export interface Lateness {
  /** Macrotasks before an answer. Default 1. */
  readonly turns?: number;
  /** Called before each answer; what it throws is the answer. */
  before?(read: number): void;
}

/** @param runsInFlight runs that it takes before the first answer */
export function late(runsInFlight: number, { turns = 1, before }: Lateness = {}): Backend & { readonly answers: Answers } {
  const base = reference({ late: true, precision: "float32" });
  const answers: Answers = { waiting: 0, most: 0, reads: 0 };
  return {
    ...base,
    runsInFlight,
    answers,
    async read(storage) {
      const read = answers.reads++;
      answers.most = Math.max(answers.most, ++answers.waiting);
      try {
        const values = await base.read(storage);
        for (let turn = 1; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        before?.(read);
        return values;
      } finally {
        answers.waiting--;
      }
    },
  };
}
