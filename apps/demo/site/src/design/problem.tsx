/** What went wrong, said aloud by screen readers as it appears. */
export const Problem = ({ text }: { text: string }) => (
  <p class="problem" role="alert">
    {text}
  </p>
);
