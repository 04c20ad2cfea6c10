import type { Logger } from '@alcove/core/runtime/logger';
import type { AccessAction } from '../../access/access.ts';
import type { Authorize } from './server-options.ts';

type Kind = AccessAction['kind'];

/** The host asks these before it touches a room. The others are asked in the middle of a transaction, where a promise is no answer. */
const WAITED_FOR: ReadonlySet<Kind> = new Set<Kind>(['open', 'create', 'list', 'sql']);

/** The app's `authorize`, whose every answer but true is a no: one that is neither true nor false (a forgotten case, a forgotten return) is logged, once for each kind of action. */
export function heardAuthorize(authorize: Authorize, log: Logger): Authorize {
  const told = new Set<Kind>();
  const tell = (kind: Kind, message: string): false => {
    if (!told.has(kind)) log.error(message, { kind });
    told.add(kind);
    return false;
  };
  const yesOf = (kind: Kind, answer: unknown): boolean =>
    typeof answer === 'boolean' ? answer : tell(kind, `authorize answered ${typeOf(answer)} for { kind: '${kind}' }, which counts as no`);
  return (claims, action, room) => {
    const { kind } = action;
    const answer: unknown = authorize(claims, action, room); // from plain JavaScript anything may come
    if (!isThenable(answer)) return yesOf(kind, answer);
    const settled = Promise.resolve(answer);
    if (WAITED_FOR.has(kind)) return settled.then((said) => yesOf(kind, said));
    settled.catch(() => undefined);
    return tell(kind, 'authorize answered with a promise, which counts as no: only open, create, list and sql are waited for');
  };
}

const isThenable = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';

/** Never its contents: the log quotes nothing of users'. */
function typeOf(answer: unknown): string {
  if (answer === null || answer === undefined) return String(answer);
  return typeof answer === 'object' ? 'an object' : `a ${typeof answer}`;
}
