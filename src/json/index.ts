/** `ssemble/json`: the value of a JSON text that is still arriving. */

export { PartialJson, type JsonError, type JsonValue, type PartialJsonOptions } from './partial.ts';
