/** Data that can be read once. */
import { ErmineError } from "@ermine/core";

/** @internal A second epoch over what can be read once, or training taken up again in it. */
export const readOnce = (again: boolean): ErmineError =>
  new ErmineError(
    "ERMINE_DATA",
    `The data are an iterator, which can be read once: ${again ? "there is no second epoch" : "training cannot be taken up in the middle of it"}. ` +
      "Pass a function that makes the iterator: stream(() => samples()).",
  );
