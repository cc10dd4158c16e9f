/** The JSON file that `build.mjs` makes and bundles under this name. */
declare module 'cases' {
  const all: import('./cases.ts').Cases;
  export default all;
}
