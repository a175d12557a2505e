/** The command `ermine`, for programs that run it themselves. */
export { ermine } from "./ermine.js";
export type { Streams } from "./run/output.js";
