/** What a dead letter says of its past (DL4), read from its `dl…` extension attributes. */
export type DeadLetterFacts = {
  topic: string;
  partition: number | null;
  offset: number | null;
  key: string | null;
  id: string | null;
  group: string | null;
  attempts: number | null;
  first: { code: string; message: string; time: string };
  last: { code: string; message: string; time: string };
  stack: string | null;
};

type Extensions = Readonly<Record<string, string | number | boolean>>;

/** Null for a message that is no dead letter. */
export function deadLetterFacts(extensions: Extensions): DeadLetterFacts | null {
  if (extensions.dltopic === undefined) return null;
  const text = (name: string): string => (extensions[name] === undefined ? '' : String(extensions[name]));
  const number = (name: string): number | null => {
    const value = Number(extensions[name] ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  const optional = (name: string): string | null => (extensions[name] === undefined ? null : text(name));
  return {
    topic: text('dltopic'),
    partition: number('dlpartition'),
    offset: number('dloffset'),
    key: optional('dlkey'),
    id: optional('dlid'),
    group: optional('dlgroup'),
    attempts: number('dlattempts'),
    first: { code: text('dlfirsterrorcode'), message: text('dlfirsterror'), time: text('dlfirsttime') },
    last: { code: text('dllasterrorcode'), message: text('dllasterror'), time: text('dllasttime') },
    stack: optional('dlstack'),
  };
}
