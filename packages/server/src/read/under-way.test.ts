import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { type Place, UnderWay } from './under-way.ts';

describe('what is under way', () => {
  it('is what came and has not gone, in whatever order things go', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat())), (steps) => {
        const underWay = new UnderWay<number>();
        const model = new Map<number, Place<number>>();
        for (const [step, [comes, which]] of steps.entries()) {
          if (comes) model.set(step, underWay.add(step));
          const [item, place] = [...model][which % Math.max(1, model.size)] ?? [];
          if (comes || item === undefined || place === undefined) continue;
          model.delete(item);
          underWay.remove(place);
          // What has gone is gone.
          underWay.remove(place);
        }
        expect(underWay.items.toSorted((a, b) => a - b)).toEqual([...model.keys()]);
      }),
    );
  });
});
