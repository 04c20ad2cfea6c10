import { AlcoveError, type ErrorBody, exhaustive } from '@alcove/core/error';
import type { EngineLoss } from '../worker/engine-port.ts';
import type { PageMutations } from './page-mutations.ts';
import type { PageQueries } from './page-queries.ts';

/** What held the worker's thread is not run again. */
export function notRunAgain(
  { message }: ErrorBody,
  blame: EngineLoss['blame'],
  queries: Pick<PageQueries, 'condemn'>,
  mutations: Pick<PageMutations, 'blame'>,
): void {
  switch (blame.type) {
    case 'query':
      queries.condemn(blame.query, new AlcoveError('query_timeout', `the query was ended: ${message}`));
      return;
    case 'mutation':
      mutations.blame(blame.clientId, blame.mutationId, new AlcoveError('mutator_timeout', `the mutator was ended: ${message}`));
      return;
    case 'elsewhere':
    case 'unknown':
      return;
    default:
      return exhaustive(blame);
  }
}
