/** Choice of the backend: the one that was passed, the first by priority, or the fastest for this model on this machine. */
import { createBackend, ErmineError, probeBackends, type Backend } from "@ermine/core";
import { timeSteps } from "./measure.js";
import type { BackendRequest } from "./request.js";
import { detachedSteps, type DetachedSteps } from "./steps.js";
import type { Workload } from "./workload.js";

/** A backend that could have been, and why it is or is not. Plain JSON. */
export interface CandidateReport {
  /** The registered backend. */
  readonly name: string;
  /** Can it run here? */
  readonly available: boolean;
  /** Engine of the backend; if it is not available, the reason and the remedy. */
  readonly engine: string;
  /** Details of the backend: threads, SIMD. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** The median of the steps that were timed; null where none was. */
  readonly millisecondsPerStep: number | null;
  /** Why it was chosen or not, in a sentence. */
  readonly why: string;
}

/** The decision, as it stands in the run's configuration. Plain JSON. */
export interface BackendChoice {
  /** The trainer's option `backend`; "given" if it was a backend object. */
  readonly asked: BackendRequest | "given";
  /** The backend that was chosen. */
  readonly name: string;
  /** Engine of the backend, as it describes itself. */
  readonly engine: string;
  /** Why this one, in a sentence. */
  readonly why: string;
  /** The chosen one first. */
  readonly candidates: readonly CandidateReport[];
}

/** A backend in the running. */
export interface Candidate {
  readonly name: string;
  readonly available: boolean;
  readonly engine: string;
  backend: Backend | undefined;
  milliseconds: number | undefined;
  /** Why it cannot run this, though it is there. */
  problem: string | undefined;
}

export interface Chosen {
  readonly choice: BackendChoice;
  readonly backend: Backend;
  /** In the report's order; `close` frees those that were opened and not chosen. */
  readonly candidates: readonly Candidate[];
  close(): void;
}

/** Speed-up over the first backend by priority that another one needs to be chosen. */
const worthwhile = 1.2;
/** Milliseconds that measuring takes in all, about. */
const budget = 800;

export interface ChoiceQuestion {
  readonly asked: BackendRequest | Backend;
  /** Workload that is timed; required by "fastest". */
  readonly workload?: Workload;
  /** Time the others too, though nothing hangs on it. Default: "fastest" does. */
  readonly all?: boolean;
  /** Why the backend that is handed in was taken, where that was decided earlier. */
  readonly why?: string;
}

const handedInReason = "it was handed to the trainer";

/** @throws ErmineError ERMINE_BACKEND where no backend is available, or none can run the workload */
export async function choose({
  asked,
  workload,
  all = asked === "fastest",
  why: previousReason = handedInReason,
}: ChoiceQuestion): Promise<Chosen> {
  const request = typeof asked === "string" ? asked : "given";
  const candidates = [...(typeof asked === "string" ? [] : [handedIn(asked)]), ...(await registered(asked))];
  const first = candidates.find(({ available }) => available);
  if (first === undefined) throw await noneAvailable();
  const openCandidates = all ? candidates.filter(({ available }) => available) : [first];
  try {
    for (const candidate of openCandidates) await open(candidate);
    if (workload !== undefined) await measureAll(openCandidates, workload);
    const winner = request === "fastest" ? fastestOf(openCandidates) : first;
    if (winner?.backend === undefined || winner.problem !== undefined) throw noUsableBackend(openCandidates);
    const why = request === "given" ? previousReason : reason(request, winner, first);
    const order = [winner, ...candidates.filter((candidate) => candidate !== winner)];
    const choice: BackendChoice = {
      asked: request,
      name: winner.name,
      engine: winner.backend.engine,
      why,
      candidates: order.map((candidate) =>
        report(candidate, candidate === winner ? why : whyNot(request, candidate, winner, first)),
      ),
    };
    return { choice, backend: winner.backend, candidates: order, close: () => closeAll(openCandidates, winner) };
  } catch (error) {
    closeAll(openCandidates, typeof asked === "string" ? undefined : first);
    throw error;
  }
}

const handedIn = (backend: Backend): Candidate => ({
  name: backend.name,
  available: true,
  engine: backend.engine,
  backend,
  milliseconds: undefined,
  problem: undefined,
});

/** Registered backends, highest priority first, without one of the name that was passed. */
async function registered(asked: BackendRequest | Backend): Promise<Candidate[]> {
  // A key: backends are registered by their names.
  const statuses = (await probeBackends()).filter(({ name }) => typeof asked === "string" || name !== asked.name);
  return statuses.map((status) => ({
    name: status.name,
    available: status.available,
    engine: status.available ? status.engine : `${status.reason} ${status.remedy}`,
    backend: undefined,
    milliseconds: undefined,
    problem: undefined,
  }));
}

