import { describe, expect, it } from 'vitest';
import { CITIES, readCities } from './cities.ts';

describe('cities', () => {
  const cities = readCities();

  it('are all 138,398, each under its own id', () => {
    expect(cities).toHaveLength(CITIES);
    expect(new Set(cities.map((city) => city.id)).size).toBe(CITIES);
  });

  it('have a name, two letters of a country and a place on earth', () => {
    const wrong = cities.filter(
      ({ name, country, lat, lon, population }) =>
        name === '' ||
        !/^[A-Z]{2}$/.test(country) ||
        !(Math.abs(lat) <= 90) ||
        !(Math.abs(lon) <= 180) ||
        !Number.isSafeInteger(population) ||
        population < 0,
    );
    expect(wrong).toEqual([]);
  });

  it('can each be searched by letters', () => {
    expect(cities.filter((city) => city.folded === '')).toEqual([]);
  });

  it('hold Kyoto where Kyoto is', () => {
    expect(cities.find((city) => city.name === 'Kyoto')).toMatchObject({
      country: 'JP',
      population: 1_459_640,
      lat: 35.02107,
      lon: 135.75385,
    });
  });
});
