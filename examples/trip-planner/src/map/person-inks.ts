/** The inks people are drawn in. A presence holds the name; each theme has its own shade of it (theme.css). */
export const PERSON_INKS = ['cobalt', 'moss', 'ochre', 'rust', 'violet', 'teal', 'sepia', 'slate'] as const;

export type PersonInk = (typeof PERSON_INKS)[number];
