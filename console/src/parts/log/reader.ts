import { get } from "@/api/client";
import { endsOpen, joined, markRow, type Part, type Row, rowsOf, type Stream } from "./rows";

export type StreamChoice = Stream | "both";

export interface LogState {
  rows: readonly Row[];
  /** How many rows came before those that were there: for the scroll to stay where it is. */
  prepended: number;
  hasOlder: boolean;
  /** There are older lines, but the two streams together do not reach so far back. */
  isCut: boolean;
  /** The window reaches to the end of what is written so far. */
  isAtEnd: boolean;
  /** No more will be written. */
  isEnded: boolean;
  isLoading: boolean;
  /** Bytes written in all, of the streams that are shown. */
  size: number;
  error: Error | null;
}

const EMPTY: LogState = {
  rows: [],
  prepended: 0,
  hasOlder: false,
  isCut: false,
  isAtEnd: false,
  isEnded: false,
  isLoading: true,
  size: 0,
  error: null,
};

const PART_BYTES = 256 * 1024;
const FIRST_LINES = 1000;
const MOST_LINES = 10_000;
/** So many rows are kept at once; what is far from those seen is read again when it is needed. */
const MOST_ROWS = 20_000;
const MOST_PREPENDED = 10_000;

interface OneStream {
  stream: Stream;
  offset: number;
  nextOffset: number;
  size: number;
  ended: boolean;
  missing: number;
  generation: string;
  content: string;
}

interface BothStreams {
  nextOffset: number;
  nextStderrOffset: number;
  size: number;
  stderrSize: number;
  ended: boolean;
  generation: string;
  parts: Part[];
}

/**
 * A window on a task's output, by byte offsets: a gigabyte is never fetched, only what is near to what is seen.
 *
 * One stream can be read in both directions from anywhere. Of both together the API gives the order from an end
 * onwards, so that going back is reading more lines from the end, up to 10,000.
 */
export class LogReader {
  state: LogState = EMPTY;
  private readonly listeners = new Set<() => void>();
  private abort = new AbortController();
  private first = 0;
  private next = 0;
  private nextStderr = 0;
  private isOpen = false;
  private generation = "";
  private lines = FIRST_LINES;
  private isBusy = false;
  /** The stream that alone has output, though both are asked for: it can be read backwards. */
  private only: Stream | null = null;

