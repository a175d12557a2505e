/** The report of the command: each failing case, a row for each kind, the sum. */
import { ErmineError } from "@ermine/core";
import type { Outcome } from "../golden/run.js";
import type { LawOutcome } from "../laws/run.js";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const count = (outcomes: readonly Outcome[]): Counts => {
  const of = (status: Outcome["status"]): number => outcomes.filter((outcome) => outcome.status === status).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
};

export const countLaws = (outcomes: readonly LawOutcome[]): Counts => {
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  return { passed: outcomes.length - failed, failed, skipped: 0 };
};

export const sumOf = (all: readonly Counts[]): Counts => {
  const sum = (of: keyof Counts): number => all.reduce((total, counts) => total + counts[of], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
};

export const describeCounts = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** A failing case, in a line or two; undefined for one that passed or was skipped. */
export function describeFailure(target: string, outcome: Outcome): string | undefined {
  if (outcome.status !== "failed") return undefined;
  const head = `FAILED ${target}, ${outcome.kind}, ${outcome.mode}: ${outcome.id}`;
  if (outcome.error !== undefined) {
    const { error } = outcome;
    return `${head}\n  ${error instanceof ErmineError ? `${error.code}: ${error.message}` : (error.stack ?? error.message)}`;
  }
  const { what, index, expected, got, error } = outcome.difference!;
  const place = index === undefined ? what : `${what}[${index}]`;
  return `${head}\n  ${place}: expected ${expected}, got ${got}; worst error ${Number.isFinite(error) ? error.toExponential(2) : error}`;
}

/** Skipped cases by reason, with their ids: one line a reason. */
export function describeSkipped(outcomes: readonly Outcome[]): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const outcome of outcomes) {
    if (outcome.status !== "skipped") continue;
    byReason.set(outcome.reason, [...(byReason.get(outcome.reason) ?? []), outcome.id]);
  }
  return [...byReason].map(([reason, ids]) => `  skipped, ${reason}: ${ids.join("; ")}`);
}

/** A row for each kind that was run. */
export function describeKinds(outcomes: readonly Outcome[]): readonly string[] {
  const kinds = [...new Set(outcomes.map((outcome) => outcome.kind))];
  return kinds.map(
    (kind) => `  ${kind.padEnd(12)} ${describeCounts(count(outcomes.filter((outcome) => outcome.kind === kind)))}`,
  );
}

/** A law that a definition breaks; undefined where it holds. The cause of a property's failure says more than the property. */
export function describeBrokenLaw(target: string, { law, name, error }: LawOutcome): string | undefined {
  if (error === undefined) return undefined;
  const cause = error.cause instanceof Error && !(error instanceof ErmineError) ? error.cause : error;
  return `FAILED ${target}, ${law}: ${name}\n  ${cause.message}`;
}

/** A row for each law. */
export function describeLaws(outcomes: readonly LawOutcome[]): readonly string[] {
  const laws = [...new Set(outcomes.map(({ law }) => law))];
  return laws.map((law) => `  ${law.padEnd(50)} ${describeCounts(countLaws(outcomes.filter((outcome) => outcome.law === law)))}`);
}
