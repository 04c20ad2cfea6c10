interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** What a key anywhere in the SQL panel does; null for keys that are the page's or the field's own. */
export function sqlKey({ key, ctrlKey, metaKey }: Key, running: boolean): 'run' | 'stop' | null {
  if (key === 'Enter' && (ctrlKey || metaKey)) return 'run';
  return key === 'Escape' && running ? 'stop' : null;
}
