/** Calls that must be refused. */
import { ErmineError } from "@ermine/core";

/** Runs what must be refused. @throws Error where it is not, or not by an ErmineError */
export async function refused(fn: () => unknown): Promise<ErmineError> {
  let result: unknown;
  try {
    result = await fn();
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw new Error(`it ended in a raw ${String(error)}`, { cause: error });
  }
  throw new Error(`it was taken: ${typeof result}`);
}
