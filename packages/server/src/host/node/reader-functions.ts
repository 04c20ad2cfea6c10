/**
 * The functions that SQL of users may call, in lower case. Not among them: what tells of the process or the connection (`sqlite_version`, `changes`), what loads
 * code or writes logs, what makes long values out of nothing (`zeroblob`, `randomblob`, `printf`, `format`), and what only makes sense with tables that rooms do
 * not have (full text, R*Tree). A function that a later SQLite brings is refused until it stands here.
 */
export const READER_FUNCTIONS: ReadonlySet<string> = new Set(
  [
    // values and text
    'abs char coalesce concat concat_ws glob hex if ifnull iif instr length like likelihood likely lower ltrim max min nullif octet_length quote random',
    'replace round rtrim sign soundex substr substring trim typeof unhex unicode unistr unlikely upper',
    // aggregates
    'avg count group_concat median percentile percentile_cont percentile_disc string_agg sum total',
    // windows
    'cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number',
    // mathematics
    'acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians sin sinh sqrt tan tanh trunc',
    // dates
    'current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch',
    // JSON
    '-> ->> json json_array json_array_insert json_array_length json_error_position json_extract json_group_array json_group_object json_insert json_object',
    'json_patch json_pretty json_quote json_remove json_replace json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract',
    'jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set',
  ].flatMap((line) => line.split(' ')),
);

/** The tables of SQLite's own that they may read: what makes rows of JSON. */
export const READER_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['json_each', 'json_tree']);
