import type { z } from 'zod';

export type NodeFamily = 'producer' | 'topic' | 'consumer';

/**
 * Where an edge may leave a node. `publish` edges go to topics, `subscribe` edges leave a topic for consumers and
 * `dead-letter` edges carry what a consumer gave up on to a topic.
 */
export type PortRole = 'publish' | 'subscribe' | 'dead-letter';
export type OutputPort = {
  id: string;
  label: string;
  role: PortRole;
  /** The node has done its work before anything comes out: left without a connection, it is nothing to warn of. */
  isOptional?: boolean;
};

/** Turns the config of version n into that of version n + 1. Released migrations never change. */
export type ConfigMigration = (config: unknown) => unknown;

/**
 * What `shared` knows of a node kind. The config schema is the only description of the config: types, checks, the
 * published JSON Schema and the inspector's form all come from it (through `.meta`: title, description, unit, widget).
 */
export type NodeKindDefinition<Kind extends string = string, Config extends z.ZodType = z.ZodType> = {
  kind: Kind;
  family: NodeFamily;
  title: string;
  /** One line for the palette. */
  summary: string;
  /** Words a person might search for. */
  keywords: string[];
  config: Config;
  /** The config of a node just dropped on the canvas; valid as it is. */
  initial: () => z.infer<Config>;
  outputs: (config: z.infer<Config>) => OutputPort[];
  /** Entry i migrates version i + 1 to i + 2. The current version is `migrations.length + 1`. */
  migrations: ConfigMigration[];
};

/** Keeps the exact config type of a definition while checking its shape. */
export function defineNodeKind<Kind extends string, Config extends z.ZodType>(
  definition: NodeKindDefinition<Kind, Config>,
): NodeKindDefinition<Kind, Config> {
  return definition;
}

declare module 'zod' {
  interface GlobalMeta {
    /** Unit shown beside a number. */
    unit?: string;
    /** How the inspector edits the value; without it, the JSON type decides. */
    widget?:
      | 'code'
      | 'expression'
      | 'json-template'
      | 'message-template'
      | 'cron'
      | 'file'
      | 'path'
      | 'schema-ref'
      | 'textarea'
      | 'ports'
      | 'rows'
      | 'hidden';
    placeholder?: string;
    /** Shown only behind "Advanced". */
    advanced?: boolean;
    /** The part of a form it stands in; without it, among the fields that make the node what it is. */
    section?: 'delivery' | 'scaling';
    /** Shown only while another field of the same object has one of these values, or any: else it would do nothing. */
    shownWhen?: { field: string; isOneOf?: readonly string[] };
    /** What a number begins with when a variant that holds it is chosen; without it, its minimum. */
    begins?: number;
    /** What the options of a choice are called, where their values do not say it well. */
    labels?: Readonly<Record<string, string>>;
  }
}
