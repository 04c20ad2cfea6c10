/** A rectangle in pixels of the view. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A name that wants to stand beside its mark. Earlier requests win over later ones. */
export interface LabelRequest {
  /** The mark's middle. */
  readonly x: number;
  readonly y: number;
  /** From the mark's middle to the text: the mark's radius and some air. */
  readonly gap: number;
  readonly width: number;
  readonly height: number;
}

export type Side = 'right' | 'left' | 'above' | 'below';

export interface Placement extends Box {
  readonly side: Side;
}

/** Cartographers' order: right of the mark reads best. */
const SIDES: readonly Side[] = ['right', 'left', 'above', 'below'];

export interface PlacementLimits {
  /** No more than this many names are placed. */
  readonly max: number;
  /** Empty space kept around each placed name. */
  readonly airX: number;
  readonly airY: number;
}

export const overlaps = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

export function boxAt({ x, y, gap, width, height }: LabelRequest, side: Side): Box {
  switch (side) {
    case 'right':
      return { left: x + gap, right: x + gap + width, top: y - height / 2, bottom: y + height / 2 };
    case 'left':
      return { left: x - gap - width, right: x - gap, top: y - height / 2, bottom: y + height / 2 };
    case 'above':
      return { left: x - width / 2, right: x + width / 2, top: y - gap - height, bottom: y - gap };
    case 'below':
      return { left: x - width / 2, right: x + width / 2, top: y + gap, bottom: y + gap + height };
  }
}

/**
 * Gives each request, in order, the first side on which it overlaps nothing placed before and no obstacle; null where
 * there is none or the number of names is used up. The answer depends on nothing else, so the same view has the same names.
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  obstacles: readonly Box[],
  { max, airX, airY }: PlacementLimits,
): (Placement | null)[] {
  const taken: Box[] = [...obstacles];
  let placed = 0;
  return requests.map((request) => {
    if (placed >= max) return null;
    for (const side of SIDES) {
      const box = boxAt(request, side);
      if (taken.some((other) => overlaps(box, other))) continue;
      taken.push({ left: box.left - airX, right: box.right + airX, top: box.top - airY, bottom: box.bottom + airY });
      placed++;
      return { ...box, side };
    }
    return null;
  });
}

const FAR = 1e6;

/** The four edges of a box as obstacles: what stands wholly inside or wholly outside is free, what crosses is not. */
export function edgesOf({ left, top, right, bottom }: Box): Box[] {
  return [
    { left: left - 1, right: left, top: -FAR, bottom: FAR },
    { left: right, right: right + 1, top: -FAR, bottom: FAR },
    { left: -FAR, right: FAR, top: top - 1, bottom: top },
    { left: -FAR, right: FAR, top: bottom, bottom: bottom + 1 },
  ];
}

/** Everything outside a box as obstacles. */
export function outsideOf({ left, top, right, bottom }: Box): Box[] {
  return [
    { left: -FAR, right: left, top: -FAR, bottom: FAR },
    { left: right, right: FAR, top: -FAR, bottom: FAR },
    { left: -FAR, right: FAR, top: -FAR, bottom: top },
    { left: -FAR, right: FAR, top: bottom, bottom: FAR },
  ];
}

/** Which marks of this radius can be drawn in full: a later one that touches an earlier one cannot. */
export function spreadMarks(marks: readonly { readonly x: number; readonly y: number }[], radius: number): boolean[] {
  const kept: { readonly x: number; readonly y: number }[] = [];
  return marks.map((mark) => {
    const free = kept.every((other) => Math.hypot(mark.x - other.x, mark.y - other.y) >= 2 * radius);
    if (free) kept.push(mark);
    return free;
  });
}
