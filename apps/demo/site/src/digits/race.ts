/** The state of a race: one lane or several that train the same at the same time, each on what it runs on. */
import type { Report, TrainingMessage } from "../../../src/race/messages.js";

/** Where can be trained, in the order of the page. */
export const laneKinds = [
  { name: "page", title: "This page", colour: "ink" },
  { name: "cpu", title: "Server, cpu", colour: "class-0" },
  { name: "tfjs", title: "Server, TensorFlow", colour: "class-1" },
] as const;

export type LaneName = (typeof laneKinds)[number]["name"];

export const laneOf = (name: LaneName): (typeof laneKinds)[number] => laneKinds.find((lane) => lane.name === name)!;

/** One training of a race. */
export interface Lane {
  readonly name: LaneName;
  readonly state: "starting" | "training" | "ended" | "stopped" | "failed";
  readonly engine: string | undefined;
  readonly losses: readonly { readonly seconds: number; readonly loss: number }[];
  readonly stepsPerSecond: number;
  readonly reports: readonly Report[];
  readonly failure: string | undefined;
}

export const startingLane = (name: LaneName): Lane => ({
  name,
  state: "starting",
  engine: undefined,
  losses: [],
  stepsPerSecond: 0,
  reports: [],
  failure: undefined,
});

export const isRunning = ({ state }: Lane): boolean => state === "starting" || state === "training";

/** The lane after a message. */
export function advanced(lane: Lane, message: TrainingMessage): Lane {
  switch (message.type) {
    case "started":
      return { ...startingLane(lane.name), state: "training", engine: message.engine };
    case "steps":
      return { ...lane, losses: [...lane.losses, ...message.losses], stepsPerSecond: message.stepsPerSecond };
    case "report":
      return { ...lane, reports: [...lane.reports, message.report] };
    case "weights":
      return lane;
    case "ended":
      return { ...lane, state: message.reason === "aborted" ? "stopped" : "ended" };
    case "failed":
      return { ...lane, state: "failed", failure: message.message };
  }
}

/** The lanes by the time that they took, the fastest first, once all of several have come to their end; else none. */
export function ranking(lanes: readonly Lane[]): readonly Lane[] {
  const seconds = ({ reports }: Lane): number => reports.at(-1)!.seconds;
  const isOver = lanes.length > 1 && lanes.every(({ state, reports }) => state === "ended" && reports.length > 0);
  return isOver ? [...lanes].sort((a, b) => seconds(a) - seconds(b)) : [];
}

/** The lanes' losses over all moments at which one of them told of its own. */
export function raceCurves(lanes: readonly Lane[]): {
  readonly x: readonly number[];
  readonly values: readonly (number | null)[][];
} {
  const x = [...new Set(lanes.flatMap(({ losses }) => losses.map(({ seconds }) => seconds)))].sort((a, b) => a - b);
  const places = new Map(x.map((seconds, i) => [seconds, i]));
  const values = lanes.map(({ losses }) => {
    const line = Array.from(x, (): number | null => null);
    for (const { seconds, loss } of losses) line[places.get(seconds)!] = loss;
    return line;
  });
  return { x, values };
}
