import { describe, expect, it } from 'vitest';
import { buildCityIndex, type CityRow } from './city-index.ts';
import { type DotStyle, drawDots, type Sheet } from './dots.ts';
import { project } from './projection.ts';

const world = { left: 0, top: 0, right: 1, bottom: 1 };
const style: DotStyle = { radius: () => 2, ink: () => 1, ceiling: () => 1 };
const sheetOf = (width: number, height: number): Sheet => ({ pixels: new Uint32Array(width * height), width, height });
const alphaAt = (sheet: Sheet, x: number, y: number) => (sheet.pixels[y * sheet.width + x] ?? 0) >>> 24;
const city = (id: number, lon: number, lat: number, population = 1000): CityRow => ({ id, name: 'x', country: 'XX', lon, lat, population });

describe('drawDots', () => {
  it('draws a disc of the colour where the city is, and nothing elsewhere', () => {
    const sheet = sheetOf(100, 100);
    drawDots(buildCityIndex([city(1, 0, 0)]), world, sheet, { originX: 0, originY: 0, scale: 100 }, style, 0x332211);
    expect((sheet.pixels[50 * 100 + 50] ?? 0) & 0xffffff).toBe(0x332211);
    expect(alphaAt(sheet, 50, 50)).toBeGreaterThan(250);
    expect(alphaAt(sheet, 51, 51)).toBeGreaterThan(200);
    expect(alphaAt(sheet, 55, 50)).toBe(0);
    expect(sheet.pixels.filter((pixel) => pixel !== 0).length).toBeLessThan(30);
  });

  it('adds ink to ink up to the ceiling and no further', () => {
    const cities = Array.from({ length: 50 }, (_, i) => city(i + 1, 0, 0));
    const sheet = sheetOf(20, 20);
    const faint = { radius: () => 2, ink: () => 0.3, ceiling: () => 0.6 };
    drawDots(buildCityIndex(cities.slice(0, 1)), world, sheet, { originX: 0, originY: 0, scale: 20 }, faint, 0);
    const one = alphaAt(sheet, 10, 10);
    drawDots(buildCityIndex(cities), world, sheet, { originX: 0, originY: 0, scale: 20 }, faint, 0);
    expect(one).toBeGreaterThan(20);
    expect(alphaAt(sheet, 10, 10)).toBeGreaterThan(one);
    expect(alphaAt(sheet, 10, 10)).toBeLessThanOrEqual(Math.round(0.6 * 255));
  });

  it('is cut at the edges of the sheet without wrapping to the other side', () => {
    const sheet = sheetOf(10, 10);
    const { x, y } = project({ lon: 0, lat: 0 });
    drawDots(buildCityIndex([city(1, 0, 0)]), world, sheet, { originX: x, originY: y - 0.5, scale: 10 }, style, 0);
    expect(alphaAt(sheet, 0, 5)).toBeGreaterThan(250);
    expect(alphaAt(sheet, 9, 4)).toBe(0);
    expect(alphaAt(sheet, 9, 5)).toBe(0);
  });

  it('draws a city on every copy of the world in the box', () => {
    const sheet = sheetOf(100, 50);
    drawDots(
      buildCityIndex([city(1, 0, 0)]),
      { left: 0, right: 2, top: 0, bottom: 1 },
      sheet,
      { originX: 0, originY: 0, scale: 50 },
      style,
      0,
    );
    expect(alphaAt(sheet, 25, 25)).toBeGreaterThan(250);
    expect(alphaAt(sheet, 75, 25)).toBeGreaterThan(250);
  });

  it('gives dots smaller than a pixel less ink, not none', () => {
    const [small, large] = [sheetOf(20, 20), sheetOf(20, 20)];
    const index = buildCityIndex([city(1, 0, 0)]);
    drawDots(index, world, small, { originX: 0, originY: 0, scale: 20 }, { ...style, radius: () => 0.4 }, 0);
    drawDots(index, world, large, { originX: 0, originY: 0, scale: 20 }, style, 0);
    const sum = (sheet: Sheet) => sheet.pixels.reduce((total, pixel) => total + (pixel >>> 24), 0);
    expect(sum(small)).toBeGreaterThan(0);
    expect(sum(small)).toBeLessThan(sum(large) / 5);
  });
});
