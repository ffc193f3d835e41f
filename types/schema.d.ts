/**
 * What the schema of a pipeline may be, and what types it has.
 */

/**
 * A Standard Schema v1 (https://standardschema.dev), as zod 3.24 and 4, valibot 1 and arktype 2 are: its own `validate` runs,
 * synchronously or not, and its output, made into JSON, is the job's data.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What such a schema is known by. */
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** Judges a value, at once or later. */
    readonly validate: (value: unknown, ...rest: never[]) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What `validate` of a Standard Schema answers: the output, or what is wrong. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/**
 * A JSON Schema 2020-12, as an object: judged natively. docs/schemas.md says what is held to, and what of an input is stored.
 * Written in place, or `as const`, it gives the data its type.
 */
export type JsonSchema = boolean | object

/** What the `schema` of a pipeline may be. docs/schemas.md says what of an input is kept. */
export type PipelineSchema = StandardSchema | JsonSchema

/** What a schema makes of an input: the job's data, as a worker gets it, but for what JSON makes of it. */
export type DataOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : TypeOfJsonSchema<S>

/** The names of its fields, as far as they are known. */
export type FieldOf<S> = S extends Declaring
  ? string
  : S extends { readonly additionalProperties: infer More }
    ? More extends false
      ? KnownField<S>
      : string
    : KnownField<S>

/** JSON Schemas by which others than `properties` may declare members. */
type Declaring =
  | { readonly allOf: unknown }
  | { readonly anyOf: unknown }
  | { readonly oneOf: unknown }
  | { readonly $ref: unknown }
  | { readonly $dynamicRef: unknown }
  | { readonly if: unknown }
  | { readonly dependentSchemas: unknown }
  | { readonly patternProperties: unknown }
  | { readonly unevaluatedProperties: unknown }

/** Of a schema whose literals are not known, no field is. */
type KnownField<S> = [FieldOfData<S>] extends [never] ? string : FieldOfData<S>

type FieldOfData<S> =
  DataOf<S> extends infer Data
    ? unknown extends Data
      ? string
      : Data extends unknown
        ? Extract<keyof Data, string>
        : never
    : never

interface TypeNames {
  string: string
  number: number
  integer: number
  boolean: boolean
  null: null
}

/** Makes one object type of an intersection, for people to read. */
type Flat<T> = { [K in keyof T]: T[K] }

/** The type of the values that a JSON Schema accepts, where it is written so that its literals are known. Else `unknown`. */
export type TypeOfJsonSchema<S> = S extends { readonly const: infer Constant }
  ? Constant
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly properties: unknown }
      ? ObjectOf<S>
      : S extends { readonly anyOf: readonly (infer Branch)[] } | { readonly oneOf: readonly (infer Branch)[] }
        ? Branch extends unknown
          ? TypeOfJsonSchema<Branch>
          : never
        : S extends { readonly type: infer Type }
          ? Type extends readonly (infer One)[]
            ? TypeOf<S, One>
            : TypeOf<S, Type>
          : S extends { readonly properties: unknown }
            ? ObjectOf<S>
            : unknown

type TypeOf<S, Type> = Type extends keyof TypeNames
  ? TypeNames[Type]
  : Type extends 'array'
    ? ArrayOf<S>
    : Type extends 'object'
      ? ObjectOf<S>
      : unknown

type ArrayOf<S> = S extends { readonly prefixItems: readonly unknown[] }
  ? unknown[]
  : S extends { readonly items: infer Item }
    ? TypeOfJsonSchema<Item>[]
    : unknown[]

type Required<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never

type ObjectOf<S> = S extends { readonly properties: infer P }
  ? Flat<
      { -readonly [K in keyof P as K extends Required<S> ? K : never]: TypeOfJsonSchema<P[K]> } & {
        -readonly [K in keyof P as K extends Required<S> ? never : K]?: TypeOfJsonSchema<P[K]>
      }
    >
  : Record<string, unknown>
