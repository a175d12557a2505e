import { ErmineError } from "@ermine/core";

/** The error by which it is refused. @throws what is no ErmineError, or Error where nothing is thrown */
export function refusal(run: () => unknown): ErmineError {
  try {
    run();
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
