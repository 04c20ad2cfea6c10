import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { AnyMutator, Claims, MutatorBody } from '@alcove/core/schema/define-mutator';
import type { RuleSet } from '../room/rule-sets.ts';
import type { Findings } from '../world/findings.ts';
import type { Grants } from '../world/grants.ts';

/** Under whose claims, and which rules, the room ran a mutation. */
export interface RunFacts {
  readonly user: Claims | null;
  readonly ruleSet: RuleSet;
}

/** By which claims the room ran what: its log does not say, and the oracle has to know. Of several runs of a mutation the last counts, whose outcome stands. */
export class Runs {
  readonly #facts = new Map<string, RunFacts>();
  readonly #grants: Grants;
  readonly #findings: Findings;

  constructor(grants: Grants, findings: Findings) {
    this.#grants = grants;
    this.#findings = findings;
  }

  of(clientId: string, mutationId: number): RunFacts | undefined {
    return this.#facts.get(`${clientId} ${mutationId}`);
  }

  /** Nothing runs for claims that have run out. */
  #check(user: Claims): void {
    const lateMs = (): number => -(this.#grants.leftMs(user) ?? 0);
    this.#findings.check(
      !this.#grants.isOver(user),
      'I32',
      () => `a mutation of ${user.sub} ran ${lateMs()} ms after its claims had run out`,
    );
  }

  /** The same definition; what runs by it is noted. */
  watched(room: AnyRoom, ruleSet: RuleSet): AnyRoom {
    const mutators = Object.entries(room.mutators).map(([name, mutator]): [string, AnyMutator] => {
      const body = mutator.body as MutatorBody<unknown>; // it takes what its own schema gives
      const watchedBody: MutatorBody<unknown> = (tx, args, context) => {
        this.#facts.set(`${context.clientId} ${context.mutationId}`, { user: context.user, ruleSet });
        if (context.user !== null) this.#check(context.user);
        body(tx, args, context);
      };
      return [name, { ...mutator, body: watchedBody }];
    });
    return { ...room, mutators: Object.fromEntries(mutators) };
  }
}
