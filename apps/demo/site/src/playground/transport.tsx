/** Starts, stops and steps the runs, and sets how fast they go. */
import { useId } from "preact/hooks";

/** Updates a second; null: as many as there can be. */
export const speeds = [
  { name: "slow", title: "10 a second", updatesPerSecond: 10 },
  { name: "medium", title: "100 a second", updatesPerSecond: 100 },
  { name: "fast", title: "1,000 a second", updatesPerSecond: 1000 },
  { name: "full", title: "Full speed", updatesPerSecond: null },
] as const;

export type SpeedName = (typeof speeds)[number]["name"];

export const speedOf = (name: SpeedName): number | null => speeds.find((speed) => speed.name === name)!.updatesPerSecond;

const icons = {
  play: "M4 2.500v11l9-5.500z",
  pause: "M4 2.500h3v11H4zM9 2.500h3v11H9z",
  step: "M3 2.500v11l7-5.500zM11 2.500h2v11h-2z",
  reset:
    "M8 2.500a5.500 5.500 0 1 0 5.400 6.600h-1.700A3.900 3.900 0 1 1 8 4.100c1 0 1.900.4 2.600 1L8.500 7.200H14V1.700l-2.200 2.200A5.500 5.500 0 0 0 8 2.500z",
} as const;

const Icon = ({ name }: { name: keyof typeof icons }) => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d={icons[name]} fill="currentColor" />
  </svg>
);

export function Transport(props: {
  readonly running: boolean;
  readonly speed: SpeedName;
  /** Updates a second that were measured. */
  readonly measured: number;
  onPlay(): void;
  onPause(): void;
  onStep(updates: number): void;
  onReset(): void;
  onSpeed(speed: SpeedName): void;
}) {
  const id = useId();
  return (
    <div class="transport" role="group" aria-label="Run">
      {props.running ? (
        <button class="button" data-kind="main" onClick={props.onPause}>
          <Icon name="pause" /> Pause
        </button>
      ) : (
        <button class="button" data-kind="main" onClick={props.onPlay}>
          <Icon name="play" /> Play
        </button>
      )}
      <button class="button" onClick={() => props.onStep(1)}>
        <Icon name="step" /> Step
      </button>
      <button class="button" onClick={props.onReset}>
        <Icon name="reset" /> Reset
      </button>
      <label class="hidden" for={id}>
        Speed
      </label>
      <select id={id} value={props.speed} onChange={({ currentTarget }) => props.onSpeed(currentTarget.value as SpeedName)}>
        {speeds.map(({ name, title }) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      <output class="measured" aria-label="Updates a second">
        {props.running && props.measured > 0 ? `${Math.round(props.measured).toLocaleString("en")} / s` : ""}
      </output>
    </div>
  );
}
