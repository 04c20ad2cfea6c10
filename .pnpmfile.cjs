// drizzle-orm names some thirty database drivers as optional peers. pnpm would make one copy of it for each set of
// drivers that a package here happens to have, and types of two copies do not fit each other. Without them there is one.
module.exports = {
  hooks: {
    readPackage(pkg) {
      if (pkg.name === 'drizzle-orm') {
        pkg.peerDependencies = {};
        pkg.peerDependenciesMeta = {};
      }
      return pkg;
    },
  },
};
