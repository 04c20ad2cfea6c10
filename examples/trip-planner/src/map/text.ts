import { TYPEFACE } from './ink.ts';

/** Names measured so far; the map shows the same few hundred again and again. */
const WIDTHS_MAX = 5_000;
const widths = new Map<string, number>();

export const fontOf = (px: number, weight: number, italic = false): string => `${italic ? 'italic ' : ''}${weight} ${px}px ${TYPEFACE}`;

/** The text's width in pixels. Forgets everything when it has learnt too much: names seen long ago cost one measure each. */
export function textWidth(context: CanvasRenderingContext2D, text: string, font: string): number {
  const key = `${font}\n${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (widths.size >= WIDTHS_MAX) widths.clear();
  context.font = font;
  const { width } = context.measureText(text);
  widths.set(key, width);
  return width;
}

/** Widths measured with a fallback are wrong once the typeface has arrived. */
export const forgetWidths = (): void => widths.clear();
