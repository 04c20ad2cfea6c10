/** The query of cold-open: by index, so that what is measured is the opening. */
export const PREFIX = ['kyo', 'kyp'] as const;
export const RESULTS_MAX = 12;
export const SEARCH_SQL = `SELECT id, name, country, population FROM cities WHERE folded >= ? AND folded < ? ORDER BY population DESC, id LIMIT ${RESULTS_MAX}`;
