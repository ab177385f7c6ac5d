type Classes = Readonly<Record<string, string>>;

/** The classes of a module over those it shares with others: an element gets both under one name. */
export function withShared(shared: Classes, own: Classes): Classes {
  const all: Record<string, string> = { ...shared };
  for (const [name, className] of Object.entries(own))
    all[name] = name in shared ? `${shared[name]} ${className}` : className;
  return all;
}
