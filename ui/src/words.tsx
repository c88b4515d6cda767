// Sentences as they are to break: never inside an option, nor between a number and its unit.
const glued = (text: string): string => text.replace(/(\d) (?=%|(?:ms|s|min|h)(?![a-z]))/g, "$1\u00a0");

export function Words({ text }: { text: string }) {
  return <>{glued(text).split(/(--[a-z][a-z-]*)/).map((part, i) => (i % 2 === 1 ? <span class="nowrap" key={i}>{part}</span> : part))}</>;
}
