import type { Reading } from '../model/reading.ts'

/**
 * The names that an expression may use, and what they hold. A leaf is a CEL type: `double`, `string`, `bool`,
 * `list<string>`, `list<dyn>`, `map<string, double>`; `dyn` is checked only when it is evaluated.
 */
export type Shape = { readonly [name: string]: Shape | string }

/** The shape that a TypeScript type has, so that the compiler finds a declared shape that no longer fits. */
export type ShapeOf<T> = [T] extends [Reading<infer Value>] ? ShapeOfValue<Value> : ShapeOfValue<T>

type ShapeOfValue<T> = [T] extends [number]
  ? 'double'
  : [T] extends [string]
    ? 'string'
    : [T] extends [boolean]
      ? 'bool'
      : [T] extends [readonly (infer Item)[]]
        ? ShapeOfList<Item>
        : null extends T
          ? 'dyn'
          : [T] extends [object]
            ? string extends keyof T
              ? ShapeOfMap<T[keyof T]>
              : { readonly [Key in keyof T]-?: ShapeOf<T[Key]> }
            : 'dyn'

type ShapeOfList<Item> = [Item] extends [number]
  ? 'list<double>'
  : [Item] extends [string]
    ? 'list<string>'
    : 'list<dyn>'
type ShapeOfMap<Item> = [Item] extends [number]
  ? 'map<string, double>'
  : [Item] extends [string]
    ? 'map<string, string>'
    : 'map<string, dyn>'
