import { useId } from 'react';
import { BUDGET_MAX } from '../bounds.ts';
import { LOOKING, useMayEdit } from './may-edit.ts';
import { formatEuros, plural } from './words.ts';

export interface BudgetSliderProps {
  /** What everybody sees now, written or not. */
  readonly value: number;
  /** Whether the own last value is still to be written. */
  readonly pending: boolean;
  /** Who moved it last, where that is somebody else and just now. */
  readonly changedBy: string | null;
  readonly nights: number;
  /** Nobody is there to write it to. */
  readonly away: boolean;
  readonly onChange: (value: number) => void;
  /** The hand has let go: write it now. */
  readonly onSettle: () => void;
}

const STEP = 50;

/** One number for the whole trip, moved by anybody and seen by all while it moves. */
export function BudgetSlider({ value, pending, changedBy, nights, away, onChange, onSettle }: BudgetSliderProps) {
  const id = useId();
  const mayEdit = useMayEdit();
  const perNight = nights === 0 ? null : `${formatEuros(Math.round(value / nights))} a night over ${plural(nights, 'night')}`;
  const said =
    changedBy !== null
      ? `${changedBy} is moving it`
      : pending
        ? away
          ? 'kept here until the server is back'
          : 'writing…'
        : (perNight ?? 'no nights yet');
  return (
    <div className="budget">
      <label htmlFor={id}>Budget</label>
      <output htmlFor={id}>{formatEuros(value)}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={BUDGET_MAX}
        step={STEP}
        value={value}
        disabled={!mayEdit}
        title={mayEdit ? undefined : LOOKING}
        aria-valuetext={formatEuros(value)}
        style={{ '--share': value / BUDGET_MAX }}
        onChange={(e) => onChange(e.target.valueAsNumber)}
        onPointerUp={onSettle}
        onKeyUp={onSettle}
      />
      <p>{said}</p>
    </div>
  );
}
