/** The playground: settings on the left, one run or two on the right, and a link that holds all of it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { DataPicker } from "./dataPicker.js";
import { drawSamples, taskOf } from "../../../src/experiments/dataSets.js";
import type { Remedy } from "./findings.js";
import { NetworkForm } from "./networkForm.js";
import { mostPoints, pointAt } from "./ownPoints.js";
import { OwnPointsForm } from "./ownPointsForm.js";
import { fitting, formatLink, parseLink, withShared, type PageState, type Settings } from "./settings.js";
import { SideView } from "./sideView.js";
import { missingSupport } from "../design/support.js";
import { speedOf, Transport, type SpeedName } from "./transport.js";
import { useSide, type Side } from "./useSide.js";
import { Problem } from "../design/problem.js";

type SideName = "a" | "b";

/** The state of the address, which follows changes and is followed. */
function useLinkedState(): { state: PageState; problems: readonly string[]; setState(state: PageState): void } {
  const [linked, setLinked] = useState(() => parseLink(location.hash.slice(1)));
  const written = useRef(formatLink(linked.state));
  useEffect(() => {
    const follow = (): void => {
      if (location.hash.slice(1) === written.current) return;
      const next = parseLink(location.hash.slice(1));
      written.current = formatLink(next.state);
      setLinked(next);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const setState = (state: PageState): void => {
    written.current = formatLink(state);
    history.replaceState(null, "", `#${written.current}`);
    setLinked({ state, problems: [] });
  };
  return { ...linked, setState };
}

/** Points to begin with: those of the data set that was there, which the user then changes. */
function startingPoints({ data, samples: count, noise, seed, points }: Settings): Settings["points"] {
  if (points.length > 0) return points;
  const from = data === "custom" || taskOf(data) === "values" ? "moons" : data;
  const { inputs, targets } = drawSamples(from, { samples: Math.min(count, 80), noise, outliers: 0, seed, points: [] });
  return Array.from(targets, (label, i) => pointAt(inputs[2 * i]!, inputs[2 * i + 1]!, label));
}

function Comparison(props: {
  readonly settings: Settings;
  readonly playing: SpeedName | undefined;
  readonly commands: Commands;
  onTry(remedy: Remedy): void;
}) {
  const side = useSide(props.settings);
  useCommands(side, props.commands, props.playing, props.settings);
  return <SideView name="B" settings={props.settings} side={side} onTry={props.onTry} onDraw={undefined} />;
}

/** What was asked of all runs: how many single steps and resets so far. */
interface Commands {
  readonly steps: number;
  readonly resets: number;
}

/** Has a side do what was asked of all. New settings begin a new run, which plays if runs play. */
function useCommands(side: Side, { steps, resets }: Commands, playing: SpeedName | undefined, settings: Settings): void {
  const last = useRef({ steps, resets });
  useEffect(() => {
    if (playing !== undefined) side.send({ type: "play", updatesPerSecond: speedOf(playing) });
    else side.send({ type: "pause" });
  }, [playing, settings, resets]);
  useEffect(() => {
    if (steps !== last.current.steps) side.send({ type: "advance", updates: 1 });
    last.current = { ...last.current, steps };
  }, [steps]);
}

export function Playground() {
  const missing = missingSupport();
  if (missing !== undefined) return <Unsupported reason={missing} />;
  return <Runs />;
}

function Unsupported({ reason }: { reason: string }) {
  return <Problem text={reason} />;
}

function Runs() {
  const { state, problems, setState } = useLinkedState();
  const [edited, setEdited] = useState<SideName>("a");
  const [playing, setPlaying] = useState<SpeedName>();
  const [speed, setSpeed] = useState<SpeedName>("fast");
  const [commands, setCommands] = useState<Commands>({ steps: 0, resets: 0 });
  const [label, setLabel] = useState(0);
  const [copied, setCopied] = useState(false);
  const { a, b } = state;
  // A reset is the same settings anew.
  const settingsA = useMemo(() => ({ ...a }), [formatLink({ a, b: undefined }), commands.resets]);
  const settingsB = useMemo(() => (b === undefined ? undefined : { ...b }), [formatLink(state), commands.resets]);
  const side = useSide(settingsA);
  useCommands(side, commands, playing, settingsA);
  const ended =
    side.frame !== undefined &&
    playing !== undefined &&
    side.frame.findings.some(({ id }) => id === "notFinite" || id === "failed");
  useEffect(() => {
    if (ended && b === undefined) setPlaying(undefined);
  }, [ended]);

  const change = (part: Partial<Settings>, of: SideName = edited): void => {
    const shared = part.data === "custom" ? { ...part, points: startingPoints(a) } : part;
    if (of === "b" && b !== undefined) {
      const next = fitting({ ...b, ...shared });
      setState({ a: withShared(a, next), b: next });
    } else {
      const next = fitting({ ...a, ...shared });
      setState({ a: next, b: b === undefined ? undefined : withShared(b, next) });
    }
  };
  const draw = (x: number, y: number): void => {
    if (a.points.length < mostPoints) change({ points: [...a.points, pointAt(x, y, label)] }, "a");
  };
  const compare = (): void => {
    setState({ a, b: b === undefined ? a : undefined });
    setEdited(b === undefined ? "b" : "a");
  };
  const copy = async (): Promise<void> => {
    history.replaceState(null, "", `#${formatLink(state)}`);
    await navigator.clipboard.writeText(location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  const shown = edited === "b" && b !== undefined ? b : a;
  return (
    <>
      <div class="title">
        <div>
          <h1>Watch a network learn</h1>
          <p class="quiet">It trains here, in your browser. A link to this page reproduces the run bit for bit.</p>
        </div>
        <div class="row">
          <button class="button" aria-pressed={b !== undefined} onClick={compare}>
            {b === undefined ? "Compare two" : "Back to one"}
          </button>
          <button class="button" onClick={() => void copy().catch(() => setCopied(false))}>
            {copied ? "Link copied" : "Copy link"}
          </button>
          <button class="button" onClick={() => side.send({ type: "save" })}>
            Download ONNX
          </button>
        </div>
      </div>
      {problems.length > 0 && (
        <div class="problem" role="alert">
          The link has settings that this page cannot use; their defaults are used.
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <div class="playground">
        <div class="runs">
          <Transport
            running={playing !== undefined}
            speed={speed}
            measured={side.frame?.speed ?? 0}
            onPlay={() => setPlaying(speed)}
            onPause={() => setPlaying(undefined)}
            onStep={() => {
              setPlaying(undefined);
              setCommands({ ...commands, steps: commands.steps + 1 });
            }}
            onReset={() => {
              setPlaying(undefined);
              setCommands({ ...commands, resets: commands.resets + 1 });
            }}
            onSpeed={(next) => {
              setSpeed(next);
              if (playing !== undefined) setPlaying(next);
            }}
          />
          <div class="sides" data-count={b === undefined ? 1 : 2}>
            <SideView
              name={b === undefined ? undefined : "A"}
              settings={a}
              side={side}
              onTry={({ change: part }) => change(part, "a")}
              onDraw={a.data === "custom" ? draw : undefined}
            />
            {settingsB !== undefined && (
              <Comparison
                settings={settingsB}
                playing={playing}
                commands={commands}
                onTry={({ change: part }) => change(part, "b")}
              />
            )}
          </div>
        </div>
        <form class="settings card" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
          <DataPicker settings={a} change={(part) => change(part, "a")} />
          {a.data === "custom" && (
            <OwnPointsForm points={a.points} label={label} onLabel={setLabel} onPoints={(points) => change({ points }, "a")} />
          )}
          {b !== undefined && (
            <div class="tabs" role="group" aria-label="Settings of">
              {(["a", "b"] as const).map((name) => (
                <button key={name} type="button" class="button" aria-pressed={edited === name} onClick={() => setEdited(name)}>
                  Run {name.toUpperCase()}
                </button>
              ))}
            </div>
          )}
          <NetworkForm settings={shown} change={(part) => change(part)} />
        </form>
      </div>
    </>
  );
}
