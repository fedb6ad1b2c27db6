/** As a base class, it gives an object that is not ours the private fields of the class that extends it. */
const Foreign = function Foreign(object: object): object {
  return object
} as unknown as new (object: object) => object

/** What is remembered of objects that are not ours. */
export interface Marks<Value> {
  get(object: object): Value | undefined
  set(object: object, value: Value): void
}

/**
 * Remembers on the objects themselves, unseen by whoever prints, compares or walks them.
 *
 * A WeakMap would do, at ten times the price: the garbage collector looks at each of its entries.
 */
export function marks<Value>(): Marks<Value> {
  return class Mark extends Foreign {
    #value: Value | undefined

    static get(object: object): Value | undefined {
      return #value in object ? object.#value : undefined
    }

    static set(object: object, value: Value): void {
      const marked = #value in object ? object : new Mark(object)
      marked.#value = value
    }
  }
}
