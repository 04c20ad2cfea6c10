import { PERSON_INKS } from './person-inks.ts';

/** The colours the canvas draws with: the same custom properties the style sheet has. All are `#rrggbb`. */
export interface Ink {
  readonly paper: string;
  readonly ink: string;
  readonly inkSoft: string;
  readonly line: string;
  /** Cities' dots, and the names of all but the largest. */
  readonly dot: string;
  readonly name: string;
  readonly frame: string;
  readonly route: string;
  readonly routeText: string;
  readonly people: Readonly<Record<string, string>>;
}

/** The typeface of everything, also on the canvas. */
export const TYPEFACE = "'Ysabeau Office Variable', 'Gill Sans', 'Optima', sans-serif";

/** Reads the colours as they are now: call again when the theme changes. */
export function readInk(element: Element): Ink {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    paper: read('--paper'),
    ink: read('--ink'),
    inkSoft: read('--ink-soft'),
    line: read('--line'),
    dot: read('--dot'),
    name: read('--name'),
    frame: read('--frame'),
    route: read('--route'),
    routeText: read('--route-text'),
    people: Object.fromEntries(PERSON_INKS.map((name) => [name, read(`--person-${name}`)])),
  };
}

/** `#rrggbb` as the number 0xBBGGRR, the order canvas pixels have. */
export function pixelColor(hex: string): number {
  const value = Number.parseInt(hex.slice(1), 16);
  return ((value & 0xff) << 16) | (value & 0xff00) | ((value >> 16) & 0xff);
}

/** The colour with this much of it (0…1). */
export const faded = (hex: string, alpha: number): string =>
  `${hex}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, '0')}`;
