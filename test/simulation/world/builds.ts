import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Prng } from '../../fake/prng.ts';
import { playgroundWith } from '../room/playground.ts';
import { playgroundNextWith } from '../room/playground-next.ts';
import { OPEN, RULE_SETS } from '../room/rule-sets.ts';
import type { RuleSet } from '../room/rule-sets.ts';

/** A release of the app, on the server or in a tab. */
export interface Build {
  readonly isNewer: boolean;
  readonly ruleSet: RuleSet;
  readonly room: AnyRoom;
}

const made = new Map<string, Build>();

/** One and the same for the same release and rules. */
function buildOf(isNewer: boolean, ruleSet: RuleSet): Build {
  const name = `${isNewer} ${ruleSet.name}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const build = { isNewer, ruleSet, room: (isNewer ? playgroundNextWith : playgroundWith)(ruleSet.rules) };
  made.set(name, build);
  return build;
}

export const OLDER = buildOf(false, OPEN);

/** Which release runs where. Where old builds are no part of the run there is one, and where rules are none everybody sees everything. */
export class Builds {
  readonly areTwo: boolean;
  /** From now on all pages are loaded from where the newer one is. */
  isOut = false;
  readonly #random: Prng;
  readonly #rulesOfPages: RuleSet;
  #ofRoom: Build;

  constructor(random: Prng, areTwo: boolean, hasRules: boolean) {
    this.#random = random;
    this.areTwo = areTwo;
    this.#rulesOfPages = hasRules ? RULE_SETS[0] : OPEN;
    this.#ofRoom = buildOf(false, this.#rulesOfPages);
  }

  /** The server's, from its next start on. */
  get ofRoom(): Build {
    return this.#ofRoom;
  }

  /** False: it is the newer one already. */
  update(): boolean {
    if (this.#ofRoom.isNewer === this.areTwo) return false;
    this.#ofRoom = buildOf(true, this.#ofRoom.ruleSet);
    return true;
  }

  /** The server's next start has other rules than it has now. */
  changeRules(random: Prng): void {
    const { isNewer, ruleSet } = this.#ofRoom;
    this.#ofRoom = buildOf(isNewer, random.pick(RULE_SETS.filter((other) => other !== ruleSet)));
  }

  /** What knows all mutators there are: the oracle. */
  get newest(): Build {
    return buildOf(this.areTwo, this.#rulesOfPages);
  }

  /** Of a page that is loaded now: some get the newer one before the server has it. */
  ofPage(): Build {
    return buildOf(this.areTwo && (this.isOut || this.#random.chance(0.5)), this.#rulesOfPages);
  }
}
