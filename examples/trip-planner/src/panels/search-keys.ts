/** A list under a field, as a key finds it. */
export interface ListState {
  /** Whether the list is shown. */
  readonly open: boolean;
  /** The current option's place. */
  readonly current: number;
  readonly count: number;
  /** The options are still those of an earlier text. */
  readonly pending: boolean;
  readonly text: string;
}

export type ListStep =
  | { readonly kind: 'move'; readonly to: number }
  | { readonly kind: 'choose'; readonly at: number }
  /** Choose the first option once the list is that of the text. */
  | { readonly kind: 'await' }
  | { readonly kind: 'close' }
  | { readonly kind: 'clear' };

/** What a key in the field does to the list; null for keys that are the field's own. Arrows go round. */
export function listStep(key: string, { open, current, count, pending, text }: ListState): ListStep | null {
  const shown = open && text.trim() !== '';
  switch (key) {
    case 'ArrowDown':
    case 'ArrowUp':
      if (count === 0) return null;
      return { kind: 'move', to: shown ? (current + (key === 'ArrowDown' ? 1 : -1) + count) % count : 0 };
    case 'Enter':
      if (text.trim() === '') return null;
      if (pending) return { kind: 'await' };
      return count === 0 ? null : { kind: 'choose', at: shown ? current : 0 };
    case 'Escape':
      if (shown) return { kind: 'close' };
      return text === '' ? null : { kind: 'clear' };
    default:
      return null;
  }
}
