import { useEffect, useState } from 'react';
import { tripHooks } from './trip-client.ts';

const { useDebouncedValue } = tripHooks;

/** How long it is said who moved the slider. */
const SAID_MS = 1_500;

/** The budget, as everybody sees it now. `nameOf` tells people by the id that the server knows them by; null for oneself. */
export function useBudget(nameOf: (userId: string | null) => string | null) {
  const [value, onChange, { pending, updatedBy, flush }] = useDebouncedValue('budget');
  const [changedBy, setChangedBy] = useState<string | null>(null);
  // While the own value is to be written it is shown beside whoever wrote the last one.
  const name = pending ? null : nameOf(updatedBy);
  useEffect(() => {
    setChangedBy(value === undefined ? null : name);
    if (value === undefined || name === null) return;
    const timer = setTimeout(() => setChangedBy(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [value, name]);
  return { value: value ?? 0, pending, changedBy, onChange, onSettle: flush };
}
