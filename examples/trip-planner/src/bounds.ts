/** Bounds of what people write, the same in fields, mutators and presence. */

export const NIGHTS_MAX = 60;
export const NOTE_CHARACTERS_MAX = 1_000;
export const ITEM_CHARACTERS_MAX = 120;
export const NAME_CHARACTERS_MAX = 40;
/** In whole currency units, for the whole trip. */
export const BUDGET_MAX = 20_000;
export const TITLE_CHARACTERS_MAX = 60;
