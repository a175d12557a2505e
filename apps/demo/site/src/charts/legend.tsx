/** Which line is which. */

/** Colours of lines, in their order. */
export const lineColours = ["ink", "class-0", "class-1", "class-2", "negative", "field"] as const;

export const Legend = ({
  lines,
}: {
  lines: readonly { readonly name: string; readonly colour: string; readonly dashed?: boolean }[];
}) => (
  <ul class="legend">
    {lines.map(({ name, colour, dashed }) => (
      <li key={name}>
        <span class="stroke" data-dashed={dashed === true ? "" : undefined} style={{ "--stroke": `var(--${colour})` }} />
        {name}
      </li>
    ))}
  </ul>
);
