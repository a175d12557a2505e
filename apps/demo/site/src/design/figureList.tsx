/** A row of figures, each under its name; tests find one by it. */
export const FigureList = ({ figures }: { figures: readonly (readonly [name: string, value: string])[] }) => (
  <dl class="figures">
    {figures.map(([name, value]) => (
      <div key={name} data-figure={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);
