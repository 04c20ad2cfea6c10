import { roomDdl } from '@alcove/core/schema/ddl';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { writeWithTx } from '@alcove/core/sqlite/mutator-tx';
import { describe, expect, it } from 'vitest';
import { engines } from '../../../test/contract/engines.ts';
import { cities, trip } from '../room.ts';
import { citiesFor } from './city-query.ts';
import { fold } from './fold.ts';

const CITIES: readonly (readonly [name: string, country: string, population: number])[] = [
  ['Porto Velho', 'BR', 306_180],
  ['Pôrto', 'XX', 12],
  ['Porto', 'PT', 249_633],
  ['Porto Alegre', 'BR', 1_372_741],
  ['Vila do Porto', 'PT', 3_000],
  ['Portoviejo', 'EC', 170_326],
  ['Opporto', 'XX', 9_000_000],
];

describe.each(engines.map((engine) => [engine.name, engine] as const))('the search on %s', (_name, engine) => {
  it('has what is called just so first, then the largest', async () => {
    const database = await engine.open();
    for (const sql of roomDdl(trip.model, { serverOnly: false })) database.exec(sql);
    const within = <Value>(run: (tx: SyncDrizzle) => Value): Value => database.transaction(() => writeWithTx(database, 'the test', run));
    within((tx) => {
      CITIES.forEach(([name, country, population], i) => {
        const city = { id: i + 1, name, folded: fold(name), country, population, lat: 0, lon: 0, feature: 'PPL', admin: '01' };
        tx.insert(cities).values(city).run();
      });
    });
    const found = (text: string) =>
      within((tx) =>
        citiesFor(tx, fold(text))
          .all()
          .map(({ name }) => name),
      );
    expect(found('Porto')).toEqual(['Porto', 'Pôrto', 'Porto Alegre', 'Porto Velho', 'Portoviejo', 'Vila do Porto']);
    // Not written to its end: nobody is called that.
    expect(found('port')).toEqual(['Porto Alegre', 'Porto Velho', 'Porto', 'Portoviejo', 'Vila do Porto', 'Pôrto']);
    expect(found('porto v')).toEqual(['Porto Velho']);
    expect(found('')).toEqual([]);
    database.close();
  });
});
