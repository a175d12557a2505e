import { ErmineError } from "@ermine/core";

/** The error by which it is refused. @throws what is no ErmineError, or Error where nothing is thrown */
export async function refusal(act: () => unknown): Promise<ErmineError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}
