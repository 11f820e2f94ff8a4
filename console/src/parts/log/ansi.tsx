import Anser, { type AnserJsonEntry } from "anser";
import { type CSSProperties, memo } from "react";

const ESCAPE = "\u001b";

/** Text with the colours that a terminal would show. */
export const Ansi = memo(function Ansi({ text }: { text: string }) {
  if (!text.includes(ESCAPE)) return <>{text}</>;
  const pieces = Anser.ansiToJson(text, { use_classes: true, remove_empty: true });
  return (
    <>
      {pieces.map((piece, index) => (
        // Pieces of one text never change places.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <span key={index} className={classOf(piece)} style={styleOf(piece)}>
          {piece.content}
        </span>
      ))}
    </>
  );
});

/** The sixteen colours have classes, since they must be readable in both themes. */
function classOf(piece: AnserJsonEntry): string {
  const names = (piece.decorations ?? []).map((each) => `ansi-${each}`);
  if (piece.fg && !isExact(piece.fg)) names.push(`${piece.fg}-fg`);
  if (piece.bg && !isExact(piece.bg)) names.push(`${piece.bg}-bg`);
  return names.join(" ");
}

function styleOf(piece: AnserJsonEntry): CSSProperties {
  const style: CSSProperties = {};
  if (isExact(piece.fg)) style.color = exact(piece.fg, piece.fg_truecolor);
  if (isExact(piece.bg)) style.backgroundColor = exact(piece.bg, piece.bg_truecolor);
  return style;
}

function isExact(name: string | null | undefined): name is string {
  return name?.startsWith("ansi-truecolor") === true || name?.startsWith("ansi-palette-") === true;
}

const CUBE_FIRST = 16;
const GREY_FIRST = 232;

function exact(name: string, truecolor: string | null | undefined): string {
  if (name === "ansi-truecolor") return `rgb(${truecolor ?? "128,128,128"})`;
  const index = Number(name.slice("ansi-palette-".length));
  if (index >= GREY_FIRST) {
    const grey = 8 + (index - GREY_FIRST) * 10;
    return `rgb(${grey},${grey},${grey})`;
  }
  const cube = index - CUBE_FIRST;
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  return `rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`;
}

export function plainText(text: string): string {
  return text.includes(ESCAPE) ? Anser.ansiToText(text) : text;
}
