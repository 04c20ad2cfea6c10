/**
 * What SQL of PostgreSQL's may call. A list of what is known to compute from its arguments alone, or from time: functions that run SQL of their own (`query_to_xml`), end other sessions, read files, set settings
 * or wait are not on it, and neither is what somebody may install.
 */
export const POSTGRES_FUNCTIONS: ReadonlySet<string> = new Set(
  `
  count sum avg min max any_value string_agg array_agg bool_and bool_or every bit_and bit_or bit_xor json_agg jsonb_agg json_object_agg jsonb_object_agg
  stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  mode percentile_cont percentile_disc grouping
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  coalesce nullif greatest least num_nulls num_nonnulls
  abs ceil ceiling floor round trunc mod power sqrt cbrt exp ln log log10 sign div gcd lcm pi degrees radians sin cos tan asin acos atan atan2 sinh cosh tanh width_bucket scale
  length char_length character_length octet_length bit_length lower upper initcap trim btrim ltrim rtrim substr substring position strpos left right lpad rpad repeat replace reverse
  split_part concat concat_ws translate starts_with ascii chr md5 sha224 sha256 sha384 sha512 to_char to_number to_hex encode decode overlay format normalize quote_literal quote_nullable
  regexp_replace regexp_match regexp_matches regexp_count regexp_like regexp_instr regexp_substr regexp_split_to_array regexp_split_to_table string_to_array string_to_table
  date_trunc date_part date_bin extract age make_date make_time make_interval make_timestamp make_timestamptz to_date to_timestamp justify_days justify_hours justify_interval
  now transaction_timestamp statement_timestamp isfinite
  json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb row_to_json array_to_json json_object jsonb_object json_array_length jsonb_array_length
  json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text json_object_keys jsonb_object_keys
  json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_typeof jsonb_typeof json_strip_nulls jsonb_strip_nulls jsonb_pretty jsonb_set
  jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_path_exists json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset
  array_length array_ndims array_position array_positions array_append array_cat array_prepend array_remove array_replace array_to_string cardinality unnest generate_series generate_subscripts
  random gen_random_uuid
  `
    .trim()
    .split(/\s+/),
);

/** Words that a parenthesis may follow without calling anything: of the grammar, and types with their sizes. */
export const POSTGRES_WORDS: ReadonlySet<string> = new Set(
  `
  select values with from where having as on using and or not in exists any all some by over filter within partition order group case when then else limit offset union intersect except distinct
  between symmetric like ilike similar is returning lateral rows range groups only cube rollup sets array row interval cast materialized fetch first next join inner cross recursive escape tablesample
  numeric decimal dec varchar character varying char bpchar bit time timestamp timestamptz float
  `
    .trim()
    .split(/\s+/),
);
