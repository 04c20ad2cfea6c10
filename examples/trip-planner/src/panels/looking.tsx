import { Lock } from './lock.tsx';
import { useMayEdit } from './may-edit.ts';

/** On the page of who may look and not edit: that it is so, and the way out of it. */
export function Looking() {
  if (useMayEdit()) return null;
  return (
    <p className="looking" role="note">
      <Lock />
      <span>
        <strong>View only.</strong> To edit, ask for an edit link.
      </span>
    </p>
  );
}
