/**
 * TensorFlow sessions. Each has a memory of its own, so that programs over the same variables are one session: those that meet in a variable are
 * loaded again as one graph when the one that came last is first run, and the variables' elements go there. What was run before has the same
 * memory from then on, and nothing is copied between steps.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DType } from "@ermine/core";
import type { OpNode } from "@ermine/core/backend";
import { explained, failedNode } from "../eager.js";
import type { Binding } from "../native/binding.js";
import { encodedNodes, savedModel } from "./graphDef.js";
import { graphVariables, sharedNodes, variableNames, writeAll } from "./sharedNodes.js";

/** A variable that is, or comes to be, in a session. */
export interface SessionVariable {
  /** In graphs. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly session: Session | undefined;
  /** The tensor that the session is to be written; the variable's own. */
  pending(): number;
  /** The session has the elements now. */
  settle(): void;
  /** Makes sure that the elements can go elsewhere. */
  look(): void;
  /** The elements go on in another session. */
  move(session: Session): void;
}

/** A program's part of a session. It refers to nothing of the program, so that a program that was dropped is collected. */
export interface SessionPart {
  /** Its nodes; let go of where no other program can meet it. */
  nodes: Uint8Array | undefined;
  readonly variables: readonly SessionVariable[];
  /** Undefined until it is first run, and after its program has ended. */
  session: Session | undefined;
}

/** "gather of the layer encoder.0". */
const placeOf = ({ op, path }: OpNode): string => (path === "" ? op.name : `${op.name} of the layer ${path}`);

/** Programs that have met, and the variables that are in their memory. */
export class Session {
  readonly #binding: Binding;
  readonly #model: number;
  readonly #ended: (session: Session) => void;
  readonly parts: Set<SessionPart>;
  readonly variables: Set<SessionVariable>;
  /** Variables with a value that no run has needed yet: written together. */
  readonly written: Set<SessionVariable>;
  /** All variables as they are now, fetched together and held until something changes. */
  readonly #views = new Map<SessionVariable, number>();
  /** Names of variables that have left: their memory is freed together. */
  #left: string[] = [];
  #isDead = false;
  /** How many variables there were at first, all of which one fetch writes. */
  readonly #whole: number;

  constructor(
    binding: Binding,
    graph: Uint8Array,
    { parts, variables }: Pick<Session, "parts" | "variables">,
    ended: (session: Session) => void,
  ) {
    this.#binding = binding;
    this.#model = load(binding, graph);
    this.#ended = ended;
    this.parts = parts;
    this.variables = variables;
    this.written = new Set(variables);
    this.#whole = variables.size;
  }

  /**
   * @param lookups the ops that check indices, by their node: a message names the one that failed
   * @returns ids that are the caller's
   */
  run(
    label: string,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
    lookups?: ReadonlyMap<string, OpNode>,
  ): number[] {
    try {
      return this.#binding.runSavedModel(this.#model, inputs, inputNames, outputNames).map(({ id }) => id);
    } catch (error) {
      const op = lookups?.get(failedNode(error) ?? "");
      throw explained(error, op === undefined ? label : `${label}: ${placeOf(op)}`);
    }
  }

  discard(ids: Iterable<number>): void {
    for (const id of ids) this.#binding.deleteTensor(id);
  }

  /** Writes what was written since the last run. */
  flush(): void {
    this.#free();
    if (this.written.size === 0) return;
    const variables = [...this.written];
    const names = variables.map(({ name }) => variableNames(name));
    const fetched = variables.length === this.#whole ? writeAll : names.map(({ write }) => write).join();
    const values = variables.map((variable) => variable.pending());
    this.discard(this.run("write", values, names.map(({ placeholder }) => placeholder).join(), fetched));
    for (const variable of variables) variable.settle();
    this.written.clear();
  }

  /** Called before a run that may write variables: TensorFlow would copy what is still held. */
  forgetViews(): void {
    if (this.#views.size === 0) return;
    this.discard(this.#views.values());
    this.#views.clear();
  }

  forgetView(variable: SessionVariable): void {
    const id = this.#views.get(variable);
    if (id === undefined) return;
    this.#binding.deleteTensor(id);
    this.#views.delete(variable);
  }

  /** A variable's elements as a tensor, held here until something changes. The session's memory, not a copy. */
  view(variable: SessionVariable): number {
    if (!this.#views.has(variable)) this.#look();
    return this.#views.get(variable)!;
  }

  /** The same, and the tensor is the caller's. */
  takeView(variable: SessionVariable): number {
    const id = this.view(variable);
    this.#views.delete(variable);
    return id;
  }

  #look(): void {
    this.flush();
    const variables = [...this.variables].filter((variable) => !this.#views.has(variable));
    const names = variables.map(({ name }) => variableNames(name).read);
    this.run("read", [], "", names.join()).forEach((id, i) => this.#views.set(variables[i]!, id));
  }

  /** A variable's place has ended. */
  leave(variable: SessionVariable): void {
    this.forgetView(variable);
    this.written.delete(variable);
    this.variables.delete(variable);
    if (this.#endIfUnused() || this.parts.size === 0) return;
    if (this.#left.push(variable.name) === 1) queueMicrotask(() => this.#free());
  }

  #free(): void {
    if (this.#left.length === 0 || this.#isDead) return;
    const names = this.#left.splice(0).map((name) => variableNames(name).destroy);
    this.discard(this.run("dispose", [], "", names.join()));
  }

  /** A program has ended. */
  remove(part: SessionPart): void {
    this.parts.delete(part);
    part.session = undefined;
    this.#endIfUnused();
  }

  #endIfUnused(): boolean {
    if (this.parts.size > 0 || this.variables.size > 0) return false;
    this.end();
    return true;
  }

  end(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.forgetViews();
    this.#binding.deleteSavedModel(this.#model);
    this.#ended(this);
  }
}

/** A backend's sessions. */
export class Sessions {
  readonly #binding: Binding;
  readonly #live = new Set<Session>();
  readonly #shared = encodedNodes(sharedNodes());

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** The session that `part` runs in: made, of all that meets in its variables, where it was not run before. */
  of(part: SessionPart): Session {
    return part.session ?? this.#merged(part);
  }

  #merged(part: SessionPart): Session {
    const met = new Set(part.variables.flatMap(({ session }) => session ?? []));
    const parts = new Set([...met].flatMap((session) => [...session.parts]));
    parts.add(part);
    const variables = new Set([...[...met].flatMap((session) => [...session.variables]), ...part.variables]);
    // Calls that may fail come first: then nothing has changed.
    for (const variable of variables) variable.look();
    const graph = savedModel([
      this.#shared,
      encodedNodes(graphVariables([...variables])),
      ...[...parts].map((each) => each.nodes!),
    ]);
    const session = new Session(this.#binding, graph, { parts, variables }, (ended) => this.#live.delete(ended));
    this.#live.add(session);
    for (const variable of variables) variable.move(session);
    for (const each of parts) each.session = session;
    for (const before of met) before.end();
    if (part.variables.length === 0) part.nodes = undefined;
    return session;
  }

  dispose(): void {
    for (const session of this.#live) session.end();
  }
}

/** Loads a graph from a private folder that is gone when this returns. */
function load(binding: Binding, bytes: Uint8Array): number {
  const directory = mkdtempSync(join(tmpdir(), "ermine-tfjs-"));
  try {
    chmodSync(directory, 0o700);
    writeFileSync(join(directory, "saved_model.pb"), bytes, { mode: 0o600 });
    return binding.loadSavedModel(directory, "serve");
  } catch (error) {
    throw explained(error, "compile");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
