import fc from 'fast-check';

/**
 * fast-check as all tests use it: what a run draws is the same each time, so that what passed passes again and what fails can be gone after.
 * `npm run properties` draws anew, seed after seed.
 */
const seed = Number(process.env['ALCOVE_PROPERTY_SEED'] ?? 1);
if (!Number.isSafeInteger(seed)) throw new Error(`ALCOVE_PROPERTY_SEED is ${process.env['ALCOVE_PROPERTY_SEED']}; give a whole number`);
fc.configureGlobal({ seed });

export { fc };
