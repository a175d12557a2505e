/** The user's own points: which class a click draws, the last one taken back, and a CSV. */
import { useRef, useState } from "preact/hooks";
import type { OwnPoint } from "../../../src/experiments/dataSets.js";
import { mostClasses, mostPoints, parseCsv } from "./ownPoints.js";
import { Problem } from "../design/problem.js";

export function OwnPointsForm(props: {
  readonly points: readonly OwnPoint[];
  readonly label: number;
  onLabel(label: number): void;
  onPoints(points: readonly OwnPoint[]): void;
}) {
  const { points } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const read = (): void => {
    try {
      props.onPoints(parseCsv(text));
      setProblem(undefined);
      dialog.current?.close();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <fieldset class="group">
      <legend>Your own points</legend>
      <p class="quiet">
        Click in the picture to draw. {points.length} of {mostPoints} points.
      </p>
      <div class="labels" role="radiogroup" aria-label="Class to draw">
        {Array.from({ length: mostClasses }, (_, label) => (
          <label key={label} style={{ "--of": `var(--class-${label})` }}>
            <input type="radio" name="label" checked={props.label === label} onChange={() => props.onLabel(label)} />
            <span class="dot" />
            Class {label + 1}
          </label>
        ))}
      </div>
      <div class="row">
        <button
          type="button"
          class="button"
          data-kind="small"
          disabled={points.length === 0}
          onClick={() => props.onPoints(points.slice(0, -1))}
        >
          Undo
        </button>
        <button type="button" class="button" data-kind="small" disabled={points.length === 0} onClick={() => props.onPoints([])}>
          Clear
        </button>
        <button type="button" class="button" data-kind="small" onClick={() => dialog.current?.showModal()}>
          Paste a CSV
        </button>
      </div>
      <dialog ref={dialog} aria-labelledby="csv-title">
        <h2 id="csv-title">Points from a CSV</h2>
        <p class="quiet">Three columns: x, y and a class, as in “0.4, -1.2, red”. They are scaled into the picture.</p>
        <label class="field">
          <span class="label">Rows</span>
          <textarea
            rows={9}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
            placeholder={"x,y,class\n0.4,-1.2,red\n1.1,0.3,blue"}
          />
        </label>
        {problem !== undefined && <Problem text={problem} />}
        <div class="row">
          <button type="button" class="button" data-kind="main" onClick={read}>
            Use them
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </dialog>
    </fieldset>
  );
}
