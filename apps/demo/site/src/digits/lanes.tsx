/** The lanes of a race next to each other: what each has reached, and how fast it goes. */
import { laneOf, ranking, type Lane } from "./race.js";
import { Problem } from "../design/problem.js";
import { FigureList } from "../design/figureList.js";

const states: Readonly<Record<Lane["state"], string>> = {
  starting: "starts",
  training: "trains",
  ended: "done",
  stopped: "stopped",
  failed: "failed",
};

const whole = (value: number): string => Math.round(value).toLocaleString("en");

function LaneView({ lane }: { lane: Lane }) {
  const { title, colour } = laneOf(lane.name);
  const latest = lane.reports.at(-1);
  const figures = [
    ["Test accuracy", latest === undefined ? "–" : `${(100 * latest.accuracy).toFixed(2)} %`],
    ["Test loss", latest === undefined ? "–" : latest.testLoss.toFixed(4)],
    ["Epochs", latest === undefined ? "–" : `${latest.epoch + 1} in ${latest.seconds.toFixed(1)} s`],
    ["Updates a second", lane.stepsPerSecond > 0 ? whole(lane.stepsPerSecond) : "–"],
  ] as const;
  return (
    <section class="lane" aria-label={title} data-lane={lane.name} data-state={lane.state} style={{ "--of": `var(--${colour})` }}>
      <h2>
        <span class="dot" aria-hidden="true" />
        {title}
        <span class="quiet state">{states[lane.state]}</span>
      </h2>
      {lane.engine !== undefined && <p class="quiet engine">{lane.engine}</p>}
      {lane.failure !== undefined && <Problem text={lane.failure} />}
      <FigureList figures={figures} />
    </section>
  );
}

function verdict(lanes: readonly Lane[]): string {
  const [winner, ...others] = ranking(lanes);
  if (winner === undefined) return "";
  const taken = ({ reports }: Lane): string => `${reports.at(-1)!.seconds.toFixed(1)} s`;
  return `${laneOf(winner.name).title} was first, in ${taken(winner)}; ${others.map((lane) => `${laneOf(lane.name).title} took ${taken(lane)}`).join(", ")}.`;
}

export const Lanes = ({ lanes }: { lanes: readonly Lane[] }) => (
  <>
    <div class="lanes">
      {lanes.map((lane) => (
        <LaneView key={lane.name} lane={lane} />
      ))}
    </div>
    <p class="verdict-line" role="status">
      {verdict(lanes)}
    </p>
  </>
);
