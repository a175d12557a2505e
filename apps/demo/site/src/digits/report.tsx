/** What came of an epoch: what was confused, how well each class is told, and the digits that were hardest. */
import { useEffect, useRef } from "preact/hooks";
import { themeColour, useThemeVersion } from "../design/colours.js";
import { side } from "../../../src/race/digitSet.js";
import type { Hard, Report } from "../../../src/race/messages.js";

const digits = Array.from({ length: 10 }, (_, digit) => digit);

export function Confusion({ confusion }: { confusion: Report["confusion"] }) {
  const most = Math.max(1, ...confusion.flatMap((row, truth) => row.filter((_, taken) => taken !== truth)));
  return (
    <section class="card part" aria-label="Confusion matrix">
      <h2>What is taken for what</h2>
      <table class="confusion">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Truth</span>
            </th>
            {digits.map((digit) => (
              <th key={digit} scope="col">
                {digit}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.map((row, truth) => (
            <tr key={truth}>
              <th scope="row">{truth}</th>
              {row.map((count, taken) => (
                <td
                  key={taken}
                  data-right={taken === truth ? "" : undefined}
                  style={taken === truth || count === 0 ? undefined : { "--share": `${Math.round(12 + (38 * count) / most)}%` }}
                  data-wrong={taken !== truth && count > 0 ? "" : undefined}
                >
                  {count === 0 ? "" : count}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet">Rows are what a test digit is, columns what it is taken for.</p>
    </section>
  );
}

export const Scores = ({ f1 }: { f1: readonly number[] }) => (
  <section class="card part" aria-label="F1 by class">
    <h2>F1 by digit</h2>
    <ol class="answers">
      {f1.map((score, digit) => (
        <li key={digit}>
          <span>{digit}</span>
          <span class="bar">
            <i style={{ width: `${100 * score}%` }} />
          </span>
          <span class="number">{score.toFixed(3)}</span>
        </li>
      ))}
    </ol>
  </section>
);

function Digit({ pixels }: { pixels: Hard["pixels"] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useThemeVersion();
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    context.clearRect(0, 0, side, side);
    context.fillStyle = themeColour("ink");
    pixels.forEach((value, i) => {
      context.globalAlpha = value / 255;
      context.fillRect(i % side, Math.floor(i / side), 1, 1);
    });
  }, [pixels, theme]);
  return <canvas ref={canvas} width={side} height={side} aria-hidden="true" />;
}

export const Hardest = ({ hardest }: { hardest: readonly Hard[] }) => (
  <section class="card part" aria-label="Hardest digits">
    <h2>Hardest test digits</h2>
    <ul class="hardest">
      {hardest.map(({ pixels, truth, taken, probability }, i) => (
        <li key={i}>
          <Digit pixels={pixels} />
          <span>
            {truth}, taken for {taken}
          </span>
          <span class="quiet">{(100 * probability).toFixed(0)} % sure</span>
        </li>
      ))}
    </ul>
  </section>
);
