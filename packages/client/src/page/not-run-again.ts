import { AlcoveError, type ErrorBody, exhaustive } from '@alcove/core/error';
import type { EngineBlame } from '../worker/engine-port.ts';
import type { PageMutations } from './page-mutations.ts';
import type { PageQueries } from './page-queries.ts';

/** What held the worker's thread is not run again. Returns false where it cannot be kept from that: nothing here knows it, or it was to be so before. */
export function notRunAgain(
  { message }: ErrorBody,
  blame: EngineBlame,
  queries: Pick<PageQueries, 'condemn'>,
  mutations: Pick<PageMutations, 'blame'>,
): boolean {
  switch (blame.type) {
    case 'query':
      return queries.condemn(blame.query, new AlcoveError('query_timeout', `the query was ended: ${message}`));
    case 'mutation':
      return mutations.blame(blame.name, new AlcoveError('mutator_timeout', `the mutator was ended: ${message}`));
    default:
      return exhaustive(blame);
  }
}
