// A run in plain words: what was asked, what came out, whether to believe it, what broke first.
import { useCell } from "../cell";
import { tell } from "../story";
import { lang, texts, type RunData } from "../state";
import { Words } from "../words";

export function Story({ run, running }: { run: RunData; running: boolean }) {
  const t = (useCell(lang), texts());
  const story = tell(run, t, running);
  const parts: [string, string][] = [
    [t.storyAsked, story.asked],
    [t.storyCame, story.came],
    [t.storyBelieve, story.believe],
    [t.storyBroke, story.broke],
  ];
  return (
    <section class="story" aria-label={t.story} data-testid="story">
      <dl>
        {parts.map(([title, text]) => text && (
          <div>
            <dt>{title}</dt>
            <dd><Words text={text} /></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