  constructor(
    private readonly taskId: string,
    readonly stream: StreamChoice,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getState = (): LogState => this.state;

  /** Let reads begin, anew after `close`. */
  open(): void {
    if (!this.abort.signal.aborted) return;
    this.abort = new AbortController();
    this.isBusy = false;
  }

  close(): void {
    this.abort.abort();
  }

  openAtEnd(): Promise<void> {
    return this.once(async () => {
      if (this.stream === "both") {
        this.takeTail(await this.both({ tail: this.lines }));
      } else {
        const part = await this.one(this.stream, { tail: FIRST_LINES, limit: PART_BYTES });
        this.begin(part);
      }
    });
  }

  openAt(offset: number): Promise<void> {
    return this.once(async () => {
      if (this.stream === "both") return this.takeTail(await this.both({ tail: this.lines }));
      const begin = Math.max(0, offset - PART_BYTES / 4);
      this.begin(await this.one(this.stream, { offset: begin, limit: PART_BYTES }), begin > 0);
    });
  }

  older(): Promise<void> {
    if (!this.state.hasOlder) return Promise.resolve();
    return this.once(async () => {
      const stream = this.stream === "both" ? this.only : this.stream;
      if (stream === null) {
        this.lines = Math.min(MOST_LINES, this.lines * 4);
        this.takeTail(await this.both({ tail: this.lines }));
      } else {
        await this.stepBack(stream);
      }
    });
  }

  newer(): Promise<void> {
    if (this.state.isEnded && this.state.isAtEnd) return Promise.resolve();
    return this.once(async () => {
      if (this.stream === "both") this.appendBoth(await this.both({ from: true }));
      else this.append(await this.one(this.stream, { offset: this.next, limit: PART_BYTES, follow: true }));
    });
  }

  private async once(read: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    const { signal } = this.abort;
    try {
      await read();
    } catch (error) {
      if (!signal.aborted) this.set({ error: error as Error, isLoading: false });
    } finally {
      if (!signal.aborted) this.isBusy = false;
    }
  }

  private set(changed: Partial<LogState>): void {
    this.state = { ...this.state, prepended: 0, error: null, ...changed };
    for (const listener of this.listeners) listener();
  }

  private async one(
    stream: Stream,
    query: { offset?: number; limit: number; tail?: number; follow?: boolean },
  ): Promise<OneStream> {
    const { follow, ...rest } = query;
    const generation = follow ? this.generation : "";
    return (await get("/api/job/tasks/{taskId}/log", {
      path: { taskId: this.taskId },
      query: { stream, ...rest, ...(generation ? { generation } : {}) },
      signal: this.abort.signal,
    })) as OneStream;
  }

  private async both({ tail, from }: { tail?: number; from?: boolean }): Promise<BothStreams> {
    return (await get("/api/job/tasks/{taskId}/log", {
      path: { taskId: this.taskId },
      query: {
        stream: "both",
        limit: tail && tail > FIRST_LINES ? 4 * PART_BYTES : PART_BYTES,
        ...(tail ? { tail } : {}),
        ...(from ? { offset: this.next, stderrOffset: this.nextStderr, generation: this.generation } : {}),
      },
      signal: this.abort.signal,
    })) as unknown as BothStreams;
  }

  /** Begin a window of one stream with a part; one from the middle begins with the next whole line. */
  private begin(answer: OneStream, isMiddle = false): void {
    const part = isMiddle ? wholeLines(answer) : partOf(answer);
    this.first = part.offset;
    this.next = answer.nextOffset;
    this.isOpen = endsOpen(part);
    this.generation = answer.generation;
    const isAtEnd = answer.nextOffset >= answer.size;
    this.set({
      rows: rowsOf(part),
      hasOlder: part.offset > 0,
      isAtEnd,
      isEnded: answer.ended,
      size: answer.size,
      isLoading: false,
    });
  }

  private takeTail(answer: BothStreams): void {
    const before = this.state.rows.length;
    this.next = answer.nextOffset;
    this.nextStderr = answer.nextStderrOffset;
    this.generation = answer.generation;
    const rows = answer.parts.flatMap(rowsOf);
    const begins = new Set(rows.filter((row) => row.offset === 0).map((row) => row.stream));
    const isWhole =
      (answer.size === 0 || begins.has("stdout")) && (answer.stderrSize === 0 || begins.has("stderr"));
    this.only = answer.stderrSize === 0 ? "stdout" : answer.size === 0 ? "stderr" : null;
    this.first = rows[0]?.offset ?? 0;
    const canGrow = this.only !== null || (this.lines < MOST_LINES && rows.length > before);
    this.set({
      rows,
      prepended: before ? Math.max(0, rows.length - before) : 0,
      hasOlder: !isWhole && canGrow,
      isCut: !isWhole && !canGrow,
      isAtEnd: true,
      isEnded:
        answer.ended && answer.nextOffset >= answer.size && answer.nextStderrOffset >= answer.stderrSize,
      size: answer.size + answer.stderrSize,
      isLoading: false,
    });
  }

  private append(answer: OneStream): void {
    const began = this.generation !== "" && answer.generation !== this.generation;
    const part = partOf(answer);
    const before = began
      ? [...this.state.rows, markRow(part.stream, this.next, "[... the output began again ...]")]
      : this.state.rows;
    const rows = part.content ? joined(before, part, this.isOpen && !began) : before;
    if (part.content) this.isOpen = endsOpen(part);
    this.generation = answer.generation;
    this.next = answer.nextOffset;
    this.setNewest(rows, {
      isAtEnd: answer.nextOffset >= answer.size || part.content === "",
      isEnded: answer.ended && answer.nextOffset >= answer.size,
      size: answer.size,
    });
  }

  private appendBoth(answer: BothStreams): void {
    const began = this.generation !== "" && answer.generation !== this.generation;
    const mark = began ? [markRow("stdout", this.next, "[... the output began again ...]")] : [];
    this.generation = answer.generation;
    this.next = answer.nextOffset;
    this.nextStderr = answer.nextStderrOffset;
    if (answer.size > 0 && answer.stderrSize > 0) this.only = null;
    const isAtEnd = answer.nextOffset >= answer.size && answer.nextStderrOffset >= answer.stderrSize;
    this.setNewest([...this.state.rows, ...mark, ...answer.parts.flatMap(rowsOf)], {
      // A line that is not complete yet is not given, and the end is not reached.
      isAtEnd: isAtEnd || answer.parts.length === 0,
      isEnded:
        answer.ended && answer.nextOffset >= answer.size && answer.nextStderrOffset >= answer.stderrSize,
      size: answer.size + answer.stderrSize,
    });
  }

  private setNewest(rows: readonly Row[], changed: Partial<LogState>): void {
    const dropped = Math.max(0, rows.length - MOST_ROWS);
    const kept = dropped ? rows.slice(dropped) : rows;
    if (dropped) this.first = kept[0]?.offset ?? this.first;
    this.set({
      rows: kept,
      prepended: -dropped,
      hasOlder: this.state.hasOlder || (dropped > 0 && (this.stream !== "both" || this.only !== null)),
      isCut: this.state.isCut || (dropped > 0 && this.stream === "both" && this.only === null),
      isLoading: false,
      ...changed,
    });
  }

  private async stepBack(stream: Stream): Promise<void> {
    // Beyond a gap of what is not kept, a part may begin after where the window does: then one from further back.
    for (let bytes = PART_BYTES; ; bytes *= 4) {
      const begin = Math.max(0, this.first - bytes);
      const answer = await this.one(stream, {
        offset: begin,
        limit: Math.min(PART_BYTES, this.first - begin),
      });
      const start = answer.offset + answer.missing;
      if (start < this.first) return this.prepend(begin > 0 ? wholeLines(answer) : partOf(answer), answer);
      if (begin === 0) return this.set({ hasOlder: false });
    }
  }

  private prepend(part: Part, answer: OneStream): void {
    const gap = this.first - answer.nextOffset;
    // Of very short lines only the nearest ones: what is seen must stay among the rows that are kept.
    const rows = rowsOf(part).slice(-MOST_PREPENDED);
    const mark = gap > 0 ? [markRow(part.stream, answer.nextOffset, `[... ${gap} bytes ...]`)] : [];
    const all = [...rows, ...mark, ...this.state.rows];
    this.first = rows[0]?.offset ?? part.offset;
    const kept = all.slice(0, MOST_ROWS);
    const cut = all[MOST_ROWS];
    if (cut) {
      this.next = cut.offset;
      this.isOpen = false;
    }
    this.set({
      rows: kept,
      prepended: rows.length + mark.length,
      hasOlder: this.first > 0,
      isAtEnd: this.state.isAtEnd && !cut,
    });
  }
}

function partOf(answer: OneStream): Part {
  return {
    stream: answer.stream,
    offset: answer.offset,
    missing: answer.missing,
    content: answer.content,
  };
}

/** Leave out the line that a part begins in the middle of, unless all of it is one line. */
function wholeLines(answer: OneStream): Part {
  const part = partOf(answer);
  if (part.missing > 0) return part;
  const end = part.content.indexOf("\n");
  if (end < 0 || end === part.content.length - 1) return part;
  const skipped = new TextEncoder().encode(part.content.slice(0, end + 1)).length;
  return { ...part, offset: part.offset + skipped, content: part.content.slice(end + 1) };
}
