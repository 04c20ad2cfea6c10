import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { BuilderPool } from './builder-pool.ts';
import type { Seed } from './server-options.ts';

/** Files that new rooms are copied from, one for each room name whose seed is a file. */
export class SeedTemplates {
  readonly #paths = new Map<string, string>();

  /** The file that a new room of that name is a copy of; null: it begins empty, or with a function. */
  pathOf(name: string): string | null {
    return this.#paths.get(name) ?? null;
  }

  /**
   * Builds them, in another process: the seed file is read, checked and left alone.
   * @throws AlcoveError `file_damaged`, `schema_mismatch`, `option_invalid`
   */
  async prepare(
    rooms: ReadonlyMap<string, AnyRoom>,
    seeds: ReadonlyMap<string, Seed>,
    directory: string,
    pool: BuilderPool,
  ): Promise<void> {
    for (const [name, seed] of seeds) {
      const room = rooms.get(name);
      if (typeof seed !== 'string' || room === undefined) continue;
      if (!pool.available) {
        throw new AlcoveError('option_invalid', 'a seed file needs a second process, whose code is not beside the server’s', {
          hint: 'Leave @alcove/server out of the bundle of your server, or give a function as seed.',
        });
      }
      const templatePath = join(directory, `seed-${createHash('sha256').update(name).digest('hex').slice(0, 16)}.sqlite`);
      await pool.run({ kind: 'seed', sourcePath: seed, templatePath, model: room.model });
      this.#paths.set(name, templatePath);
    }
  }
}
