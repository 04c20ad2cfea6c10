import { afterAll, afterEach, beforeAll } from 'vitest';
import { MirrorWorld } from './mirror-world.ts';
import { PgCluster, type PgClusterOptions } from './pg-cluster.ts';
import type { PgNode } from './pg-node.ts';

/** A PostgreSQL for a file of tests, and in it a world for each test. */
export class MirrorWorlds {
  readonly #prefix: string;
  #cluster: PgCluster | null = null;
  #world: MirrorWorld | null = null;
  #begun = 0;

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** At the head of the file. @param prefix Of the names of all worlds. */
  static ofFile(prefix: string, options: PgClusterOptions = {}): MirrorWorlds {
    const worlds = new MirrorWorlds(prefix);
    beforeAll(async () => {
      worlds.#cluster = await PgCluster.start(options);
    }, 60_000);
    afterAll(() => worlds.#cluster?.close());
    afterEach(async () => {
      await worlds.#world?.end();
      worlds.#world = null;
    });
    return worlds;
  }

  get primary(): PgNode {
    if (this.#cluster === null) throw new Error('PostgreSQL has not been started');
    return this.#cluster.primary;
  }

  /** Ended with the test. */
  begin(): MirrorWorld {
    this.#begun += 1;
    this.#world = new MirrorWorld(this.primary, `${this.#prefix}${this.#begun}`);
    return this.#world;
  }
}
