/** Operators by name and version. */
import { isVersions, type Entries, type Operator, type Versions } from "./operators/operator.js";

/** Operators of ONNX's own domain, by name and version. */
export class Registry {
  readonly #entries: ReadonlyMap<string, Operator | Versions>;

  constructor(entries: Entries) {
    this.#entries = new Map(entries);
  }

  /** The operator as the version of the set has it; undefined where there is none. */
  find(name: string, opset: number): Operator | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || !isVersions(entry)) return entry;
    return entry.findLast(([since]) => since <= opset)?.[1];
  }

  /** The names of all operators. */
  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }
}
