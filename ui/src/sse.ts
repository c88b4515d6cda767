// Server-sent events from a byte stream. Ours instead of EventSource: that one shows no comments (so a dead line after a
// sleep looks like a quiet one), and cannot POST (a try).

export interface SseEvent {
  event: string;
  id: string | null;
  data: string;
}

export class SseParser {
  private rest = "";
  private event = "";
  private id: string | null = null;
  private data: string[] = [];

  /** Text may be cut anywhere. */
  feed(text: string, emit: (event: SseEvent) => void): void {
    this.rest += text;
    for (;;) {
      const cut = /\r\n|\n|\r(?!$)/.exec(this.rest); // a \r at the very end may be half of \r\n
      if (!cut) return;
      const line = this.rest.slice(0, cut.index);
      this.rest = this.rest.slice(cut.index + cut[0].length);
      this.line(line, emit);
    }
  }

  private line(line: string, emit: (event: SseEvent) => void): void {
    if (line === "") {
      if (this.data.length > 0) emit({ event: this.event || "message", id: this.id, data: this.data.join("\n") });
      this.event = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id") this.id = value;
  }
}

/** Reads to the end of the stream; every chunk of bytes, a comment's too, is told to `onBytes`. */
export async function readEvents(
  response: Response,
  emit: (event: SseEvent) => void,
  onBytes: () => void = () => {},
): Promise<void> {
  if (!response.body) return;
  const parser = new SseParser();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    parser.feed(decoder.decode(value, { stream: true }), emit);
  }
}
