import { useState, useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';

/** The same as in public/theme.js. */
const KEY = 'trip-planner.theme';
const nightWished = () => matchMedia('(prefers-color-scheme: dark)');

function subscribe(changed: () => void): () => void {
  const wish = nightWished();
  wish.addEventListener('change', changed);
  return () => wish.removeEventListener('change', changed);
}

/** A browser that forbids storage still has a switch; it only forgets it. */
function remembered(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null;
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Nothing is lost but the memory of a switch.
  }
}

/** The theme in force: the system's until somebody switches by hand. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const system: Theme = useSyncExternalStore(
    subscribe,
    () => (nightWished().matches ? 'dark' : 'light'),
    () => 'light',
  );
  // public/theme.js has put what is remembered on the page before anything was drawn.
  const [chosen, setChosen] = useState(remembered);
  const choose = (theme: Theme) => {
    // Before React paints: the map reads its colours from the page.
    document.documentElement.dataset['theme'] = theme;
    remember(theme);
    setChosen(theme);
  };
  return [chosen ?? system, choose];
}
