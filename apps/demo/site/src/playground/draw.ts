/** Draws the picture and the network on canvases, in the worker. */
import type { Samples } from "../../../src/experiments/dataSets.js";
import { extent, type Picture } from "./inspect.js";

export type Colour = readonly [red: number, green: number, blue: number];

/** The page's colours, of the theme that it is in. */
export interface Palette {
  readonly paper: Colour;
  readonly ink: Colour;
  readonly line: Colour;
  readonly muted: Colour;
  readonly positive: Colour;
  readonly negative: Colour;
  readonly classes: readonly Colour[];
}

const css = ([r, g, b]: Colour, alpha = 1): string => `rgba(${r},${g},${b},${alpha})`;

/** A picture of `side` × `side` colours, which is then drawn at any size. */
function tile(side: number, colourAt: (cell: number) => Colour): OffscreenCanvas {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(side, side);
  for (let cell = 0; cell < side * side; cell++) {
    const [r, g, b] = colourAt(cell);
    image.data.set([r, g, b, 255], 4 * cell);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

const mix = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
];

/** The colour of a cell: that of the likeliest class, the fainter the less sure. */
function colourOfShares(shares: Float32Array, at: number, classes: number, { paper, classes: colours }: Palette): Colour {
  let best = 0;
  for (let k = 1; k < classes; k++) if (shares[at + k]! > shares[at + best]!) best = k;
  const sure = (shares[at + best]! - 1 / classes) / (1 - 1 / classes);
  return mix(paper, colours[best]!, 0.1 + 0.5 * sure);
}

/** Where a coordinate of the data lies on a canvas of that size. */
const place = (value: number, size: number): number => ((value + extent) / (2 * extent)) * size;

function circle(context: OffscreenCanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function drawPoints(
  context: OffscreenCanvasRenderingContext2D,
  size: number,
  samples: Samples,
  isTraining: boolean,
  palette: Palette,
): void {
  const width = samples.task === "classes" ? 2 : 1;
  const radius = size / (samples.targets.length > 400 ? 150 : 115);
  samples.targets.forEach((target, i) => {
    const x = place(samples.inputs[width * i]!, size);
    const y = place(-(width === 2 ? samples.inputs[2 * i + 1]! : target), size);
    const colour = palette.classes[width === 2 ? target : 0]!;
    circle(context, x, y, radius);
    context.lineWidth = size / 320;
    if (isTraining) {
      context.fillStyle = css(colour);
      context.strokeStyle = css(palette.paper);
      context.fill();
    } else {
      context.fillStyle = css(palette.paper, 0.75);
      context.strokeStyle = css(colour);
      context.fill();
    }
    context.stroke();
  });
}

/** The network's answer everywhere, under the samples: filled those it trains on, hollow those it is validated with. */
export function drawAnswer(
  context: OffscreenCanvasRenderingContext2D,
  picture: Picture,
  training: Samples,
  validation: Samples,
  palette: Palette,
): void {
  const size = context.canvas.width;
  context.imageSmoothingQuality = "high";
  if (picture.task === "classes") {
    const { side, outputs, classes } = picture;
    context.drawImage(
      tile(side, (cell) => colourOfShares(outputs, cell * classes, classes, palette)),
      0,
      0,
      size,
      size,
    );
  } else {
    context.fillStyle = css(palette.paper);
    context.fillRect(0, 0, size, size);
    context.strokeStyle = css(palette.line);
    context.lineWidth = size / 400;
    for (const at of [-1, 0, 1]) {
      context.beginPath();
      context.moveTo(place(at, size), 0);
      context.lineTo(place(at, size), size);
      context.moveTo(0, place(at, size));
      context.lineTo(size, place(at, size));
      context.stroke();
    }
  }
  drawPoints(context, size, validation, false, palette);
  drawPoints(context, size, training, true, palette);
  if (picture.task === "values") drawLine(context, picture.outputs, size, size / 130, css(palette.ink));
}

function drawLine(
  context: OffscreenCanvasRenderingContext2D,
  values: ArrayLike<number>,
  size: number,
  width: number,
  colour: string,
): void {
  context.beginPath();
  for (let i = 0; i < values.length; i++) context.lineTo(((i + 0.5) / values.length) * size, place(-values[i]!, size));
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.stroke();
}

interface Node {
  readonly x: number;
  readonly y: number;
}

/** Columns of nodes, each centred. */
function layout(widths: readonly number[], width: number, height: number, box: number): Node[][] {
  return widths.map((count, column) => {
    const x = box * 0.75 + ((width - box * 1.5) * column) / Math.max(1, widths.length - 1);
    const gap = Math.min(height / count, box * 1.45);
    return Array.from({ length: count }, (_, i) => ({ x, y: height / 2 + (i - (count - 1) / 2) * gap }));
  });
}

const signed = (value: number, { paper, positive, negative }: Palette): Colour =>
  mix(paper, value < 0 ? negative : positive, Math.min(1, Math.abs(value)) * 0.9);

/** Every unit as what it answers over the picture, and every weight as an edge: its sign as colour, its size as width. */
export function drawNetwork(context: OffscreenCanvasRenderingContext2D, picture: Picture, palette: Palette): void {
  const { width, height } = context.canvas;
  const { side, task, responses, outputs, classes, weights } = picture;
  context.fillStyle = css(palette.paper);
  context.fillRect(0, 0, width, height);
  const inputs = task === "classes" ? 2 : 1;
  const widths = [inputs, ...responses.map(({ width: units }) => units), classes];
  const box = Math.min(width / (widths.length * 1.7), height / (Math.max(...widths) * 1.22));
  const columns = layout(widths, width, height, box);
  weights.forEach(({ values, outputs: to, inputs: from }, layer) => {
    for (let i = 0; i < to; i++) {
      for (let j = 0; j < from; j++)
        drawEdge(context, columns[layer]![j]!, columns[layer + 1]![i]!, values[i * from + j]!, box, palette);
    }
  });
  const draw = (node: Node, valueAt: (cell: number) => number, colourAt: (cell: number) => Colour): void =>
    task === "classes"
      ? drawTile(context, node, box, tile(side, colourAt), palette)
      : drawCurve(context, node, box, side, valueAt, palette);
  columns[0]!.forEach((node, axis) => {
    const valueAt = (cell: number): number =>
      axis === 0 ? ((cell % side) / side) * 2 - 1 : 1 - (Math.floor(cell / side) / side) * 2;
    draw(node, valueAt, (cell) => signed(valueAt(cell), palette));
  });
  responses.forEach(({ values, width: units }, layer) => {
    for (let unit = 0; unit < units; unit++) {
      let largest = 1e-12;
      for (let at = unit; at < values.length; at += units) largest = Math.max(largest, Math.abs(values[at]!));
      const valueAt = (cell: number): number => values[cell * units + unit]! / largest;
      draw(columns[layer + 1]![unit]!, valueAt, (cell) => signed(valueAt(cell), palette));
    }
  });
  columns.at(-1)!.forEach((node, k) => {
    const valueAt = (cell: number): number => outputs[cell * classes + k]!;
    draw(node, valueAt, (cell) => mix(palette.paper, palette.classes[k]!, valueAt(cell) * 0.85));
  });
}

function drawEdge(
  context: OffscreenCanvasRenderingContext2D,
  from: Node,
  to: Node,
  weight: number,
  box: number,
  palette: Palette,
): void {
  const strength = Math.min(1, Math.abs(weight) / 2.5);
  const [x1, x2] = [from.x + box / 2, to.x - box / 2];
  const middle = (x1 + x2) / 2;
  context.beginPath();
  context.moveTo(x1, from.y);
  context.bezierCurveTo(middle, from.y, middle, to.y, x2, to.y);
  context.strokeStyle = css(weight < 0 ? palette.negative : palette.positive, 0.12 + 0.75 * strength);
  context.lineWidth = box * (0.015 + 0.12 * strength);
  context.stroke();
}

function frame(context: OffscreenCanvasRenderingContext2D, { x, y }: Node, box: number): void {
  context.beginPath();
  context.roundRect(x - box / 2, y - box / 2, box, box, box * 0.12);
}

function drawTile(
  context: OffscreenCanvasRenderingContext2D,
  node: Node,
  box: number,
  image: OffscreenCanvas,
  palette: Palette,
): void {
  context.save();
  frame(context, node, box);
  context.clip();
  context.drawImage(image, node.x - box / 2, node.y - box / 2, box, box);
  context.restore();
  outline(context, node, box, palette);
}

function drawCurve(
  context: OffscreenCanvasRenderingContext2D,
  node: Node,
  box: number,
  side: number,
  valueAt: (cell: number) => number,
  palette: Palette,
): void {
  context.save();
  frame(context, node, box);
  context.fillStyle = css(palette.paper);
  context.fill();
  context.clip();
  context.translate(node.x - box / 2, node.y - box / 2);
  drawLine(
    context,
    Float32Array.from({ length: side }, (_, i) => valueAt(i)),
    box,
    box / 22,
    css(palette.ink),
  );
  context.restore();
  outline(context, node, box, palette);
}

function outline(context: OffscreenCanvasRenderingContext2D, node: Node, box: number, palette: Palette): void {
  frame(context, node, box);
  context.strokeStyle = css(palette.muted);
  context.lineWidth = Math.max(1, box / 40);
  context.stroke();
}
