/** A contestant written in JavaScript, and how it answers the lines that it is sent. */
import { createInterface } from "node:readline";
import type { MemoryUse, Ready, Request, Task, Turn } from "../task.js";

type MaybePromise<T> = T | Promise<T>;

/** A task that is ready to be repeated. */
export interface Work {
  readonly engine: string;
  readonly differs?: string;
  /** What tracing and compiling took, where that is done before the first step; milliseconds. */
  readonly compiling?: number;
  /** Does it once; gives the loss, or the first element of the output. Done when the promise, where it is one, is. */
  step(): MaybePromise<number | undefined>;
  /** Where a step is random: the loss of the first batch without what makes it so. */
  loss?(): MaybePromise<number>;
  /** See `Ready`; after a step. */
  program?(): { readonly held: number; readonly live: number };
  /** Where it cannot be cut into single steps: as many as fit into that time, at least one. */
  turn?(milliseconds: number): Promise<Turn>;
  held?(): number;
  dispose?(): void;
}

/** Raised where a contestant cannot take part. */
export class Absent extends Error {
  readonly answer: Extract<Ready, { cannot: string } | { needs: string }>;

  constructor(answer: Absent["answer"]) {
    super("cannot" in answer ? answer.cannot : answer.needs);
    this.answer = answer;
  }
}

export interface Player {
  prepare(task: Task, threads: number): Promise<Work>;
}

/** Steps for about that long. The clock is looked at after blocks of steps that take a small part of it. */
export async function takeTurn(work: Work, milliseconds: number): Promise<Turn> {
  if (work.turn !== undefined) return work.turn(milliseconds);
  const started = performance.now();
  let steps = 0;
  let block = 1;
  for (;;) {
    for (let i = 0; i < block; i++) {
      const pending = work.step();
      if (pending instanceof Promise) await pending;
    }
    steps += block;
    const elapsed = performance.now() - started;
    if (elapsed >= milliseconds) return { steps, milliseconds: elapsed };
    if ((elapsed / steps) * block < milliseconds / 50) block *= 2;
  }
}

async function takeSteps(work: Work, count: number): Promise<Turn> {
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = work.step();
    if (pending instanceof Promise) await pending;
  }
  return { steps: count, milliseconds: performance.now() - started };
}

function memoryUse(work: Work | undefined): MemoryUse {
  const held = work?.held?.();
  return {
    resident: process.memoryUsage.rss(),
    peak: process.resourceUsage().maxRSS * 1024,
    ...(held === undefined ? {} : { held }),
  };
}

/** Takes the first step where its value is compared with others'. */
async function begin(work: Work, { kind }: Task): Promise<Ready> {
  const { engine, differs } = work;
  const said = { engine, ...(differs === undefined ? {} : { differs }) };
  if (kind !== "train" && kind !== "predict") return said;
  const loss = await work.loss?.();
  const started = performance.now();
  const first = await work.step();
  const firstStep = performance.now() - started + (work.compiling ?? 0);
  const value = loss ?? first;
  const program = work.program?.();
  return { ...said, firstStep, ...(value === undefined ? {} : { value }), ...(program === undefined ? {} : { program }) };
}

/** Answers requests on standard input until it ends. */
export async function serve(player: Player): Promise<void> {
  let work: Work | undefined;
  const answer = async (request: Request): Promise<unknown> => {
    if (request.do === "prepare") {
      work?.dispose?.();
      work = undefined;
      try {
        work = await player.prepare(request.task, request.threads);
        return await begin(work, request.task);
      } catch (error) {
        if (error instanceof Absent) return error.answer;
        throw error;
      }
    }
    if (request.do === "memory") return memoryUse(work);
    if (work === undefined) throw new Error("Nothing is prepared.");
    return request.do === "turn" ? takeTurn(work, request.milliseconds) : takeSteps(work, request.count);
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(JSON.parse(line) as Request);
    process.stdout.write(`${JSON.stringify({ reply })}\n`);
  }
}