async function open(candidate: Candidate): Promise<void> {
  try {
    candidate.backend ??= await createBackend(candidate.name);
  } catch (error) {
    candidate.problem = messageOf(error);
  }
}

/** Times a step of the workload on each; one that cannot run it gets its `problem`. */
async function measureAll(candidates: readonly Candidate[], { module, runs, numbers }: Workload): Promise<void> {
  const ready: (readonly [Candidate, DetachedSteps])[] = [];
  try {
    for (const candidate of candidates) {
      if (candidate.backend === undefined) continue;
      try {
        const steps = detachedSteps(candidate.backend, module, runs, numbers);
        ready.push([candidate, steps]);
        await steps.step();
      } catch (error) {
        candidate.problem = messageOf(error);
      }
    }
    const usable = ready.filter(([{ problem }]) => problem === undefined);
    const times = await timeSteps(
      usable.map(([, steps]) => steps),
      budget,
    );
    usable.forEach(([candidate], i) => (candidate.milliseconds = times[i]!));
  } finally {
    for (const [, steps] of ready) steps.dispose();
  }
}

/** The first by priority that was timed, unless another is faster by enough. */
function fastestOf(candidates: readonly Candidate[]): Candidate | undefined {
  const timed = candidates.filter(({ milliseconds }) => milliseconds !== undefined);
  const first = timed[0];
  if (first === undefined) return undefined;
  const best = timed.reduce((a, b) => (b.milliseconds! < a.milliseconds! ? b : a));
  return first.milliseconds! >= worthwhile * best.milliseconds! ? best : first;
}

const times = (slow: Candidate, fast: Candidate): string => `${(slow.milliseconds! / fast.milliseconds!).toFixed(2)} ×`;

function reason(request: BackendChoice["asked"], winner: Candidate, first: Candidate): string {
  if (request === "auto") return "the available backend of the highest priority";
  if (first.problem !== undefined) return `${first.name}, which has a higher priority, cannot run this`;
  if (winner !== first) return `${times(first, winner)} as fast as ${first.name}, which has a higher priority`;
  return "the highest priority, and no other is 20 % faster";
}

function whyNot(request: BackendChoice["asked"], candidate: Candidate, winner: Candidate, first: Candidate): string {
  if (!candidate.available) return "not available";
  if (candidate.problem !== undefined) return `cannot run this: ${candidate.problem}`;
  if (request === "given") return `the trainer has ${winner.name}`;
  if (request === "auto") return `${winner.name} has a higher priority`;
  if (candidate === first) return `${winner.name} is ${times(candidate, winner)} as fast`;
  return candidate.milliseconds! > winner.milliseconds!
    ? `${winner.name} is ${times(candidate, winner)} as fast`
    : `${times(winner, candidate)} as fast as ${winner.name}, less than the 20 % for which the priority is left`;
}

function report({ name, available, engine, backend, milliseconds }: Candidate, why: string): CandidateReport {
  return {
    name,
    available,
    engine: backend?.engine ?? engine,
    details: backend?.details ?? {},
    millisecondsPerStep: milliseconds ?? null,
    why,
  };
}

function closeAll(candidates: readonly Candidate[], kept: Candidate | undefined): void {
  for (const candidate of candidates) if (candidate !== kept) candidate.backend?.dispose();
}

const noUsableBackend = (candidates: readonly Candidate[]): ErmineError =>
  new ErmineError(
    "ERMINE_BACKEND",
    `No backend can run this.\n  ${candidates.map(({ name, problem }) => `${name}: ${problem ?? "not tried"}`).join("\n  ")}`,
  );

/** The registry's own words for it. */
async function noneAvailable(): Promise<ErmineError> {
  try {
    (await createBackend("auto")).dispose();
  } catch (error) {
    if (error instanceof ErmineError) return error;
    throw error;
  }
  return new ErmineError("ERMINE_BACKEND", "A backend became available while one was being chosen. Try again.");
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Message with the times that "fastest" measured. */
export function noticeOf({ name, why, candidates }: BackendChoice): string {
  const figures = candidates
    .filter(({ millisecondsPerStep }) => millisecondsPerStep !== null)
    .map((candidate) => `${candidate.name} ${candidate.millisecondsPerStep!.toPrecision(3)} ms`);
  return `ermine: a step takes ${figures.join(", ")}. The backend is ${name}: ${why}.`;
}
