/** The inks people are drawn in. A presence holds the name; each theme has its own shade of it (theme.css). */
export const PERSON_INKS = ['cobalt', 'moss', 'ochre', 'rust', 'violet', 'teal', 'sepia', 'slate'] as const;

export type PersonInk = (typeof PERSON_INKS)[number];

/** The ink somebody is drawn in: their own, unless one of those before them has it; then the first that none of them has. */
export const inkBeside = (own: PersonInk, before: readonly PersonInk[]): PersonInk =>
  before.includes(own) ? (PERSON_INKS.find((ink) => !before.includes(ink)) ?? own) : own;
