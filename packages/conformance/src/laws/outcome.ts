/** The outcome of a call: results, or a refusal (a maximum of nothing). */
import { ErmineError } from "@ermine/core";
import type { Numbers } from "./call.js";

export type Outcome = readonly Numbers[] | ErmineError;

/** @throws what is no ErmineError */
export async function outcomeOf(running: Promise<readonly Numbers[]>): Promise<Outcome> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw error;
  }
}
